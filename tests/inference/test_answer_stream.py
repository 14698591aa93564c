"""Tests of `tzproxy.inference.answer_stream`: the pieces of a streamed answer in their order."""

from __future__ import annotations

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
    delta,
    streamed,
)
from tzproxy.upstream.fake import answer, event_stream

IDS = ("inference_id", "episode_id", "variant_name")


def stripped(events: list[Any]) -> list[Any]:
    """The events without the ids, which must be on every piece."""
    found = []
    for event in events:
        if isinstance(event, dict) and "error" not in event:
            assert list(event)[:3] == list(IDS)
            event = {key: value for key, value in event.items() if key not in IDS}
        found.append(event)
    return found


def text(piece: str) -> dict[str, object]:
    """A piece of text."""
    return {"content": [{"type": "text", "id": "0", "text": piece}]}


END = {
    "content": [],
    "usage": {"input_tokens": 3, "output_tokens": 5, "cost": None},
    "finish_reason": "stop",
}


async def test_pieces_then_usage_and_reason_in_one_last_piece(start: StartGateway) -> None:
    """Usage and finish reason are taken off the provider's pieces; what is then empty is left out."""
    gateway = await start(MODEL + CHAT, [streamed("", "a", "b")])
    reply = await gateway.infer(stream=True)
    assert stripped(reply.events()) == [text(""), text("a"), text("b"), END, "data: [DONE]"]
    ids = {tuple(event[key] for key in IDS) for event in reply.events() if isinstance(event, dict)}
    assert len(ids) == 1
    assert ids == {
        (gateway.chat_rows[0]["id"], gateway.chat_rows[0]["episode_id"], gateway.chat_rows[0]["variant_name"])
    }


async def test_the_bytes_of_a_stream(start: StartGateway) -> None:
    """Events are compact JSON after `data: `, separated by an empty line, the last one `[DONE]`."""
    gateway = await start(MODEL + CHAT, [streamed("a")])
    reply = await gateway.infer(stream=True)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.body.startswith(b'data: {"inference_id":"')
    assert reply.body.endswith(b"}\n\ndata: [DONE]\n\n")
    assert reply.ended
    assert b"event:" not in reply.body


async def test_tool_calls_in_pieces(start: StartGateway) -> None:
    """The name stands on the piece that carries it; the id is on every piece."""
    pieces = [
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "t", "arguments": '{"x"'}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
        LAST,
        DONE,
    ]
    gateway = await start(MODEL + CHAT, [event_stream(pieces)])
    reply = await gateway.infer(
        stream=True,
        additional_tools=[{"name": "t", "description": "", "parameters": {"type": "object"}}],
        include_aggregated_response=True,
    )
    first, second, end, _ = stripped(reply.events())
    assert first["content"] == [{"type": "tool_call", "id": "a", "raw_name": "t", "raw_arguments": '{"x"'}]
    assert second["content"] == [{"type": "tool_call", "id": "a", "raw_name": "", "raw_arguments": ":1}"}]
    whole = {
        "type": "tool_call",
        "id": "a",
        "raw_name": "t",
        "raw_arguments": '{"x":1}',
        "name": "t",
        "arguments": {"x": 1},
    }
    assert end["aggregated_response"] == [whole]
    assert gateway.chat_rows[0]["output"] == [whole]


async def test_thoughts_in_pieces(start: StartGateway) -> None:
    """All five keys of a thought are always there."""
    gateway = await start(
        MODEL + CHAT, [event_stream([delta(reasoning_content="h"), delta(content="a"), LAST, DONE])]
    )
    first = stripped((await gateway.infer(stream=True)).events())[0]["content"][0]
    assert {key: first[key] for key in ("signature", "summary_id", "summary_text")} == {
        "signature": None,
        "summary_id": None,
        "summary_text": None,
    }
    assert (first["type"], first["text"]) == ("thought", "h")


async def test_json_functions_stream_raw_text(start: StartGateway) -> None:
    """Text comes as `raw`, thoughts not at all; the last piece has an empty `raw`."""
    toml = MODEL + CHAT.replace('"chat"\n', '"json"\noutput_schema = "out.json"\n', 1) + 'json_mode = "on"\n'
    pieces = [delta(reasoning_content="h"), delta(content='{"a"'), delta(content=":1}"), LAST, USAGE, DONE]
    gateway = await start(
        toml, [event_stream(pieces)], files={"out.json": '{"type": "object", "required": ["a"]}'}
    )
    reply = await gateway.infer(stream=True, include_aggregated_response=True)
    assert stripped(reply.events()) == [
        {"raw": '{"a"'},
        {"raw": ":1}"},
        {
            "raw": "",
            "usage": {"input_tokens": 3, "output_tokens": 5, "cost": None},
            "finish_reason": "stop",
            "aggregated_response": {"raw": '{"a":1}', "parsed": {"a": 1}},
        },
        "data: [DONE]",
    ]
    row = gateway.json_rows[0]
    assert row["output"] == {"raw": '{"a":1}', "parsed": {"a": 1}}
    assert row["auxiliary_content"][0]["text"] == "h"
    assert row["ttft_ms"] is not None


async def test_a_json_stream_without_text(start: StartGateway) -> None:
    """A stream that said nothing stands for an empty text."""
    toml = MODEL + CHAT.replace('"chat"\n', '"json"\n', 1) + 'json_mode = "on"\n'
    gateway = await start(toml, [event_stream([delta(reasoning_content="h"), LAST, DONE])])
    await gateway.infer(stream=True)
    assert gateway.json_rows[0]["output"] == {"raw": "", "parsed": None}


async def test_tool_mode_streams_arguments_as_text(start: StartGateway) -> None:
    """In JSON mode `tool` the pieces of the implicit call are text for a chat function."""
    pieces = [
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "respond", "arguments": '{"a"'}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
        LAST,
        DONE,
    ]
    gateway = await start(MODEL + CHAT, [event_stream(pieces)])
    params = {"chat_completion": {"json_mode": "tool"}}
    reply = await gateway.infer(stream=True, output_schema={"type": "object"}, params=params)
    events = stripped(reply.events())
    assert [event["content"][0]["text"] for event in events[:2]] == ['{"a"', ":1}"]
    assert {event["content"][0]["type"] for event in events[:2]} == {"text"}
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": '{"a":1}'}]


async def test_raw_parts_of_a_stream(start: StartGateway) -> None:
    """Each piece has the provider's own text, usage its own piece; the closing piece has neither."""
    events = [delta(content="a"), LAST, USAGE, DONE]
    gateway = await start(MODEL + CHAT, [event_stream(events)])
    reply = await gateway.infer(
        stream=True, include_raw_response=True, include_raw_usage=True, include_original_response=True
    )
    pieces = stripped(reply.events())[:-1]
    assert [piece.get("raw_chunk") for piece in pieces] == [*(each.decode() for each in events[:3]), None]
    assert [piece.get("original_chunk") for piece in pieces] == [piece.get("raw_chunk") for piece in pieces]
    assert [piece["content"] == [] for piece in pieces] == [False, True, True, True]
    (usage,) = [piece["raw_usage"] for piece in pieces if "raw_usage" in piece]
    assert usage[0]["data"] == {"prompt_tokens": 3, "completion_tokens": 5}
    assert usage[0]["model_inference_id"] == gateway.model_rows[0]["id"]
    assert "raw_response" not in reply.body.decode()


async def test_failed_attempts_lead_the_stream(start: StartGateway) -> None:
    """What failed variants and providers said comes before the first piece, in pieces of its own."""
    toml = TWO_PROVIDERS + (
        '[functions.f]\ntype = "chat"\n'
        'experimentation = { type = "static", candidate_variants = ["w"], fallback_variants = ["v"] }\n'
        '[functions.f.variants.v]\ntype = "chat_completion"\nmodel = "m"\n'
        '[functions.f.variants.w]\ntype = "chat_completion"\nmodel = "dummy::error_with_raw_response"\n'
    )
    gateway = await start(toml, [answer(b"from p", status=500)], [streamed("a")])
    pieces = stripped((await gateway.infer(stream=True, include_raw_response=True)).events())
    said = [[entry["data"] for entry in piece["raw_response"]] for piece in pieces[:2]]
    assert said == [["dummy error raw response"], ["from p"]]
    assert [piece["content"] for piece in pieces[:2]] == [[], []]
    assert pieces[2]["content"][0]["text"] == "a"


async def test_errors_bring_the_providers_text_on_request(start: StartGateway) -> None:
    """An error in mid-stream has the chunk that could not be read, if raw texts were asked for."""
    events = [delta(content="a"), b"{broken", LAST, DONE]
    gateway = await start(MODEL + CHAT, [event_stream(events), event_stream(events)])
    found = (await gateway.infer(stream=True, include_raw_response=True)).events()
    (error,) = [event for event in found if "error" in event]
    assert error["raw_chunk"] == "{broken"
    found = (await gateway.infer(stream=True)).events()
    (error,) = [event for event in found if "error" in event]
    assert list(error) == ["error"]


async def test_aggregation_needs_a_stream_and_a_wish(start: StartGateway) -> None:
    """Only a stream that asked for it gets the whole answer at its end."""
    gateway = await start(MODEL + CHAT, [streamed("a", "b"), streamed("a")])
    events = (await gateway.infer(stream=True, include_aggregated_response=True)).events()
    assert events[-2]["aggregated_response"] == [{"type": "text", "text": "ab"}]
    assert b"aggregated" not in (await gateway.infer(stream=True)).body


@pytest.mark.parametrize("count", [1, 200])
async def test_many_pieces(start: StartGateway, count: int) -> None:
    """However many pieces there are, each arrives once and the row has them all."""
    parts = [f"{number} " for number in range(count)]
    gateway = await start(MODEL + CHAT, [streamed(*parts)])
    events = (await gateway.infer(stream=True)).events()
    said = [event["content"][0]["text"] for event in events[:-2]]
    assert said == parts
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "".join(parts)}]
    assert json.loads(gateway.model_rows[0]["output"]) == gateway.chat_rows[0]["output"]
