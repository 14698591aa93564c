"""The mock's sockets: one `asyncio.Protocol` a connection, on uvloop. Hot when it is a benchmark's upstream.

Owns the connections and their timers. One request of a connection is answered at a time, in order.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import cast

import uvloop

from tzproxy.mock.app import MockApp, Reply
from tzproxy.mock.options import MockOptions
from tzproxy.mock.render import LAST_CHUNK, frame_chunk, render_error, render_response
from tzproxy.mock.wire import Head, Request, RequestReader, WireError

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """One client's connection."""

    __slots__ = ("_app", "_loop", "_peers", "_reader", "_reply", "_request", "_timer", "_transport")

    def __init__(self, app: MockApp, heads: dict[bytes, Head], peers: set[Connection]) -> None:
        self._app = app
        self._loop = asyncio.get_running_loop()
        self._peers = peers
        self._reader = RequestReader(heads)
        self._transport: asyncio.Transport | None = None
        self._request: Request | None = None
        self._reply: Reply | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve a client."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._peers.add(self)
        self._app.stats.open_connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client; a stream that it did not wait for counts as cancelled."""
        self._transport = None
        self._peers.discard(self)
        self._app.stats.open_connections -= 1
        if self._timer is not None:
            self._timer.cancel()
        if self._reply is not None and self._reply.is_stream:
            self._app.stats.cancelled_streams += 1

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client and answer what is complete."""
        self._reader.feed(data)
        if self._reply is None:
            self._serve_buffered()

    def _serve_buffered(self) -> None:
        """Answer the buffered requests until one takes time or the bytes run out."""
        transport = self._transport
        while transport is not None and self._reply is None and not transport.is_closing():
            try:
                request = self._reader.next_request()
            except WireError as exc:
                body = render_error(exc.status, str(exc))
                transport.write(
                    render_response(
                        exc.status, body, identity=b"00000000", is_keep_alive=False, is_http_10=False
                    )
                )
                transport.close()
                return
            if request is None:
                if self._reader.wants_continue():
                    transport.write(_CONTINUE)
                return
            reply = self._app.answer(request)
            if not reply.is_stream and not reply.delay_s and reply.ending == "complete":
                transport.write(reply.head)
                if not request.head.is_keep_alive:
                    transport.close()
                continue
            self._request, self._reply = request, reply
            if reply.delay_s:
                self._timer = self._loop.call_later(reply.delay_s, self._begin)
            else:
                self._begin()

    def _begin(self) -> None:
        """Send the first bytes of a reply that is streamed, late or broken."""
        transport, reply, request = self._transport, self._reply, self._request
        if transport is None or reply is None or request is None:
            return
        frame = _frame_nothing if request.head.is_http_10 else frame_chunk
        if reply.interval_s and len(reply.events) > 1:
            transport.write(reply.head)
            self._send_event(0, self._loop.time(), frame)
            return
        transport.write(reply.head + b"".join([frame(event) for event in reply.events]))
        self._end()

    def _send_event(self, index: int, started: float, frame: Callable[[bytes], bytes]) -> None:
        transport, reply = self._transport, self._reply
        if transport is None or reply is None:
            return
        transport.write(frame(reply.events[index]))
        if index + 1 == len(reply.events):
            self._end()
            return
        # Each event's time counts from the stream's start, so that delays do not add up.
        due = started + (index + 1) * reply.interval_s
        self._timer = self._loop.call_at(due, self._send_event, index + 1, started, frame)

    def _end(self) -> None:
        """Finish the running reply as its ending says, then go on with the next request."""
        transport, reply, request = self._transport, self._reply, self._request
        if transport is None or reply is None or request is None or reply.ending == "stall":
            return
        self._timer = self._reply = self._request = None
        if reply.ending == "drop":
            transport.close()
            return
        if reply.is_stream and not request.head.is_http_10:
            transport.write(LAST_CHUNK)
        if not request.head.is_keep_alive or (reply.is_stream and request.head.is_http_10):
            transport.close()
            return
        self._loop.call_soon(self._serve_next)

    def _serve_next(self) -> None:
        if self._reply is None:
            self._serve_buffered()


def _frame_nothing(event: bytes) -> bytes:
    return event


async def serve_mock(
    options: MockOptions, stop: asyncio.Event, ready: Callable[[int], None] | None = None
) -> None:
    """Serve until `stop` is set; `ready` is told the port.

    Raises: OSError when the address cannot be bound.
    """
    loop = asyncio.get_running_loop()
    app = MockApp(options)
    heads: dict[bytes, Head] = {}
    peers: set[Connection] = set()
    server = await loop.create_server(
        lambda: Connection(app, heads, peers), options.host, options.port, reuse_address=True, backlog=4096
    )
    if ready is not None:
        ready(server.sockets[0].getsockname()[1])
    try:
        await stop.wait()
    finally:
        server.close()
        for connection in list(peers):
            connection.abort()
        await asyncio.sleep(0)


def run_mock(options: MockOptions, *, ready: Callable[[int], None] | None = None) -> None:
    """Serve the mock until SIGINT or SIGTERM; `ready` is called with the port once it listens.

    Raises: OSError when the address cannot be bound.
    """

    async def main() -> None:
        stop = asyncio.Event()
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
        await serve_mock(options, stop, ready)

    uvloop.run(main())
