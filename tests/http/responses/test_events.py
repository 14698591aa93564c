"""Tests of `tzproxy.http.responses.events`: the events of streams, as the published client takes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from in_process import CHAT, DONE, LAST, MODEL, USAGE, Reply, StartGateway, delta, streamed
from tzproxy.upstream.fake import event_stream

PATH = "/openai/v1/responses"
ASK: dict[str, Any] = {"model": "f", "input": "Hello", "stream": True}
REASONING_MODEL = MODEL.replace('type = "openai"', 'type = "vllm"')
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ReadEvents = Callable[[Reply], list[Any]]
JSON_FUNCTION = """
[functions.j]
type = "json"
[functions.j.variants.v]
type = "chat_completion"
model = "m"
json_mode = "tool"
"""


def piece_of_call(index: int, call_id: str | None, name: str | None, arguments: str) -> bytes:
    """Write a provider's piece of a call."""
    function = {"name": name, "arguments": arguments} if name is not None else {"arguments": arguments}
    call: dict[str, object] = {"index": index, "function": function}
    if call_id is not None:
        call |= {"id": call_id, "type": "function"}
    return delta(tool_calls=[call])


def kinds_of(events: list[Any]) -> list[str]:
    """Return the types of events without their common prefix, runs of equal ones once."""
    kinds: list[str] = []
    for event in events:
        kind = event["type"].removeprefix("response.")
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
    return kinds


BEGUN = ["created", "in_progress"]
MESSAGE = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]
CALL = [
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
]
THOUGHT = [
    "output_item.added",
    "reasoning_summary_part.added",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.done",
    "reasoning_summary_part.done",
    "output_item.done",
]


async def test_the_whole_sequence(start: StartGateway, read_events: ReadEvents) -> None:
    """Thought, text and calls are items one after the other; each event fits the client's strict model."""
    provider = event_stream(
        [
            delta(reasoning="H"),
            delta(reasoning="m"),
            delta(content="He"),
            delta(content="llo"),
            piece_of_call(0, "c0", "look_up", ""),
            piece_of_call(0, None, None, '{"a"'),
            piece_of_call(0, None, None, ":1}"),
            piece_of_call(1, "c1", "look_up", "{}"),
            LAST,
            USAGE,
            DONE,
        ]
    )
    gateway = await start(REASONING_MODEL + CHAT, [provider])
    reply = await gateway.post(PATH, ASK)
    events = read_events(reply)
    assert kinds_of(events) == [*BEGUN, *THOUGHT, *MESSAGE, *CALL, *CALL, "completed"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        EVENT.validate_python(event, strict=True)
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    final = events[-1]["response"]
    assert final["output"] == done
    assert [item.get("arguments") for item in done] == [None, None, '{"a":1}', "{}"]
    assert done[1]["content"][0]["text"] == "Hello"
    assert done[0]["summary"][0]["text"] == "Hm"
    assert (final["usage"]["input_tokens"], final["usage"]["output_tokens"]) == (3, 5)
    (row,) = gateway.chat_rows
    assert (row["id"], len(row["output"])) == (final["id"], 4)


async def test_a_name_in_pieces(start: StartGateway, read_events: ReadEvents) -> None:
    """A call is announced under its whole name, even when it has no arguments."""
    pieces = [piece_of_call(0, "c", "look_", ""), piece_of_call(0, None, "up", "{}")]
    gateway = await start(MODEL + CHAT, [event_stream([*pieces, LAST, DONE])])
    events = read_events(await gateway.post(PATH, ASK))
    (added,) = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    assert (added["name"], added["arguments"]) == ("look_up", "")
    provider = event_stream([piece_of_call(0, "c", "no_arguments", ""), LAST, DONE])
    gateway = await start(MODEL + CHAT, [provider])
    events = read_events(await gateway.post(PATH, ASK))
    assert kinds_of(events) == [
        *BEGUN,
        "output_item.added",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


async def test_custom_tools(start: StartGateway, read_events: ReadEvents) -> None:
    """The input of a custom tool has events of its own."""
    provider = event_stream([piece_of_call(0, "c", "patch", "**"), LAST, DONE])
    gateway = await start(MODEL + CHAT, [provider])
    events = read_events(await gateway.post(PATH, {**ASK, "tools": [{"type": "custom", "name": "patch"}]}))
    assert kinds_of(events)[3:5] == ["custom_tool_call_input.delta", "custom_tool_call_input.done"]
    assert events[-1]["response"]["output"][0]["input"] == "**"


async def test_json_functions(start: StartGateway, read_events: ReadEvents) -> None:
    """A JSON function's stream is text, also when the model answers by a tool."""
    provider = event_stream(
        [piece_of_call(0, "c", "respond", '{"a"'), piece_of_call(0, None, None, ":1}"), LAST, DONE]
    )
    gateway = await start(MODEL + JSON_FUNCTION, [provider])
    events = read_events(await gateway.post(PATH, {**ASK, "model": "j"}))
    assert kinds_of(events) == [*BEGUN, *MESSAGE, "completed"]
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == '{"a":1}'


async def test_text_after_a_call_is_another_message(start: StartGateway, read_events: ReadEvents) -> None:
    """A block that goes on after another one began is a new item, and nothing is lost."""
    provider = event_stream(
        [delta(content="a"), piece_of_call(0, "c", "t", "{}"), delta(content="b"), LAST, DONE]
    )
    gateway = await start(MODEL + CHAT, [provider])
    events = read_events(await gateway.post(PATH, ASK))
    assert kinds_of(events) == [*BEGUN, *MESSAGE, *CALL, *MESSAGE, "completed"]


async def test_mixed_calls_fail(start: StartGateway, read_events: ReadEvents) -> None:
    """Mixed calls would reach the client cut: the response fails instead, and is recorded."""
    provider = event_stream(
        [
            piece_of_call(0, "c0", "t", "{"),
            piece_of_call(1, "c1", "t", "{"),
            piece_of_call(0, None, None, "}"),
            LAST,
            DONE,
        ]
    )
    gateway = await start(MODEL + CHAT, [provider])
    events = read_events(await gateway.post(PATH, ASK))
    assert events[-1]["type"] == "response.failed"
    assert "another block" in events[-1]["response"]["error"]["message"]
    assert len(gateway.chat_rows) == 1


async def test_a_cut_stream_is_incomplete(start: StartGateway, read_events: ReadEvents) -> None:
    """A stream that ends for length says so in its last item and its last event."""
    cut = json.dumps({"choices": [{"index": 0, "finish_reason": "length", "delta": {}}]}).encode()
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a"), cut, DONE])])
    events = read_events(await gateway.post(PATH, ASK))
    assert events[-1]["type"] == "response.incomplete"
    assert events[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert events[-1]["response"]["output"][0]["status"] == "incomplete"


async def test_raw_parts_of_a_request_do_not_break_lines(
    start: StartGateway, read_events: ReadEvents
) -> None:
    """What the response repeats may have come with line breaks: events stay two lines."""
    body = json.dumps({**ASK, "tools": [{"type": "function", "name": "t", "parameters": {}}]}, indent=2)
    gateway = await start(MODEL + CHAT, [streamed("a")])
    events = read_events(await gateway.post(PATH, body.replace("\n", "\r\n").encode()))
    assert events[-1]["response"]["tools"][0]["name"] == "t"


async def test_what_the_provider_said(start: StartGateway, read_events: ReadEvents) -> None:
    """Raw usage and responses stand in the last event when they are asked for."""
    wanted = {"tensorzero::include_raw_usage": True, "tensorzero::include_raw_response": True}
    gateway = await start(MODEL + CHAT, [streamed("a")])
    final = read_events(await gateway.post(PATH, {**ASK, **wanted}))[-1]["response"]
    assert "prompt_tokens" in final["tensorzero_raw_response"][0]["data"]
    assert "tensorzero_original_response" not in final
