"""What can be wrong with a workflow evaluation run."""

from __future__ import annotations

from tzproxy.errors import RequestError


class UnknownPinError(RequestError):
    """A run pins a variant that its function does not have."""

    code = "unknown_variant"

    def __init__(self, function_name: str, variant_name: str) -> None:
        super().__init__(f"Variant {variant_name} for function {function_name} not found.")


class RunsDisabledError(RequestError):
    """There is no store, so that no inference could find its run."""

    code = "workflow_runs_disabled"

    def __init__(self) -> None:
        super().__init__(
            "Workflow evaluation runs require observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`)."
        )
