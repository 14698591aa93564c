"""What a client is told when a limit refuses it. Hot only when limits are hit.

Source: texts of TensorZero 2026.6.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tzproxy.errors import RateLimitError, RequestError, StoreError
from tzproxy.limits.rules import Bucket


class Shortage(Struct, frozen=True):
    """A bucket that holds less than is asked of it."""

    bucket: Bucket
    requested: int
    available: int


class RateLimitExceededError(RateLimitError):
    """Some buckets hold too little. Names all of them."""

    code = "rate_limit_exceeded"

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        super().__init__(_one(shortages[0]) if len(shortages) == 1 else _several(shortages))
        self.shortages = tuple(shortages)


class MissingMaxTokensError(RequestError):
    """A request without `max_tokens` falls under a limit of tokens: nobody knows how many it may take."""

    code = "rate_limit_missing_max_tokens"

    def __init__(self) -> None:
        super().__init__("Missing `max_tokens` for request subject to rate limiting rules.")


class BucketsUnavailableError(StoreError):
    """The store of the buckets does not answer: what may not be counted is not let through."""

    code = "rate_limit_store"


def _one(shortage: Shortage) -> str:
    return (
        f"TensorZero rate limit exceeded for `{shortage.bucket.resource}` resource.\n"
        f"Scope: {shortage.bucket.scope}\n"
        f"Requested: {shortage.requested}\n"
        f"Available: {shortage.available}"
    )


def _several(shortages: Sequence[Shortage]) -> str:
    lines = [f"TensorZero rate limits exceeded for {len(shortages)} rules:"]
    for shortage in shortages:
        lines += [
            f"- Resource: `{shortage.bucket.resource}`",
            f"    ├ Scope: {shortage.bucket.scope}",
            f"    ├ Requested: {shortage.requested}",
            f"    └ Available: {shortage.available}",
        ]
    return "\n".join(lines)
