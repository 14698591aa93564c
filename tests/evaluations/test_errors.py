"""Tests of `tzproxy.evaluations.errors`."""

from __future__ import annotations

from tzproxy.evaluations.errors import EvaluationsDisabledError, EvaluationStartError


def test_texts_and_statuses() -> None:
    """Without a store the client's wish is refused; a run that cannot start has the original's words."""
    disabled, start = EvaluationsDisabledError(), EvaluationStartError("no")
    assert (disabled.status, start.status) == (400, 500)
    assert disabled.message.startswith("Evaluations require observability to be enabled")
    assert start.message == "Evaluation run error: Failed to start evaluation run: no"
