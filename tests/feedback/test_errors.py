"""Tests of `tzproxy.feedback.errors`: texts, statuses and codes."""

from __future__ import annotations

import pytest

from tzproxy.errors import TzproxyError
from tzproxy.feedback.errors import (
    FeedbackDisabledError,
    InvalidUuidError,
    UnknownMetricError,
    UnknownTargetError,
)

ERRORS = [
    (UnknownMetricError("m"), 404, "Unknown metric: m"),
    (InvalidUuidError("x"), 400, "Failed to parse UUID as v7: x"),
    (UnknownTargetError("inference", "x"), 400, "Inference ID: x does not exist"),
    (UnknownTargetError("episode", "x"), 400, "Episode ID: x does not exist"),
    (
        FeedbackDisabledError(),
        400,
        "Feedback requires observability to be enabled "
        "(`gateway.observability.enabled` must not be `false`).",
    ),
]


@pytest.mark.parametrize(("error", "status", "message"), ERRORS)
def test_errors(error: TzproxyError, status: int, message: str) -> None:
    """Clients match on status and text, and no error is worth another attempt."""
    assert (error.status, error.message, error.retryable) == (status, message, False)


def test_codes() -> None:
    """Each has a code of its own."""
    assert len({type(error).code for error, _, _ in ERRORS}) == 4
