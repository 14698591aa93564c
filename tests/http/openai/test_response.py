"""Tests of `tzproxy.http.openai.response`: chat completion objects, whole and in pieces."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import msgspec
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
    completion_body,
    delta,
    streamed,
    tool_calls,
)
from tzproxy.http.errors import ErrorShape
from tzproxy.http.openai.response import OpenAIEvents
from tzproxy.inference.answer_stream import Piece
from tzproxy.types.content import TextChunk, ThoughtChunk, UnknownChunk
from tzproxy.upstream.fake import Mark, answer, event_stream

JSON = MODEL + CHAT.replace('"chat"\n', '"json"\noutput_schema = "out.json"\n', 1) + 'json_mode = "on"\n'
OUT = {"out.json": '{"type": "object", "required": ["a"]}'}
F = "tensorzero::function_name::f::variant_name::v"
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


async def test_a_whole_answer(start: StartGateway) -> None:
    """All keys in the API's order, the ids of the rows, the variant in `model`."""
    gateway = await start(MODEL + CHAT, [completion("Hi")])
    reply = await gateway.chat()
    body = reply.json()
    assert list(body) == [
        "id",
        "episode_id",
        "choices",
        "created",
        "model",
        "system_fingerprint",
        "service_tier",
        "object",
        "usage",
    ]
    row = gateway.chat_rows[0]
    assert (body["id"], body["episode_id"]) == (row["id"], row["episode_id"])
    assert abs(body["created"] - time.time()) < 60
    assert body["model"] == F
    assert (body["system_fingerprint"], body["service_tier"]) == ("", None)
    assert body["object"] == "chat.completion"
    assert body["choices"] == [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
    ]
    assert body["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "total_tokens": 8,
        "tensorzero_cost": None,
    }


async def test_models_are_named_as_they_were_asked_for(start: StartGateway) -> None:
    """A model request is answered with the model's name alone."""
    gateway = await start(MODEL, [completion(), streamed("a")])
    model = "tensorzero::model_name::m"
    assert (await gateway.chat(model=model)).json()["model"] == model
    assert (await gateway.chat(model=model, stream=True)).events()[0]["model"] == model


async def test_a_model_named_like_the_default_function(start: StartGateway) -> None:
    """The default function cannot be called by its name."""
    gateway = await start(MODEL)
    reply = await gateway.chat(model="tensorzero::function_name::tensorzero::default")
    assert reply.status == 500


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("zz", "stop"),
    ],
)
async def test_finish_reasons(start: StartGateway, reason: str, expected: str) -> None:
    """Reasons have OpenAI's names; what it has no name for is a stop."""
    body: Any = completion_body()
    body["choices"][0]["finish_reason"] = reason
    last = json.dumps({"choices": [{"index": 0, "finish_reason": reason, "delta": {}}]}).encode()
    gateway = await start(
        MODEL + CHAT, [answer(json.dumps(body).encode()), event_stream([delta(content="a"), last, DONE])]
    )
    assert (await gateway.chat()).json()["choices"][0]["finish_reason"] == expected
    events = (await gateway.chat(stream=True)).events()
    assert [event["choices"][0]["finish_reason"] for event in events[:-1]] == [None, expected]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, {"tensorzero_cost": None}),
        ({"prompt_tokens": 3}, {"prompt_tokens": 3, "tensorzero_cost": None}),
        (
            {"prompt_tokens": 3, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2}},
            {
                "prompt_tokens": 3,
                "completion_tokens": 5,
                "total_tokens": 8,
                "prompt_tokens_details": {"cached_tokens": 2},
                "tensorzero_cost": None,
            },
        ),
    ],
)
async def test_unknown_usage_is_left_out(start: StartGateway, usage: Any, expected: Any) -> None:
    """A count that is unknown is no key; the total needs both; the cost is always there."""
    body = {**completion_body(), "usage": usage}
    gateway = await start(MODEL + CHAT, [answer(json.dumps(body).encode())])
    assert (await gateway.chat()).json()["usage"] == expected


async def test_tool_calls_and_thoughts(start: StartGateway) -> None:
    """Calls are raw, texts are joined, thoughts go beside with their place."""
    calls = tool_calls(("t", '{"a": 1}'), ("zz", "{"))
    gateway = await start(MODEL + CHAT, [completion("Hi", tool_calls=calls, reasoning_content="hm")])
    message = (await gateway.chat()).json()["choices"][0]["message"]
    assert list(message) == ["role", "content", "tool_calls", "tensorzero_extra_content"]
    assert message["content"] == "Hi"
    assert message["tool_calls"] == [
        {"id": "call_0", "type": "function", "function": {"name": "t", "arguments": '{"a": 1}'}},
        {"id": "call_1", "type": "function", "function": {"name": "zz", "arguments": "{"}},
    ]
    (extra,) = message["tensorzero_extra_content"]
    assert list(extra)[:3] == ["type", "insert_index", "text"]
    assert (extra["type"], extra["insert_index"], extra["text"]) == ("thought", 0, "hm")


async def test_no_text_is_null(start: StartGateway) -> None:
    """An answer of calls alone has null content; without calls there is no such key."""
    gateway = await start(
        MODEL + CHAT, [completion(None, tool_calls=tool_calls(("t", "{}"))), completion(None)]
    )
    message = (await gateway.chat()).json()["choices"][0]["message"]
    assert message["content"] is None
    message = (await gateway.chat()).json()["choices"][0]["message"]
    assert message == {"role": "assistant", "content": None}


async def test_json_functions_answer_raw_text(start: StartGateway) -> None:
    """A JSON function's content is its raw output, parsed or not."""
    gateway = await start(JSON, [completion('{"a":1}'), completion("no JSON"), completion(None)], files=OUT)
    contents = [(await gateway.chat()).json()["choices"][0]["message"]["content"] for _ in range(3)]
    assert contents == ['{"a":1}', "no JSON", None]


async def test_raw_parts(start: StartGateway) -> None:
    """The flags add the same raw parts as on the native route, under other names, at the end."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.chat(
        **{
            f"tensorzero::{flag}": True
            for flag in ("include_raw_usage", "include_raw_response", "include_original_response")
        }
    )
    body = reply.json()
    assert list(body)[-3:] == [
        "tensorzero_raw_usage",
        "tensorzero_original_response",
        "tensorzero_raw_response",
    ]
    assert body["tensorzero_raw_usage"][0]["model_inference_id"] == gateway.model_rows[0]["id"]
    assert body["tensorzero_raw_response"][0]["data"] == body["tensorzero_original_response"]


# ---- streams


def deltas(events: list[Any]) -> list[Any]:
    """The deltas of a stream's chunks."""
    return [
        event["choices"][0]["delta"] for event in events if isinstance(event, dict) and "choices" in event
    ]


async def test_a_stream(start: StartGateway) -> None:
    """The role comes first, the reason last, usage is null where it was not asked for."""
    gateway = await start(MODEL + CHAT, [streamed("a", "b")])
    reply = await gateway.chat(stream=True)
    events = reply.events()
    assert deltas(events) == [{"role": "assistant", "content": "a"}, {"content": "b"}, {}]
    assert events[-1] == "data: [DONE]"
    for event in events[:-1]:
        assert list(event) == [
            "id",
            "episode_id",
            "choices",
            "created",
            "model",
            "system_fingerprint",
            "service_tier",
            "object",
            "usage",
        ]
        assert list(event["choices"][0]) == ["index", "finish_reason", "logprobs", "delta"]
        assert (event["object"], event["model"], event["usage"]) == ("chat.completion.chunk", F, None)
    assert len({(event["id"], event["created"]) for event in events[:-1]}) == 1
    assert events[0]["id"] == gateway.chat_rows[0]["id"]


@pytest.mark.parametrize(
    ("fields", "is_shown"),
    [
        ({"stream": True}, False),
        ({"stream": True, "stream_options": {}}, False),
        ({"stream": True, "stream_options": {"include_usage": False}}, False),
        (WITH_USAGE, True),
        ({"stream": True, "tensorzero::include_raw_usage": True}, True),
    ],
)
async def test_usage_of_a_stream(start: StartGateway, fields: dict[str, Any], is_shown: bool) -> None:
    """Usage stands on the last chunk, beside the reason, when it was asked for."""
    gateway = await start(MODEL + CHAT, [streamed("a")])
    events = (await gateway.chat(**fields)).events()
    usages = [event["usage"] for event in events[:-1]]
    assert usages[:-1] == [None] * (len(usages) - 1)
    last = events[-2]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert (last["usage"] is not None) == is_shown
    if is_shown:
        assert last["usage"]["total_tokens"] == 8


async def test_tool_calls_in_pieces(start: StartGateway) -> None:
    """The id stands on a call's first piece, its index is the order of appearance."""
    pieces = [
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "t", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": "{}"}}]),
        delta(tool_calls=[{"index": 1, "id": "b", "function": {"name": "u", "arguments": "{"}}]),
        delta(tool_calls=[{"index": 1, "function": {"arguments": "}"}}]),
        LAST,
        DONE,
    ]
    gateway = await start(MODEL + CHAT, [event_stream(pieces)])
    found = [change.get("tool_calls") for change in deltas((await gateway.chat(stream=True)).events())]
    assert found == [
        [{"id": "a", "index": 0, "type": "function", "function": {"name": "t", "arguments": ""}}],
        [{"id": None, "index": 0, "type": "function", "function": {"name": "", "arguments": "{}"}}],
        [{"id": "b", "index": 1, "type": "function", "function": {"name": "u", "arguments": "{"}}],
        [{"id": None, "index": 1, "type": "function", "function": {"name": "", "arguments": "}"}}],
        None,
    ]


async def test_thoughts_in_pieces(start: StartGateway) -> None:
    """Pieces of one thought have one place among all blocks."""
    pieces = [
        delta(content="a"),
        delta(reasoning_content="h"),
        delta(reasoning_content="m"),
        LAST,
        DONE,
    ]
    gateway = await start(MODEL + CHAT, [event_stream(pieces)])
    found = [
        change.get("tensorzero_extra_content")
        for change in deltas((await gateway.chat(stream=True)).events())
    ]
    assert found[0] is None
    assert [(extra["insert_index"], extra["text"]) for (extra,) in found[1:3]] == [(1, "h"), (1, "m")]


def test_places_of_blocks_in_pieces() -> None:
    """What OpenAI has no place for shares the place of its id; texts and calls have their own."""
    inference = SimpleNamespace(
        request=SimpleNamespace(include_raw_response=False, include_original_response=False),
        function=SimpleNamespace(type="chat", name="f"),
        inference_id="i",
        episode_id="e",
    )
    events = OpenAIEvents(inference, ErrorShape(), include_usage=False)  # type: ignore[arg-type]
    stream: Any = SimpleNamespace(variant_name="v")
    pieces: list[Any] = [
        TextChunk("0", "a"),
        UnknownChunk("0", msgspec.Raw(b"1")),
        ThoughtChunk("0", "t", None, None, None),
        ThoughtChunk("1", "u", None, None, None),
    ]
    places = [
        block["insert_index"]
        for piece in pieces
        for block in msgspec.json.decode(events.encode(Piece(content=[piece]), stream) or b"")["choices"][0][
            "delta"
        ].get("tensorzero_extra_content", ())
    ]
    assert places == [1, 1, 2]


async def test_json_functions_in_pieces(start: StartGateway) -> None:
    """Text is content; the last delta has an empty one."""
    gateway = await start(JSON, [streamed('{"a"', ":1}")], files=OUT)
    found = deltas((await gateway.chat(stream=True)).events())
    assert found == [{"role": "assistant", "content": '{"a"'}, {"content": ":1}"}, {"content": ""}]


async def test_a_json_functions_pieces_without_text(start: StartGateway) -> None:
    """They are left out, unless the provider's own text was asked for; then their text is empty."""
    pieces = event_stream([delta(content=""), delta(content="{}"), LAST, USAGE, DONE])
    gateway = await start(JSON, [pieces, pieces], files=OUT)
    bare = deltas((await gateway.chat(stream=True)).events())
    assert bare == [{"role": "assistant", "content": "{}"}, {"content": ""}]
    wants_raw = {"tensorzero::include_original_response": True}
    told = deltas((await gateway.chat(stream=True, **wants_raw)).events())
    assert told[:2] == [{"role": "assistant", "content": ""}, {"content": "{}"}]
    assert all(entry == {"content": ""} for entry in told[2:])


@pytest.mark.parametrize("wants_raw", [False, True])
async def test_errors_in_mid_stream(start: StartGateway, wants_raw: bool) -> None:
    """An error is an event of its own, with the provider's text on request; the end still comes."""
    events = [delta(content="a"), b"{broken", delta(content="b"), LAST, USAGE, DONE]
    gateway = await start(MODEL + CHAT, [event_stream(events)])
    reply = await gateway.chat(**WITH_USAGE, **{"tensorzero::include_raw_response": wants_raw})
    found = reply.events()
    (error,) = [event for event in found if "error" in event]
    assert list(error["error"]) == ["message"]
    assert error["error"]["message"].startswith("Error from openai server: Error parsing chunk. Error: ")
    assert error.get("tensorzero_raw_chunk") == ("{broken" if wants_raw else None)
    assert found[-2]["usage"]["total_tokens"] == 8
    assert found[-1] == "data: [DONE]"


async def test_a_cut_stream(start: StartGateway) -> None:
    """A lost connection is an error, a closing chunk of unknown usage, and the end."""
    gateway = await start(MODEL + CHAT, [[*event_stream([delta(content="a")])[:-1], Mark.RESET]])
    found = (await gateway.chat(**WITH_USAGE)).events()
    assert [sorted(event)[0] if isinstance(event, dict) else event for event in found] == [
        "choices",
        "error",
        "choices",
        "data: [DONE]",
    ]
    assert found[-2]["usage"] == {"tensorzero_cost": None}
    assert found[-2]["choices"][0]["finish_reason"] is None


async def test_raw_parts_of_a_stream(start: StartGateway) -> None:
    """Failed attempts lead, each chunk has its raw text, usage comes raw where it was reported."""
    gateway = await start(TWO_PROVIDERS + CHAT, [answer(b"from p", status=500)], [streamed("a")])
    flags = ("include_raw_usage", "include_raw_response", "include_original_response")
    reply = await gateway.chat(stream=True, **{f"tensorzero::{flag}": True for flag in flags})
    events = reply.events()[:-1]
    assert [entry["data"] for entry in events[0]["tensorzero_raw_response"]] == ["from p"]
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    raws = [event.get("tensorzero_raw_chunk") for event in events]
    assert raws == [event.get("tensorzero_original_chunk") for event in events]
    assert [raw is not None for raw in raws] == [False, True, True, True, False]
    (usage,) = [event["tensorzero_raw_usage"] for event in events if "tensorzero_raw_usage" in event]
    assert usage[0]["model_inference_id"] == gateway.model_rows[0]["id"]
