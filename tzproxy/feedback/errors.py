"""What can be wrong with feedback. Texts are the original's."""

from __future__ import annotations

from tzproxy.errors import NotFoundError, RequestError


class UnknownMetricError(NotFoundError):
    """The configuration has no metric of that name."""

    code = "unknown_metric"

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown metric: {name}")


class InvalidUuidError(RequestError):
    """The target's id is no UUIDv7."""

    code = "invalid_uuid"

    def __init__(self, text: str) -> None:
        super().__init__(f"Failed to parse UUID as v7: {text}")


class UnknownTargetError(RequestError):
    """No inference or episode has the target's id, however long one waits."""

    code = "unknown_feedback_target"

    def __init__(self, level: str, target_id: str) -> None:
        super().__init__(f"{level.capitalize()} ID: {target_id} does not exist")


class FeedbackDisabledError(RequestError):
    """Nothing is recorded here, so feedback has nowhere to go."""

    code = "feedback_disabled"

    def __init__(self) -> None:
        super().__init__(
            "Feedback requires observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`)."
        )
