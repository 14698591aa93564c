"""One HTTP exchange: the body in, the answer out, and whether the client is still there. Hot.

The server's two calling conventions implement it (`asgi`, `rsgi`); routes know only this.
Source: transport rules of TensorZero 2026.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

API_VERSION = "2026.6.0"
"""The TensorZero release whose HTTP API this gateway speaks, told in every answer's version header."""

WATCH_AFTER_S = 0.25


class ResponseHeaders:
    """Headers of an answer, prepared for both calling conventions. The version header is always there."""

    __slots__ = ("as_bytes", "as_text")

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.as_text = [*pairs, ("x-tensorzero-gateway-version", API_VERSION)]
        self.as_bytes = [(name.encode(), value.encode()) for name, value in self.as_text]


JSON_HEADERS = ResponseHeaders(("content-type", "application/json"))
STREAM_HEADERS = ResponseHeaders(("content-type", "text/event-stream"), ("cache-control", "no-cache"))


class ClientGoneError(Exception):
    """The client closed the connection: there is nobody to answer."""


class Exchange(Protocol):
    """One request and its answer."""

    method: str
    path: str
    parameters: dict[str, str]
    started: bool
    """Whether the status has been sent."""

    def header(self, name: str) -> str | None:
        """Return a request header (lower-case name)."""
        ...

    async def body(self) -> bytes:
        """Read the whole body, decompressed.

        Raises:
            RequestError: when it is larger than 100 MiB, measured after decompression.
            EncodingError: for an unknown `Content-Encoding`.
            ClientGoneError: when the client leaves before the end.
        """
        ...

    async def answer(self, status: int, body: bytes, headers: ResponseHeaders = JSON_HEADERS) -> None:
        """Send a whole answer."""
        ...

    async def begin_stream(self) -> None:
        """Send the status and headers of an event stream."""
        ...

    async def stream(self, data: bytes, *, more: bool = True) -> None:
        """Send a part of a stream.

        Raises:
            ClientGoneError: when the client has left and the server says so.
        """
        ...

    async def gone(self) -> None:
        """Return when the client has left."""
        ...


class Watch:
    """Cancels the running task when the client leaves; a context manager.

    Most requests are over before anybody has to look: watching begins after `WATCH_AFTER_S`.
    """

    __slots__ = ("_exchange", "_gone", "_task", "_timer", "_watched")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._gone = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watched: asyncio.Task[Any] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._watched = asyncio.current_task(loop)
        self._timer = loop.call_later(WATCH_AFTER_S, self._begin)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        await self._exchange.gone()
        self._gone = True
        if self._watched is not None:
            self._watched.cancel()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> None:
        """Stop watching.

        Raises:
            ClientGoneError: in place of the cancellation that the client's leaving caused.
        """
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        if self._gone and kind is not None and issubclass(kind, asyncio.CancelledError):
            if self._watched is not None:
                self._watched.uncancel()
            raise ClientGoneError from exc


def joined(parts: Sequence[bytes]) -> bytes:
    """Join body parts; a single one is not copied."""
    return parts[0] if len(parts) == 1 else b"".join(parts)
