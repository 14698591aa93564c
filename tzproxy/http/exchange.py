"""One HTTP exchange: the body in, the answer out, and whether the client is still there. Hot.

The server's two calling conventions implement it (`asgi`, `rsgi`); routes know only this.
Source: transport rules of TensorZero 2026.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tzproxy.services.settings import API_VERSION

WATCH_AFTER_S = 0.125


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


class NoRouteError(Exception):
    """A handler has nothing for this request: it is answered as if there were no route."""


class Exchange(Protocol):
    """One request and its answer."""

    method: str
    path: str
    parameters: dict[str, str]
    started: bool
    """Whether the status has been sent."""

    api_key_id: str | None
    """The public id of the API key that let the request pass; None where none is needed."""

    def header(self, name: str) -> str | None:
        """Return a request header (lower-case name)."""
        ...

    def query(self) -> str:
        """Return the query string as it was sent, without its question mark."""
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

    async def begin_stream(self, headers: ResponseHeaders = STREAM_HEADERS) -> None:
        """Send the status and headers of a stream, of events unless told otherwise."""
        ...

    async def stream(self, data: bytes, *, more: bool = True) -> None:
        """Send a part of a stream.

        Raises:
            ClientGoneError: when the client has left and the server says so.
        """
        ...

    def writer(self) -> Callable[[bytes], None] | None:
        """Return what sends a part as `stream` does, but without waiting; None where that cannot be known.

        A server shows with the first part whether it takes them so.
        """
        ...

    async def gone(self) -> None:
        """Return when the client has left."""
        ...


class Watch:
    """Cancels the running task when the client leaves; a context manager.

    Most requests are over before anybody has to look: a request is watched only once it is older than
    `WATCH_AFTER_S`, which one timer for all of them finds out.
    """

    __slots__ = ("_exchange", "_gone", "_looking", "_watched")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._gone = False
        self._looking: asyncio.Task[None] | None = None
        self._watched: asyncio.Task[Any] | None = None

    def __enter__(self) -> None:
        self._watched = YOUNG.add(self)

    def begin(self) -> None:
        """Look for the client's leaving from now on."""
        self._looking = asyncio.get_running_loop().create_task(self._look())

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
        YOUNG.discard(self)
        if self._looking is not None:
            self._looking.cancel()
        if self._gone and kind is not None and issubclass(kind, asyncio.CancelledError):
            if self._watched is not None:
                self._watched.uncancel()
            raise ClientGoneError from exc


class _Nursery:
    """The watches of requests that are not yet old enough to be looked after, in two generations."""

    __slots__ = ("_loop", "_new", "_older", "_timer")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._new: set[Watch] = set()
        self._older: set[Watch] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watch: Watch) -> asyncio.Task[Any] | None:
        """Take in a watch; return the running task, which it is about."""
        self._new.add(watch)
        loop = self._loop
        # PERF: asked for only when a timer is set; in Python 3.11 each asking is a system call
        # (test_100_requests).
        if self._timer is None or loop is None or loop.is_closed():
            loop = self._loop = asyncio.get_running_loop()
            self._timer = loop.call_later(WATCH_AFTER_S, self._turn)
        return asyncio.current_task(loop)

    def discard(self, watch: Watch) -> None:
        self._new.discard(watch)
        self._older.discard(watch)

    def _turn(self) -> None:
        grown, self._older, self._new = self._older, self._new, set()
        for watch in grown:
            watch.begin()
        self._timer = None
        if self._older and self._loop is not None:
            self._timer = self._loop.call_later(WATCH_AFTER_S, self._turn)


YOUNG = _Nursery()
"""One for the process: a worker has one event loop (tests have several, one after the other)."""


def joined(parts: Sequence[bytes]) -> bytes:
    """Join body parts; a single one is not copied."""
    return parts[0] if len(parts) == 1 else b"".join(parts)
