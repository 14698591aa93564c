"""Tests of `tzproxy.limits.errors`: the original's texts."""

from __future__ import annotations

import msgspec

from limits.builders import bucket
from tzproxy.limits.errors import MissingMaxTokensError, RateLimitExceededError, Shortage

FIRST = Shortage(msgspec.structs.replace(bucket(), resource="token", scope='tag_key="a"'), 102, 5)
SECOND = Shortage(bucket(), 1, 0)


def test_one_shortage() -> None:
    """Four lines; a rule for everybody has an empty scope."""
    error = RateLimitExceededError([SECOND])
    assert error.message == (
        "TensorZero rate limit exceeded for `model_inference` resource.\nScope: \nRequested: 1\nAvailable: 0"
    )
    assert error.status == 429
    assert not error.retryable


def test_several_shortages() -> None:
    """All of them are listed."""
    assert RateLimitExceededError([FIRST, SECOND]).message == (
        "TensorZero rate limits exceeded for 2 rules:\n"
        "- Resource: `token`\n"
        '    ├ Scope: tag_key="a"\n'
        "    ├ Requested: 102\n"
        "    └ Available: 5\n"
        "- Resource: `model_inference`\n"
        "    ├ Scope: \n"
        "    ├ Requested: 1\n"
        "    └ Available: 0"
    )


def test_missing_max_tokens() -> None:
    """The client can mend it."""
    error = MissingMaxTokensError()
    assert (error.status, error.message) == (
        400,
        "Missing `max_tokens` for request subject to rate limiting rules.",
    )
