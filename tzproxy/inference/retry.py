"""Retries of a variant's model: exponential backoff with jitter. Hot only when things fail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from tzproxy.errors import TzproxyError
from tzproxy.inference.errors import AllRetriesFailedError, is_retryable

T = TypeVar("T")
FIRST_DELAY_S = 1.0


class Retries(Struct, frozen=True):
    """How often a variant tries its model again. Units: seconds."""

    num_retries: int = 0
    max_delay_s: float = 10.0


def delays(retries: Retries) -> list[float]:
    """Return the base delays before the retries. The first one is not capped, as in the original."""
    found: list[float] = []
    base = FIRST_DELAY_S
    for index in range(retries.num_retries):
        if index:
            base = min(base if base >= retries.max_delay_s else base * 2, retries.max_delay_s)
        found.append(base)
    return found


async def retried(
    retries: Retries,
    attempt: Callable[[], Awaitable[T]],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> tuple[T, list[TzproxyError]]:
    """Run an attempt until it succeeds; return its result and the failures before it.

    Raises:
        AllRetriesFailedError: after more than one attempt; a single attempt's error comes as it is.
    """
    failures: list[TzproxyError] = []
    for base in [*delays(retries), None]:
        try:
            return await attempt(), failures
        except TzproxyError as exc:
            failures.append(exc)
            if base is None or not is_retryable(exc):
                break
        await sleep(base + jitter() * base)
    if len(failures) == 1:
        raise failures[0]
    raise AllRetriesFailedError(failures)
