"""Server-sent events to the client: framing and the keep-alive comment. Hot."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tzproxy.http.exchange import ClientGoneError, Exchange

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b":\n\n"
KEEP_ALIVE_S = 15.0


def frame(data: bytes) -> bytes:
    """Make one event of compact JSON."""
    return b"data: " + data + b"\n\n"


class KeepAlive:
    """Sends a comment whenever a stream has been silent for a while."""

    __slots__ = ("_exchange", "_last", "_loop", "_sending", "_timer")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._sending: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(KEEP_ALIVE_S, self._check)

    def touch(self) -> None:
        """Note that something was sent."""
        self._last = self._loop.time()

    def _check(self) -> None:
        silent = self._loop.time() - self._last
        if silent >= KEEP_ALIVE_S:
            self._sending = self._loop.create_task(self._comment())
            self.touch()
            silent = 0.0
        self._timer = self._loop.call_later(KEEP_ALIVE_S - silent, self._check)

    async def _comment(self) -> None:
        # Who left is noticed by the request itself.
        with suppress(ClientGoneError):
            await self._exchange.stream(KEEP_ALIVE)

    def stop(self) -> None:
        """Send no more comments."""
        self._timer.cancel()
