"""Configured deadlines of providers, models and variants: what runs inside, and what it raises. Hot.

Code without a configured timeout never comes here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from msgspec import Struct

from tzproxy.inference.errors import DeadlineError, duration_text

T = TypeVar("T")


class Timeouts(Struct, frozen=True):
    """Configured deadlines of one level. Units: milliseconds; None: no deadline."""

    total_ms: int | None = None
    stream_ttft_ms: int | None = None
    stream_total_ms: int | None = None


NO_TIMEOUTS = Timeouts()


class Deadline(Struct, frozen=True):
    """A moment after which a stream is over. Units: `at` in seconds of the event loop's clock."""

    at: float
    error: DeadlineError


async def bounded(work: Awaitable[T], milliseconds: int, owner: str) -> T:
    """Wait for something within a plain answer's deadline.

    Raises:
        DeadlineError: naming the owner.
    """
    async with deadline(milliseconds, owner, "non_streaming.total_ms"):
        return await work


@asynccontextmanager
async def deadline(milliseconds: int, owner: str, key: str) -> AsyncIterator[None]:
    """Bound what runs inside.

    Raises:
        DeadlineError: naming the owner and the configuration key.
    """
    try:
        async with asyncio.timeout(milliseconds / 1000):
            yield
    except TimeoutError as exc:
        raise timed_out(owner, key, milliseconds) from exc


def timed_out(owner: str, key: str, milliseconds: int) -> DeadlineError:
    """Make the error for a configured timeout that passed."""
    return DeadlineError(
        f"{owner} timed out due to configured `{key}` timeout ({duration_text(milliseconds)})"
    )


class begin_by:
    """Bound the time to a stream's first piece; yields the deadlines that go on after it."""

    __slots__ = ("_limit", "_owner", "_rest", "_timeouts")

    def __init__(self, timeouts: Timeouts, owner: str) -> None:
        self._timeouts = timeouts
        self._owner = owner
        self._limit: asyncio.Timeout | None = None
        self._rest: list[Deadline] = []

    async def __aenter__(self) -> list[Deadline]:
        """Start the clock."""
        timeouts = self._timeouts
        if timeouts.stream_ttft_ms is None and timeouts.stream_total_ms is None:
            return self._rest
        if timeouts.stream_total_ms is not None:
            at = asyncio.get_running_loop().time() + timeouts.stream_total_ms / 1000
            error = timed_out(self._owner, "streaming.total_ms", timeouts.stream_total_ms)
            self._rest.append(Deadline(at, error))
        self._limit = asyncio.timeout(self._first_ms() / 1000)
        await self._limit.__aenter__()
        return self._rest

    def _first_ms(self) -> int:
        return min(
            ms for ms in (self._timeouts.stream_ttft_ms, self._timeouts.stream_total_ms) if ms is not None
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: object
    ) -> None:
        """Stop the clock.

        Raises:
            DeadlineError: when it ran out.
        """
        if self._limit is None:
            return
        try:
            await self._limit.__aexit__(kind, exc, trace)  # type: ignore[arg-type]
        except TimeoutError as late:
            milliseconds = self._first_ms()
            key = "ttft_ms" if milliseconds == self._timeouts.stream_ttft_ms else "total_ms"
            raise timed_out(self._owner, f"streaming.{key}", milliseconds) from late
