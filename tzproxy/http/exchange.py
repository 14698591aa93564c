"""One HTTP exchange over ASGI: the body in, the answer out, and whether the client is still there. Hot.

Source: ASGI 3.0, HTTP connection scope; transport rules of TensorZero 2026.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from tzproxy.errors import RequestError
from tzproxy.http.decompression import LIMIT_BYTES, TOO_LARGE, decompressed

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

API_VERSION = "2026.6.0"
"""The TensorZero release whose HTTP API this gateway speaks, told in every answer's version header."""

VERSION_HEADER = (b"x-tensorzero-gateway-version", API_VERSION.encode())
JSON_HEADERS = [(b"content-type", b"application/json"), VERSION_HEADER]
STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    VERSION_HEADER,
]
WATCH_AFTER_S = 0.25


class Exchange:
    """One request and its answer. `started` tells that the status has been sent."""

    __slots__ = ("_receive", "_send", "parameters", "scope", "started")

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, parameters: Mapping[str, str] | None
    ) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.parameters = parameters or {}
        self.started = False

    def header(self, name: bytes) -> str | None:
        """Return a request header (lower-case name)."""
        for key, value in self.scope["headers"]:
            if key == name:
                return bytes(value).decode("latin-1")
        return None

    async def body(self) -> bytes:
        """Read the whole body, decompressed.

        Raises:
            RequestError: when it is larger than 100 MiB, measured after decompression.
            EncodingError: for an unknown `Content-Encoding`.
            ClientGoneError: when the client leaves before the end.
        """
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        body: bytes = message.get("body", b"")
        if message.get("more_body", False):
            body = await self._rest(body)
        if len(body) > LIMIT_BYTES:
            raise RequestError(TOO_LARGE)
        encoding = self.header(b"content-encoding")
        return body if encoding is None else decompressed(body, encoding)

    async def _rest(self, first: bytes) -> bytes:
        parts = [first]
        size = len(first)
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGoneError
            part: bytes = message.get("body", b"")
            parts.append(part)
            size += len(part)
            if size > LIMIT_BYTES:
                raise RequestError(TOO_LARGE)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def answer(
        self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] = JSON_HEADERS
    ) -> None:
        """Send a whole answer."""
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def begin_stream(self) -> None:
        """Send the status and headers of an event stream."""
        self.started = True
        await self._send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})

    async def stream(self, data: bytes, *, more: bool = True) -> None:
        """Send a part of a stream."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    def watch(self) -> Watch:
        """Watch for the client's leaving while the body of this `with` statement runs."""
        return Watch(self._receive)


class ClientGoneError(Exception):
    """The client closed the connection: there is nobody to answer."""


class Watch:
    """Cancels the running task when the client leaves.

    Most requests are over before anybody has to look: watching begins after `WATCH_AFTER_S`.
    """

    __slots__ = ("_gone", "_receive", "_task", "_timer", "_watched")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watched: asyncio.Task[Any] | None = None

    def __enter__(self) -> Watch:
        self._watched = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._begin)
        return self

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
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
