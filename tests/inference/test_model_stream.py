"""Tests of `tzproxy.inference.model_stream`: the walk through a model's providers, streams."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from in_process import (
    CHAT,
    DONE,
    LAST,
    MODEL,
    TWO_PROVIDERS,
    USAGE,
    StartGateway,
    completion,
    delta,
    streamed,
)
from tzproxy.errors import UpstreamConnectError
from tzproxy.upstream.fake import Mark, answer, event_stream

FAILED = "All variants failed with errors: v: All model providers failed to infer with errors: p: "
CUT = "Inference stream closed due to error from openai server: "


def texts(events: list[Any]) -> list[str]:
    """The texts of the pieces of a native stream."""
    return [block["text"] for event in events if "content" in event for block in event["content"]]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (UpstreamConnectError("no route"), "Error from openai client: Error sending request: no route"),
        (
            [answer(b"slow down", status=429)],
            CUT + "Invalid status code: 429 Too Many Requests: slow down",
        ),
        (
            [completion("whole")],
            CUT + "Expected content-type 'text/event-stream', got \"application/json\": {",
        ),
        ([event_stream([])], "Error from p server: Stream ended before first chunk"),
        ([event_stream([DONE])], "Error from p server: Stream ended before first chunk"),
        ([event_stream([b"not JSON"])], "Error from openai server: Error parsing chunk. Error: "),
        ([event_stream([b'{"error": {"message": "overloaded"}}'])], "Error"),
        ([[*event_stream([])[:1], Mark.EOF]], CUT),
        ([[*event_stream([])[:1], Mark.RESET]], CUT),
        ([[b"garbage\r\n\r\n", Mark.EOF]], "Error from openai client: Error sending request: "),
    ],
)
async def test_streams_that_do_not_begin(start: StartGateway, script: Any, reason: str) -> None:
    """Whatever goes wrong before the first piece is an ordinary error with a status of its own."""
    gateway = await start(MODEL + CHAT, script)
    reply = await gateway.infer(stream=True)
    assert reply.status == 502
    assert reply.headers["content-type"] == "application/json"
    assert reply.error.startswith(FAILED + reason), reply.error
    assert gateway.sink.rows == []


@pytest.mark.parametrize(
    "first", [[answer(b"no", status=500)], [event_stream([])], [event_stream([b"{"])], [completion()]]
)
async def test_a_stream_that_does_not_begin_gives_way(start: StartGateway, first: Any) -> None:
    """The next provider serves the stream, and only its rows are written."""
    gateway = await start(TWO_PROVIDERS + CHAT, first, [streamed("from ", "q")])
    reply = await gateway.infer(stream=True)
    assert texts(reply.events()) == ["from ", "q"]
    assert [row["model_provider_name"] for row in gateway.model_rows] == ["q"]


async def test_an_error_in_mid_stream_is_told_and_the_stream_goes_on(start: StartGateway) -> None:
    """A piece that cannot be read is an error event; later pieces and the end still come."""
    events = [delta(content="a"), b"not JSON", delta(content="b"), LAST, USAGE, DONE]
    gateway = await start(TWO_PROVIDERS + CHAT, [event_stream(events)])
    reply = await gateway.infer(stream=True)
    found = reply.events()
    assert texts(found) == ["a", "b"]
    assert list(found[1]) == ["error"]
    assert found[1]["error"].startswith("Error from openai server: Error parsing chunk. Error: ")
    assert found[-2]["usage"] == {"input_tokens": 3, "output_tokens": 5, "cost": None}
    assert found[-1] == "data: [DONE]"
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "ab"}]
    assert len(gateway.network.connections) == 1


@pytest.mark.parametrize("ending", [Mark.EOF, Mark.RESET])
async def test_a_stream_that_is_cut_off(start: StartGateway, ending: Mark) -> None:
    """A lost connection is an error event, then the closing piece without usage, then the end."""
    pieces = [*event_stream([delta(content="a"), delta(content="b")])[:-1], ending]
    gateway = await start(TWO_PROVIDERS + CHAT, [pieces])
    reply = await gateway.infer(stream=True)
    found = reply.events()
    assert texts(found) == ["a", "b"]
    assert found[-3]["error"].startswith(CUT)
    assert found[-2]["usage"] == {"input_tokens": None, "output_tokens": None, "cost": None}
    assert "finish_reason" not in found[-2]
    assert found[-1] == "data: [DONE]"
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "ab"}]
    assert (gateway.model_rows[0]["input_tokens"], gateway.model_rows[0]["finish_reason"]) == (None, None)


async def test_the_end_of_the_body_ends_a_stream_without_its_mark(start: StartGateway) -> None:
    """A provider that forgets `[DONE]` is forgiven."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a"), LAST, USAGE])])
    found = (await gateway.infer(stream=True)).events()
    assert texts(found) == ["a"]
    assert found[-2]["finish_reason"] == "stop"


async def test_nothing_after_the_mark_counts(start: StartGateway) -> None:
    """What a provider says after `[DONE]` is not heard."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a"), DONE, delta(content="b"), b"{"])])
    found = (await gateway.infer(stream=True)).events()
    assert texts(found) == ["a"]
    assert not any("error" in event for event in found)


async def test_streams_arrive_however_they_are_cut(start: StartGateway) -> None:
    """Whole, byte by byte or in odd pieces: the client gets the same events."""
    payloads = [delta(content="ä"), delta(content="b" * 50), LAST, USAGE, DONE]
    whole = b"".join(event_stream(payloads))
    for size in (len(whole), 1, 7):
        cut = [whole[at : at + size] for at in range(0, len(whole), size)]
        gateway = await start(MODEL + CHAT, [cut])
        found = (await gateway.infer(stream=True)).events()
        assert texts(found) == ["ä", "b" * 50]
        assert found[-2]["usage"]["input_tokens"] == 3
        assert gateway.model_rows[0]["raw_response"] == b"\n".join(payloads[:-1]).decode()


async def test_connections_are_kept_after_streams(start: StartGateway) -> None:
    """A stream that was read to its end leaves its connection to the next request."""
    gateway = await start(MODEL + CHAT, [streamed("a"), streamed("b"), completion("c")])
    await gateway.infer(stream=True)
    await gateway.infer(stream=True)
    await gateway.infer()
    assert len(gateway.network.connections) == 1


# ---- deadlines


def waiting(*payloads: bytes) -> list[bytes]:
    """A stream that begins, says this much, and falls silent."""
    return event_stream(payloads)[:-1]


LEVELS = {
    "provider": (MODEL + "timeouts = {{ {} }}\n" + CHAT, "Model provider p"),
    "model": (MODEL + CHAT + "[models.m.timeouts]\n{}\n", "Model m"),
    "variant": (MODEL + CHAT + "timeouts = {{ {} }}\n", "Variant `v`"),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("key", "milliseconds"), [("streaming.ttft_ms", 400), ("streaming.total_ms", 1500)])
async def test_the_first_piece_has_a_deadline(
    start: StartGateway, level: str, key: str, milliseconds: int
) -> None:
    """At every level a stream that does not begin in time fails and is cancelled at the provider."""
    toml, owner = LEVELS[level]
    gateway = await start(toml.format(f"{key} = {milliseconds}"), [waiting()])
    loop = asyncio.get_running_loop()
    began = loop.time()
    reply = await gateway.infer(stream=True, variant_name="v")
    assert milliseconds / 1000 <= loop.time() - began < milliseconds / 1000 + 0.1
    shown = "400ms" if milliseconds == 400 else "1.5s"
    message = f"{owner} timed out due to configured `{key}` timeout ({shown})"
    if level == "provider":
        message = f"All model providers failed to infer with errors: p: {message}"
    assert (reply.status, reply.error) == (500 if level == "provider" else 408, message)
    assert gateway.network.connections[0].is_closed
    assert gateway.sink.rows == []


@pytest.mark.parametrize("level", LEVELS)
async def test_after_the_first_piece_only_the_total_counts(start: StartGateway, level: str) -> None:
    """A stream that began may be slower than its first deadline; its total one ends it with an error."""
    toml, owner = LEVELS[level]
    gateway = await start(
        toml.format("streaming.ttft_ms = 400, streaming.total_ms = 2000").replace(
            ", streaming" if level == "model" else "\0", "\nstreaming"
        ),
        [waiting(delta(content="a"))],
    )
    loop = asyncio.get_running_loop()
    began = loop.time()
    reply = await gateway.infer(stream=True)
    assert 2.0 <= loop.time() - began < 2.1
    found = reply.events()
    assert texts(found) == ["a"]
    assert found[1] == {"error": f"{owner} timed out due to configured `streaming.total_ms` timeout (2s)"}
    assert [type(event) for event in found[2:]] == [dict, str]
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "a"}]
    assert gateway.network.connections[0].is_closed


async def test_a_tie_is_the_first_pieces(start: StartGateway) -> None:
    """When both deadlines are the same the text names the first piece's."""
    toml = MODEL + CHAT + "timeouts = { streaming.ttft_ms = 100, streaming.total_ms = 100 }\n"
    gateway = await start(toml, [waiting()])
    reply = await gateway.infer(stream=True, variant_name="v")
    assert "`streaming.ttft_ms` timeout (100ms)" in reply.error


async def test_the_nearest_deadline_wins(start: StartGateway) -> None:
    """With deadlines at several levels the one that passes first is told."""
    toml = (
        MODEL
        + "timeouts = { streaming.total_ms = 900 }\n"
        + CHAT
        + "timeouts = { streaming.total_ms = 700 }\n"
        + "[models.m.timeouts]\nstreaming.total_ms = 800\n"
    )
    gateway = await start(toml, [waiting(delta(content="a"))])
    found = (await gateway.infer(stream=True)).events()
    assert found[1]["error"] == "Variant `v` timed out due to configured `streaming.total_ms` timeout (700ms)"


async def test_streams_do_not_mind_other_timeouts(start: StartGateway) -> None:
    """`non_streaming` deadlines are not for streams."""
    toml = MODEL + "timeouts = { non_streaming.total_ms = 1 }\n" + CHAT
    gateway = await start(toml + "timeouts = { non_streaming.total_ms = 1 }\n", [streamed("a")])
    assert texts((await gateway.infer(stream=True)).events()) == ["a"]


async def test_a_stream_that_stalls_ends_at_the_global_timeout(start: StartGateway) -> None:
    """The global timeout is for streams too: an error event, the closing piece, the end."""
    toml = "[gateway]\nglobal_outbound_http_timeout_ms = 20000\n" + MODEL + CHAT
    gateway = await start(toml, [waiting(delta(content="a"))])
    loop = asyncio.get_running_loop()
    began = loop.time()
    found = (await gateway.infer(stream=True)).events()
    assert 20 <= loop.time() - began < 21
    assert found[1] == ":", "a silent stream is kept alive"
    assert found[2]["error"].startswith(CUT + "Request timed out due to `gateway.global_outbound_http")
    assert found[-1] == "data: [DONE]"


async def test_retries_before_the_first_piece(start: StartGateway) -> None:
    """A stream that does not begin is tried again; one that began is not."""
    toml = MODEL + CHAT + "retries = { num_retries = 1 }\n"
    gateway = await start(toml, [answer(b"no", status=500), streamed("late")])
    assert texts((await gateway.infer(stream=True)).events()) == ["late"]
    broken = [*event_stream([delta(content="a")])[:-1], Mark.RESET]
    gateway = await start(toml, [broken])
    found = (await gateway.infer(stream=True)).events()
    assert texts(found) == ["a"]
    assert len(gateway.network.requests) == 1


# ---- the dummy provider, which has no wire


@pytest.mark.parametrize(
    ("model", "errors"),
    [
        ("err_in_stream", ["Error from dummy client: Dummy error in stream"]),
        ("fatal_stream_error", ["Inference stream closed due to error from dummy server: Dummy fatal error"]),
    ],
)
async def test_streams_without_a_wire(start: StartGateway, model: str, errors: list[str]) -> None:
    """A provider in this process streams, fails and ends like any other."""
    gateway = await start()
    found = (await gateway.infer(model_name=f"dummy::{model}", stream=True)).events()
    assert [event["error"] for event in found if "error" in event] == errors
    said = "".join(texts(found))
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": said}]
    assert ("pizza" in said) == (model == "err_in_stream")
    assert found[-1] == "data: [DONE]"


async def test_a_local_stream_that_does_not_begin(start: StartGateway) -> None:
    """Its failure is an ordinary error."""
    gateway = await start()
    reply = await gateway.infer(model_name="dummy::error", stream=True)
    assert reply.status == 502
    assert json.loads(reply.body)["error"].endswith(
        "dummy: Error from dummy client: Error sending request to Dummy provider for model 'error'."
    )
