"""The fake network keeps to its script."""

from __future__ import annotations

import asyncio

import pytest

from tzproxy._speedups.http1 import ResponseParser
from tzproxy._speedups.sse import EventParser
from tzproxy.errors import UpstreamConnectError
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.fake import FakeConnection, FakeNetwork, Mark, Script, answer, event_stream
from tzproxy.upstream.proxies import ProxyRules
from tzproxy.upstream.settings import UpstreamSettings

ENDPOINT = Endpoint.parse("http://h/")
ROUTE = ProxyRules(UpstreamSettings()).route(ENDPOINT)


class Log(asyncio.Protocol):
    """Notes what the loop would tell a protocol."""

    def __init__(self) -> None:
        self.notes: list[object] = []

    def data_received(self, data: bytes) -> None:
        """Note bytes."""
        self.notes.append(data)

    def eof_received(self) -> None:
        """Note the end."""
        self.notes.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the loss."""
        self.notes.append(type(exc).__name__)


async def connected(*replies: bytes | list[bytes | Mark]) -> tuple[Log, FakeConnection]:
    """Open one scripted connection."""
    network, log = FakeNetwork(replies), Log()
    await network.connect(log, ENDPOINT, ROUTE)
    return log, network.connections[0]


async def turns(count: int) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_reply_per_write_and_one_piece_per_turn() -> None:
    """Nothing arrives unasked; pieces arrive one turn after the other."""
    log, connection = await connected([b"a", b"b"], b"c")
    await turns(3)
    assert log.notes == []
    connection.write(b"1")
    await turns(1)
    assert log.notes == [b"a"]
    await turns(3)
    assert log.notes == [b"a", b"b"]
    connection.write(b"2")
    connection.write(b"3")
    await turns(3)
    assert log.notes == [b"a", b"b", b"c"]
    assert connection.sent == [b"1", b"2", b"3"]
    assert connection.get_write_buffer_size() == 0 and connection.get_extra_info("socket") is None


async def test_pausing_holds_pieces_back() -> None:
    """A paused transport delivers nothing until it is resumed."""
    log, connection = await connected([b"a", b"b"])
    connection.write(b"1")
    connection.pause_reading()
    await turns(3)
    assert log.notes == []
    connection.resume_reading()
    await turns(3)
    assert log.notes == [b"a", b"b"]


@pytest.mark.parametrize(
    ("mark", "notes"), [(Mark.EOF, ["eof", "NoneType"]), (Mark.RESET, ["ConnectionResetError"])]
)
async def test_endings(mark: Mark, notes: list[str]) -> None:
    """The server's two ways of ending look as they do on a socket, and nothing follows them."""
    log, connection = await connected([mark, b"never"])
    connection.write(b"1")
    await turns(4)
    assert log.notes == notes
    assert connection.is_closing()
    with pytest.raises(BrokenPipeError):
        connection.write(b"2")


@pytest.mark.parametrize("close", ["abort", "close"])
async def test_client_closes(close: str) -> None:
    """After the client has closed nothing more is delivered, and the loss is reported once."""
    log, connection = await connected([b"a"])
    connection.write(b"1")
    getattr(connection, close)()
    getattr(connection, close)()
    await turns(3)
    assert log.notes == ["NoneType"]


async def test_connecting() -> None:
    """Connections are refused, hang, or are missing as the script says; every attempt is noted."""
    scripts: list[Script] = [UpstreamConnectError("refused"), Mark.HANG, Mark.EOF]
    network = FakeNetwork(*scripts)
    with pytest.raises(UpstreamConnectError, match="refused"):
        await network.connect(Log(), ENDPOINT, ROUTE)
    hanging = asyncio.ensure_future(network.connect(Log(), ENDPOINT, ROUTE))
    await turns(3)
    assert not hanging.done()
    hanging.cancel()
    await asyncio.wait([hanging])
    with pytest.raises(ValueError, match="no script"):
        await network.connect(Log(), ENDPOINT, ROUTE)
    with pytest.raises(UpstreamConnectError, match="script has ended"):
        await network.connect(Log(), ENDPOINT, ROUTE)
    assert network.dialled == [("http://h:80", "Route(direct via h:80)")] * 4
    assert network.connections == [] and network.requests == []


def test_answers_are_http() -> None:
    """The helpers write what the parser accepts."""
    parser = ResponseParser()
    assert parser.feed(answer(b"{}", status=429, headers={"x": "y"})) == b"{}"
    assert parser.complete and parser.keep_alive
    assert parser.head == (
        b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nx: y\r\ncontent-length: 2\r\n"
    )
    parser.start()
    body = b"".join([parser.feed(piece) for piece in event_stream([b"a", b"b\nc"])])
    assert parser.complete
    assert EventParser().feed(body) == [b"a", b"b\nc"]
