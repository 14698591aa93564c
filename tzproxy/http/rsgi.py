"""The exchange over RSGI, Granian's own calling convention: fewer hand-overs a request than ASGI. Hot.

Source: RSGI 1.5, HTTP protocol (Granian's documentation).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tzproxy.http.body_parts import whole
from tzproxy.http.decompression import decompressed
from tzproxy.http.exchange import JSON_HEADERS, STREAM_HEADERS, ClientGoneError, ResponseHeaders

DONE_AT_ONCE = "PyEmptyAwaitable"
"""Granian's name for what `send_bytes` returns when nothing has to be waited for."""


class RsgiExchange:
    """One RSGI `http` scope."""

    __slots__ = (
        "_arrived",
        "_headers",
        "_protocol",
        "_scope",
        "_sends_at_once",
        "_transport",
        "api_key_id",
        "method",
        "parameters",
        "path",
        "started",
    )

    def __init__(self, scope: Any, headers: Any, protocol: Any, arrived: bytes | None = None) -> None:
        """Wrap a scope and its headers; `arrived` is its whole body, where it has been read."""
        self._arrived = arrived
        self._headers = headers
        self._scope = scope
        self._protocol = protocol
        self._transport: Any = None
        self._sends_at_once = False
        self.method: str = scope.method
        self.path: str = scope.path
        self.parameters: dict[str, str] = {}
        self.started = False
        self.api_key_id: str | None = None

    def header(self, name: str) -> str | None:
        """Return a request header (lower-case name)."""
        value: str | None = self._headers.get(name)
        return value

    def query(self) -> str:
        """Return the query string as it was sent, without its question mark."""
        return str(self._scope.query_string)

    async def body(self) -> bytes:
        """Read the whole body, decompressed. Raises as the protocol says."""
        body = self._arrived
        if body is None:
            body = await whole(self._protocol, self._headers.get("content-length"))
        encoding = self._headers.get("content-encoding")
        return body if encoding is None else decompressed(body, encoding)

    async def answer(self, status: int, body: bytes, headers: ResponseHeaders = JSON_HEADERS) -> None:
        """Send a whole answer."""
        self.started = True
        if body:
            self._protocol.response_bytes(status, headers.as_text, body)
        else:
            self._protocol.response_empty(status, headers.as_text)

    async def begin_stream(self, headers: ResponseHeaders = STREAM_HEADERS) -> None:
        """Send the status and headers of a stream, of events unless told otherwise."""
        self.started = True
        self._transport = self._protocol.response_stream(200, headers.as_text)

    async def stream(self, data: bytes, *, more: bool = True) -> None:
        """Send a part of a stream.

        Raises:
            ClientGoneError: when the client has left.
        """
        try:
            sent = self._transport.send_bytes(data)
            self._sends_at_once = type(sent).__name__ == DONE_AT_ONCE
            await sent
        except RuntimeError as exc:
            raise ClientGoneError from exc
        if not more:
            # Granian ends the answer when nobody holds the transport any more.
            self._transport = None

    def writer(self) -> Callable[[bytes], None] | None:
        """Return what sends a part without waiting, where the first part was taken so."""
        return self._write if self._sends_at_once else None

    def _write(self, data: bytes) -> None:
        try:
            # The part was handed over by the call; a failure shows when its result is asked for.
            for _ in self._transport.send_bytes(data):
                pass
        except RuntimeError as exc:
            raise ClientGoneError from exc

    async def gone(self) -> None:
        """Return when the client has left."""
        await self._protocol.client_disconnect()
