"""Tests of `tzproxy.http.rsgi`: the same exchange by Granian's own calling convention."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from in_process import (
    CHAT,
    DONE,
    HELLO,
    MODEL,
    USAGE,
    RunningGateway,
    StartGateway,
    completion,
    delta,
    streamed,
)
from tzproxy.http.exchange import ClientGoneError
from tzproxy.http.rsgi import RsgiExchange
from tzproxy.upstream.fake import Mark, event_stream

VERSION = ("x-tensorzero-gateway-version", "2026.6.0")
JSON_TYPE = ("content-type", "application/json")


class Transport:
    """Where a stream goes."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    async def send_bytes(self, data: bytes) -> None:
        """Keep a part."""
        if self.is_closed:
            raise RuntimeError("transport is closed")
        self.sent.append(data)


class PyEmptyAwaitable:
    """What Granian returns for what is done already, by its name."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    def __await__(self) -> Iterator[None]:
        return self

    def __iter__(self) -> Iterator[None]:
        return self

    def __next__(self) -> None:
        if self._failure is not None:
            raise self._failure
        raise StopIteration


class QuickTransport(Transport):
    """Where a stream goes that takes parts at once, as Granian's does."""

    def send_bytes(self, data: bytes) -> Any:
        """Keep a part."""
        if self.is_closed:
            return PyEmptyAwaitable(RuntimeError("transport is closed"))
        self.sent.append(data)
        return PyEmptyAwaitable(None)


class Protocol:
    """Granian's side of an exchange."""

    def __init__(self, *parts: bytes, is_quick: bool = False) -> None:
        self.parts = list(parts)
        self.answers: list[Any] = []
        self.transport = QuickTransport() if is_quick else Transport()
        self.left = asyncio.Event()

    async def __call__(self) -> bytes:
        """Give the whole body."""
        return b"".join(self.parts)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[bytes]:
        while self.parts:
            yield self.parts.pop(0)

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        """Take a whole answer."""
        self.answers.append((status, headers, body))

    def response_empty(self, status: int, headers: Any) -> None:
        """Take an answer without a body."""
        self.answers.append((status, headers, b""))

    def response_stream(self, status: int, headers: Any) -> Transport:
        """Take a stream's head."""
        self.answers.append((status, headers, None))
        return self.transport

    async def client_disconnect(self) -> None:
        """Wait for the client to leave."""
        await self.left.wait()


def scope(path: str = "/p", **headers: str) -> Any:
    """A scope as Granian makes it."""
    return SimpleNamespace(
        proto="http",
        method="POST",
        path=path,
        query_string="a=b%20c",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def exchange(*parts: bytes, **headers: str) -> RsgiExchange:
    """An exchange with this body."""
    asked = scope(**headers)
    return RsgiExchange(asked, asked.headers, Protocol(*parts))


async def test_bodies_are_read_in_parts() -> None:
    """A body that has not been read is; one that is cut off belongs to a client that left."""
    assert await exchange(b"a", b"bc", content_length="3").body() == b"abc"
    with pytest.raises(ClientGoneError):
        await exchange(b"ab", content_length="3").body()


async def test_compressed_bodies_are_unfolded() -> None:
    """The encoding is taken from the header."""
    packed = gzip.compress(b"abc")
    found = await exchange(packed, content_encoding="gzip", content_length=str(len(packed))).body()
    assert found == b"abc"


async def test_headers_and_query() -> None:
    """Headers are found by their lower-case name; the query is as it was sent."""
    made = exchange(x_a="1")
    assert (made.header("x-a"), made.header("x-b")) == ("1", None)
    assert (made.method, made.path, made.query()) == ("POST", "/p", "a=b%20c")


async def test_answers() -> None:
    """With a body or without: status, headers, bytes."""
    protocol = Protocol()
    made = RsgiExchange(scope(), {}, protocol)
    await made.answer(200, b"{}")
    await made.answer(405, b"")
    assert protocol.answers == [(200, [JSON_TYPE, VERSION], b"{}"), (405, [JSON_TYPE, VERSION], b"")]
    assert made.started


async def test_streams() -> None:
    """Parts go to the transport; a closed one is the client's leaving."""
    protocol = Protocol()
    made = RsgiExchange(scope(), {}, protocol)
    await made.begin_stream()
    await made.stream(b"a")
    await made.stream(b"b")
    assert protocol.answers == [
        (200, [("content-type", "text/event-stream"), ("cache-control", "no-cache"), VERSION], None)
    ]
    assert protocol.transport.sent == [b"a", b"b"]
    protocol.transport.is_closed = True
    with pytest.raises(ClientGoneError):
        await made.stream(b"c")


async def test_a_writer() -> None:
    """There is one when the first part was taken at once; a closed transport is the client's leaving."""
    slow = RsgiExchange(scope(), {}, Protocol())
    await slow.begin_stream()
    await slow.stream(b"a")
    assert slow.writer() is None
    protocol = Protocol(is_quick=True)
    made = RsgiExchange(scope(), {}, protocol)
    await made.begin_stream()
    assert made.writer() is None
    await made.stream(b"a")
    write = made.writer()
    assert write is not None
    write(b"b")
    assert protocol.transport.sent == [b"a", b"b"]
    protocol.transport.is_closed = True
    with pytest.raises(ClientGoneError):
        write(b"c")


# ---- the gateway over RSGI


async def serve(gateway: RunningGateway, path: str, body: object) -> Protocol:
    """Run one request to its end."""
    data = json.dumps(body).encode()
    protocol = Protocol(data)
    await gateway.gateway.__rsgi__(scope(path, content_length=str(len(data))), protocol)
    return protocol


async def test_an_inference(start: StartGateway) -> None:
    """A request is answered as over ASGI."""
    gateway = await start(MODEL + CHAT, [completion()])
    protocol = await serve(gateway, "/inference", {"function_name": "f", "input": HELLO})
    ((status, headers, body),) = protocol.answers
    assert (status, headers) == (200, [JSON_TYPE, VERSION])
    assert json.loads(body)["content"] == [{"type": "text", "text": "Hi"}]
    assert len(gateway.sink.rows) == 2


async def test_a_stream(start: StartGateway) -> None:
    """A stream's last event is its mark, and the rows are written."""
    gateway = await start(MODEL + CHAT, [streamed("a", "b")])
    protocol = await serve(gateway, "/inference", {"function_name": "f", "input": HELLO, "stream": True})
    said = b"".join(protocol.transport.sent)
    assert said.endswith(b"data: [DONE]\n\n")
    assert said.count(b"data: {") == 3
    assert len(gateway.sink.rows) == 2


async def test_a_client_that_leaves_in_mid_stream(start: StartGateway) -> None:
    """The provider's stream is cancelled, what had arrived is recorded."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a")])[:-1]])
    data = json.dumps({"function_name": "f", "input": HELLO, "stream": True}).encode()
    protocol = Protocol(data)
    handling = gateway.gateway.__rsgi__(scope("/inference", content_length=str(len(data))), protocol)
    task = asyncio.ensure_future(handling)
    await asyncio.sleep(1)
    assert len(protocol.transport.sent) == 1
    protocol.left.set()
    await task
    assert gateway.network.connections[0].is_closed
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "a"}]


async def test_a_client_whose_connection_breaks(start: StartGateway) -> None:
    """A part that cannot be sent has the same effect."""
    gateway = await start(MODEL + CHAT, [event_stream([])[:-1]])
    data = json.dumps({"function_name": "f", "input": HELLO, "stream": True}).encode()
    protocol = Protocol(data)
    protocol.transport.is_closed = True
    handling = gateway.gateway.__rsgi__(scope("/inference", content_length=str(len(data))), protocol)
    task = asyncio.ensure_future(handling)
    await asyncio.sleep(0.01)
    gateway.network.connections[0].push(event_stream([delta(content="a")])[1])
    await task
    assert gateway.network.connections[0].is_closed
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "a"}]


def begin(gateway: RunningGateway, **options: Any) -> tuple[Protocol, asyncio.Future[None]]:
    """Begin a stream whose parts are taken at once."""
    body = {"function_name": "f", "input": HELLO, "stream": True, **options}
    data = json.dumps(body).encode()
    protocol = Protocol(data, is_quick=True)
    handling = gateway.gateway.__rsgi__(scope("/inference", content_length=str(len(data))), protocol)
    return protocol, asyncio.ensure_future(handling)


async def test_pieces_go_out_with_their_arrival(start: StartGateway) -> None:
    """A piece is sent in the callback that brings it, those that come together in one part."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a")])[:-1]])
    protocol, task = begin(gateway)
    await asyncio.sleep(0.01)
    connection = gateway.network.connections[0]
    sent = protocol.transport.sent
    assert len(sent) == 1
    connection.protocol.data_received(event_stream([delta(content="b")])[1])
    assert len(sent) == 2
    connection.protocol.data_received(b"".join(event_stream([delta(content="c"), delta(content="d")])[1:-1]))
    assert [part.count(b"data: {") for part in sent] == [1, 1, 2]
    assert not gateway.sink.rows
    connection.protocol.data_received(b"".join(event_stream([b"[DONE]"])[1:]))
    await task
    assert sent[-1].endswith(b"data: [DONE]\n\n")
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "abcd"}]
    assert not connection.is_closed


@pytest.mark.parametrize("said", [[USAGE, DONE], [delta(content="b"), DONE], [DONE], [USAGE, b"x", DONE]])
async def test_the_mark_ends_a_stream_whose_body_goes_on(start: StartGateway, said: list[bytes]) -> None:
    """Whatever comes with it in one read, and though the provider does not end its answer."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a")])[:-1]])
    protocol, task = begin(gateway)
    await asyncio.sleep(0.01)
    gateway.network.connections[0].protocol.data_received(b"".join(event_stream(said)[1:-1]))
    await asyncio.wait_for(task, 1)
    assert protocol.transport.sent[-1].endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("ending", ["mark", "end", "eof", "reset", "garbage", "unreadable"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("flags", [{}, {"include_original_response": True, "include_raw_usage": True}])
async def test_the_same_however_parts_are_taken(
    start: StartGateway, ending: str, size: int, flags: dict[str, Any]
) -> None:
    """Waiting for the server or not, from whatever reads: the client gets the same bytes but for its ids."""
    payloads = [
        delta(content=""),
        delta(content="\u00e4\n"),
        delta(reasoning_content="t"),
        delta(content='"b'),
    ]
    if ending == "unreadable":
        payloads.append(b"not JSON")
    if ending in ("mark", "unreadable"):
        payloads += [USAGE, DONE]
    whole = event_stream(payloads)
    raw = b"".join(whole if ending in ("mark", "end", "unreadable") else whole[:-1])
    pieces: list[Any] = [raw[at : at + size] for at in range(0, len(raw), size)]
    pieces += {"eof": [Mark.EOF], "reset": [Mark.RESET], "garbage": [b"?"]}.get(ending, [])
    found = []
    for is_quick in (False, True):
        gateway = await start(MODEL + CHAT, [pieces])
        body = {"function_name": "f", "input": HELLO, "stream": True, **flags}
        data = json.dumps(body).encode()
        protocol = Protocol(data, is_quick=is_quick)
        await gateway.gateway.__rsgi__(scope("/inference", content_length=str(len(data))), protocol)
        text = b"".join(protocol.transport.sent).decode()
        row, model = gateway.chat_rows[0], gateway.model_rows[0]
        for known in (row["id"], row["episode_id"], model["id"]):
            text = text.replace(known, "ID")
        found.append((text, row["output"], model["raw_response"], gateway.network.connections[0].is_closed))
    assert found[0] == found[1]
    assert found[0][0].endswith("data: [DONE]\n\n")


async def test_a_client_that_leaves_while_pieces_are_followed(start: StartGateway) -> None:
    """The provider's stream is cancelled, what had arrived is recorded, and nothing is sent any more."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a"), delta(content="b")])[:-1]])
    protocol, task = begin(gateway)
    await asyncio.sleep(1)
    protocol.left.set()
    await task
    assert gateway.network.connections[0].is_closed
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "ab"}]
    assert len(protocol.transport.sent) == 2


async def test_a_client_whose_connection_breaks_while_pieces_are_followed(start: StartGateway) -> None:
    """A part that cannot be sent ends the request; its piece is recorded, later ones are not waited for."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a")])[:-1]])
    protocol, task = begin(gateway)
    await asyncio.sleep(0.01)
    protocol.transport.is_closed = True
    connection = gateway.network.connections[0]
    connection.push(event_stream([delta(content="b")])[1])
    connection.push(event_stream([delta(content="c")])[1])
    await task
    assert connection.is_closed
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "ab"}]


async def test_a_deadline_while_pieces_are_followed(start: StartGateway) -> None:
    """It is an event, and the last piece still comes."""
    toml = MODEL + CHAT + "timeouts = { streaming = { total_ms = 500 } }\n"
    gateway = await start(toml, [event_stream([delta(content="a")])[:-1]])
    protocol, task = begin(gateway)
    await task
    said = b"".join(protocol.transport.sent)
    assert b"streaming.total_ms" in said
    assert said.endswith(b"data: [DONE]\n\n")
