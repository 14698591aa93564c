"""What can be wrong with a search for prompts."""

from __future__ import annotations

from tzproxy.errors import NotFoundError, RequestError, TzproxyError


class GepaDisabledError(RequestError):
    """There is no store: neither datapoints, nor a place for what is found."""

    code = "gepa_disabled"

    def __init__(self) -> None:
        super().__init__(
            "GEPA requires observability to be enabled (`gateway.observability.enabled` must not be `false`)."
        )


class UnknownTaskError(NotFoundError):
    """Nobody has launched such a search."""

    code = "unknown_task"

    def __init__(self, task_id: str) -> None:
        super().__init__(f"GEPA task not found: {task_id}")


class SearchError(TzproxyError):
    """A search, or one step of it, cannot go on."""

    code = "gepa"


class ReplyError(SearchError):
    """A model that reflects did not reply as it was asked to. Costs the step, not the search."""

    code = "gepa_reply"
