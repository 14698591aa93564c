"""What can be wrong with an evaluation: with the request, with its start, with one score."""

from __future__ import annotations

from tzproxy.errors import RequestError, TzproxyError


class EvaluationsDisabledError(RequestError):
    """There is no store, so that there are no datapoints."""

    code = "evaluations_disabled"

    def __init__(self) -> None:
        super().__init__(
            "Evaluations require observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`)."
        )


class EvaluationStartError(TzproxyError):
    """The run cannot begin. The status is the original's, whoever is at fault."""

    code = "evaluation_start"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Evaluation run error: Failed to start evaluation run: {reason}")


class ScoreError(TzproxyError):
    """An evaluator cannot score one answer. Ends neither the run nor the datapoint's other scores."""

    code = "score"
