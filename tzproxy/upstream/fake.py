r"""A network made of byte strings, so that tests read as wire transcripts. Not hot; opens no socket.

    network = FakeNetwork([answer(b"{}"), [b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: 0\r\n\r\n", Mark.EOF]])
    upstream = Upstream(UpstreamSettings(), connector=network)

One script per connection, in the order in which they are opened; one reply per write of the client. Each
piece of a reply arrives in its own turn of the loop. A server that has no reply left stays silent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias

from tzproxy.errors import UpstreamConnectError
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.proxies import Route


class Mark(Enum):
    """What a server does besides sending bytes."""

    EOF = "eof"
    """It closes the connection in good order."""
    RESET = "reset"
    """The connection breaks."""
    HANG = "hang"
    """In place of a script: the connection is never made."""


Piece: TypeAlias = bytes | Mark
Reply: TypeAlias = bytes | Sequence[Piece]
Script: TypeAlias = Sequence[Reply] | Mark | UpstreamConnectError


class FakeConnection(asyncio.Transport):
    """The server's end of one connection, and the transport that the client holds."""

    def __init__(self, protocol: asyncio.Protocol, replies: Sequence[Reply]) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        """What the client has written, one entry per write."""
        self.is_closed = False
        self.is_paused = False
        self.protocol = protocol
        """The client's end."""
        self._replies = deque(replies)
        self._pieces: deque[Piece] = deque()
        self._is_scheduled = False
        self._loop = asyncio.get_running_loop()

    # ---- the server's side

    def push(self, *pieces: Piece) -> None:
        """Let the server do something that no request asked for."""
        self._pieces.extend(pieces)
        self._schedule()

    def _schedule(self) -> None:
        if self._pieces and not (self._is_scheduled or self.is_paused or self.is_closed):
            self._is_scheduled = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._is_scheduled = False
        if self.is_closed or self.is_paused:
            return
        piece = self._pieces.popleft()
        if isinstance(piece, bytes):
            self.protocol.data_received(piece)
        elif piece is Mark.EOF:
            self.protocol.eof_received()
            self._lose(None)
        else:
            self._lose(ConnectionResetError(104, "Connection reset by peer"))
        self._schedule()

    def _lose(self, exc: Exception | None) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._loop.call_soon(self.protocol.connection_lost, exc)

    # ---- the client's side

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Note what is written and play the next reply.

        Raises:
            BrokenPipeError: when the connection is closed.
        """
        if self.is_closed:
            raise BrokenPipeError(32, "Broken pipe")
        self.sent.append(bytes(data))
        if self._replies:
            reply = self._replies.popleft()
            self.push(*([reply] if isinstance(reply, bytes) else reply))

    def abort(self) -> None:
        """Close at once."""
        self._lose(None)

    def close(self) -> None:
        """Close; there is nothing to flush."""
        self._lose(None)

    def is_closing(self) -> bool:
        """Whether the connection is closed."""
        return self.is_closed

    def pause_reading(self) -> None:
        """Hold further pieces back."""
        self.is_paused = True

    def resume_reading(self) -> None:
        """Go on delivering."""
        self.is_paused = False
        self._schedule()

    def get_write_buffer_size(self) -> int:
        """Say that everything is on the wire."""
        return 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Know nothing about sockets."""
        return default


class FakeNetwork:
    """A connector that plays scripts."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = deque(scripts)
        self.dialled: list[tuple[str, str]] = []
        """The origin and the route of every attempt to connect."""
        self.connections: list[FakeConnection] = []
        """What was opened, in this order."""

    @property
    def requests(self) -> list[bytes]:
        """Everything that was written, connection by connection."""
        return [request for connection in self.connections for request in connection.sent]

    async def connect(self, protocol: asyncio.Protocol, endpoint: Endpoint, route: Route) -> None:
        """Open the next connection of the script.

        Raises:
            UpstreamConnectError: when the script says so or is at its end.
        """
        self.dialled.append((endpoint.origin, repr(route)))
        script = self._scripts.popleft() if self._scripts else UpstreamConnectError("the script has ended")
        await asyncio.sleep(0)
        if script is Mark.HANG:
            await asyncio.get_running_loop().create_future()
        if isinstance(script, (UpstreamConnectError, Mark)):
            raise script if isinstance(script, UpstreamConnectError) else ValueError(f"no script: {script}")
        connection = FakeConnection(protocol, script)
        self.connections.append(connection)
        protocol.connection_made(connection)


def answer(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Write a complete answer with a content-length; JSON unless the headers say otherwise."""
    fields = {"content-type": "application/json", **(headers or {}), "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\n{lines}\r\n".encode("latin-1") + body


def event_stream(payloads: Iterable[bytes], *, status: int = 200) -> list[bytes]:
    """Write a chunked stream of events: the head, one piece per payload, and the end."""
    head = f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\ncontent-type: text/event-stream\r\n"
    pieces = [head.encode("latin-1") + b"transfer-encoding: chunked\r\n\r\n"]
    for payload in payloads:
        event = b"".join(b"data: " + line + b"\n" for line in payload.split(b"\n")) + b"\n"
        pieces.append(b"%x\r\n%s\r\n" % (len(event), event))
    return [*pieces, b"0\r\n\r\n"]


_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    429: "Too Many Requests",
    500: "Internal Server Error",
}
