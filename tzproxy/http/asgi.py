"""The exchange over ASGI. Hot. Source: ASGI 3.0, HTTP connection scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tzproxy.errors import RequestError
from tzproxy.http.decompression import LIMIT_BYTES, TOO_LARGE, decompressed
from tzproxy.http.exchange import JSON_HEADERS, STREAM_HEADERS, ClientGoneError, ResponseHeaders, joined

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiExchange:
    """One ASGI `http` scope."""

    __slots__ = ("_receive", "_scope", "_send", "api_key_id", "method", "parameters", "path", "started")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.parameters: dict[str, str] = {}
        self.started = False
        self.api_key_id: str | None = None

    def header(self, name: str) -> str | None:
        """Return a request header (lower-case name)."""
        wanted = name.encode()
        for key, value in self._scope["headers"]:
            if key == wanted:
                return bytes(value).decode("latin-1")
        return None

    def query(self) -> str:
        """Return the query string as it was sent, without its question mark."""
        return bytes(self._scope["query_string"]).decode("latin-1")

    async def body(self) -> bytes:
        """Read the whole body, decompressed. Raises as the protocol says."""
        parts: list[bytes] = []
        size = 0
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
                break
        encoding = self.header("content-encoding")
        body = joined(parts)
        return body if encoding is None else decompressed(body, encoding)

    async def answer(self, status: int, body: bytes, headers: ResponseHeaders = JSON_HEADERS) -> None:
        """Send a whole answer."""
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers.as_bytes})
        await self._send({"type": "http.response.body", "body": body})

    async def begin_stream(self, headers: ResponseHeaders = STREAM_HEADERS) -> None:
        """Send the status and headers of a stream, of events unless told otherwise."""
        self.started = True
        await self._send({"type": "http.response.start", "status": 200, "headers": headers.as_bytes})

    async def stream(self, data: bytes, *, more: bool = True) -> None:
        """Send a part of a stream.

        Raises:
            ClientGoneError: when the client has left and the server says so.
        """
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
        except OSError as exc:
            # SPEC: what servers raise after the client has left (ASGI, HTTP 2.4, "Disconnected client").
            raise ClientGoneError from exc

    def writer(self) -> Callable[[bytes], None] | None:
        """Have none: ASGI servers may make the application wait."""
        return None

    async def gone(self) -> None:
        """Return when the client has left."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
