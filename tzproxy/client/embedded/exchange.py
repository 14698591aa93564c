"""One request inside of the process: what a server would read from a socket, and write to one. Hot."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from msgspec import Struct

from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.http.decompression import decompressed
from tzproxy.http.exchange import JSON_HEADERS, STREAM_HEADERS, ClientGoneError, ResponseHeaders

CLOSED = "The embedded gateway is closed."
WAITING_PARTS = 64
"""A stream that is so far ahead of its reader waits for it, as it would for a slow connection."""


class LocalRequest(Struct, frozen=True):
    """A request. Header names in lower case; `target` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


class LocalExchange:
    """An exchange whose other end is in this process. Belongs to the loop that serves it."""

    def __init__(self, request: LocalRequest) -> None:
        path, _, query = request.target.partition("?")
        self.method = request.method
        # As servers hand it on.
        self.path = unquote(path)
        self.parameters: dict[str, str] = {}
        self.started = False
        self.api_key_id: str | None = None
        self._request = request
        self._query = query
        self._left = asyncio.Event()
        self._parts: deque[bytes] = deque()
        self._is_over = False
        self._is_whole = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.status = 0
        self.headers: list[tuple[str, str]] = []

    # ---- what routes see

    def header(self, name: str) -> str | None:
        """Return a request header (lower-case name)."""
        return self._request.headers.get(name)

    def query(self) -> str:
        """Return the query string, without its question mark."""
        return self._query

    async def body(self) -> bytes:
        """Return the body."""
        encoding = self.header("content-encoding")
        return self._request.body if encoding is None else decompressed(self._request.body, encoding)

    async def answer(self, status: int, body: bytes, headers: ResponseHeaders = JSON_HEADERS) -> None:
        """Give a whole answer."""
        self._begin(status, headers)
        self._parts.append(body)
        self._is_whole = True
        self.finish()

    async def begin_stream(self, headers: ResponseHeaders = STREAM_HEADERS) -> None:
        """Begin a stream."""
        self._begin(200, headers)

    async def stream(self, data: bytes, *, more: bool = True) -> None:
        """Give a part of a stream; wait while the reader is far behind.

        Raises:
            ClientGoneError: when the reader has left.
        """
        while not self._room.is_set() and not self._left.is_set():
            await self._room.wait()
        if self._left.is_set():
            raise ClientGoneError
        if data:
            self._parts.append(data)
        if len(self._parts) >= WAITING_PARTS:
            self._room.clear()
        if not more:
            self._is_whole = self._is_over = True
        self._news.set()

    def writer(self) -> Callable[[bytes], None] | None:
        """Have none: a reader that is slow is waited for."""
        return None

    async def gone(self) -> None:
        """Return when the reader has left."""
        await self._left.wait()

    def _begin(self, status: int, headers: ResponseHeaders) -> None:
        self.started = True
        self.status = status
        self.headers = headers.as_text
        self._news.set()

    # ---- what the reader sees

    def finish(self) -> None:
        """Say that nothing more will come."""
        self._is_over = True
        self._news.set()

    def leave(self) -> None:
        """Say that nobody reads on: the route finds its client gone."""
        self._left.set()
        self._room.set()

    async def begun(self) -> None:
        """Return once the status is there, or never will be."""
        while not self.started and not self._is_over:
            await self._news.wait()

    async def read(self) -> bytes:
        """Return what has arrived, waiting for something to; nothing at the end.

        Raises:
            TensorZeroInternalError: when the gateway was closed before the end.
        """
        while not self._parts:
            if self._is_over:
                if self._left.is_set() and not self._is_whole:
                    raise TensorZeroInternalError(CLOSED)
                return b""
            self._news.clear()
            await self._news.wait()
        arrived = b"".join(self._parts)
        self._parts.clear()
        self._room.set()
        return arrived
