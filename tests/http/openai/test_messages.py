"""Tests of `tzproxy.http.openai.messages`: from OpenAI's messages to an input."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from in_process import CHAT, MODEL, StartGateway, completion
from tzproxy.errors import RequestError
from tzproxy.http.openai.messages import BAD_CONTENT, read_messages
from tzproxy.http.openai.wire import OpenAIMessage

PREFIX = "Invalid request to OpenAI-compatible endpoint: "
CALL = {"id": "c1", "type": "function", "function": {"name": "t", "arguments": "{}"}}


def translate(*messages: dict[str, Any]) -> Any:
    """Translate messages and give the input as plain data, empty fields left out."""
    decoded = msgspec.json.decode(msgspec.json.encode(messages), type=list[OpenAIMessage])
    wire = msgspec.json.decode(msgspec.json.encode(read_messages(decoded)))
    for message in wire["messages"]:
        if isinstance(message["content"], list):
            message["content"] = [
                {key: value for key, value in block.items() if value is not None}
                for block in message["content"]
            ]
    return wire


def refusal(*messages: dict[str, Any]) -> str:
    """Translate messages that have no translation."""
    with pytest.raises(RequestError) as caught:
        translate(*messages)
    assert caught.value.status == 400
    return caught.value.message.removeprefix(PREFIX)


# ---- systems


@pytest.mark.parametrize(
    ("contents", "system"),
    [
        (["a"], "a"),
        (["a", "b"], "a\nb"),
        ([[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "c"], "a\nb\nc"),
        ([[{"type": "text", "tensorzero::arguments": {"x": 1}}]], {"x": 1}),
        ([[{"type": "tensorzero::template", "name": "system", "arguments": {"x": 1}}]], {"x": 1}),
        ([], None),
    ],
)
def test_system_messages_are_taken_out_and_joined(contents: list[Any], system: object) -> None:
    """Wherever they stand, their texts become one; template arguments stand alone."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "u"}]
    for number, content in enumerate(contents):
        messages.append({"role": "system" if number % 2 == 0 else "developer", "content": content})
    wire = translate(*messages)
    assert wire["system"] == system
    assert wire["messages"] == [{"role": "user", "content": "u"}]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            ["a", [{"type": "text", "tensorzero::arguments": {}}]],
            "System message cannot contain template with other content",
        ),
        (
            [[{"type": "text", "tensorzero::arguments": {}}, {"type": "text", "text": "a"}]],
            "Cannot add text after template system message",
        ),
        (
            [[{"type": "image_url", "image_url": {"url": "http://h/x.png"}}]],
            "System message must contain only text or template content blocks",
        ),
        (
            [[{"type": "tensorzero::raw_text", "value": "a"}]],
            "System message must contain only text or template content blocks",
        ),
        ([None], BAD_CONTENT),
        ([{"a": 1}], BAD_CONTENT),
    ],
)
def test_bad_system_messages(contents: list[Any], message: str) -> None:
    """A system is text or one template."""
    assert refusal(*({"role": "system", "content": content} for content in contents)) == message


# ---- turns


def test_turns_keep_their_order_and_are_not_merged() -> None:
    """Consecutive messages of one role stay apart; what else is in a message does not matter."""
    wire = translate(
        {"role": "user", "content": "a", "name": "n"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c", "refusal": None},
        {"role": "assistant", "content": None},
        {"role": "assistant"},
    )
    assert [(message["role"], message["content"]) for message in wire["messages"]] == [
        ("user", "a"),
        ("user", "b"),
        ("assistant", "c"),
        ("assistant", []),
        ("assistant", []),
    ]


def test_calls_and_their_results() -> None:
    """Calls follow the text; results find their tool's name and are merged into one user turn."""
    wire = translate(
        {"role": "assistant", "content": "hm", "tool_calls": [CALL, {**CALL, "id": "c2"}]},
        {"role": "tool", "tool_call_id": "c2", "content": "70"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "x"}]},
        {"role": "tool", "tool_call_id": "c1"},
        {"role": "user", "content": "go on"},
        {"role": "tool", "tool_call_id": "c1", "content": "late"},
    )
    assistant, results, user, late = wire["messages"]
    assert assistant["content"] == [
        {"type": "text", "text": "hm"},
        {"type": "tool_call", "id": "c1", "raw_name": "t", "raw_arguments": "{}"},
        {"type": "tool_call", "id": "c2", "raw_name": "t", "raw_arguments": "{}"},
    ]
    assert (results["role"], user["content"], late["role"]) == ("user", "go on", "user")
    assert [(block["id"], block["name"], block["result"]) for block in results["content"]] == [
        ("c2", "t", '"70"'),
        ("c1", "t", '[{"type":"text","text":"x"}]'),
        ("c1", "t", "null"),
    ]
    assert late["content"][0]["result"] == '"late"'


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([{"role": "tool", "tool_call_id": "c1", "content": "x"}], "tool call id not found"),
        (
            [
                {"role": "tool", "tool_call_id": "c1", "content": "x"},
                {"role": "assistant", "tool_calls": [CALL]},
            ],
            "tool call id not found",
        ),
        ([{"role": "tool", "content": "x"}], "messages: missing field `tool_call_id`"),
        ([{"role": "user"}], BAD_CONTENT),
        ([{"role": "user", "content": {"a": 1}}], BAD_CONTENT),
        ([{"role": "assistant", "content": {"a": 1}}], BAD_CONTENT),
        ([{"role": "user", "content": 5}], BAD_CONTENT),
        ([{"role": "assistant", "content": True}], BAD_CONTENT),
    ],
)
def test_bad_turns(messages: list[dict[str, Any]], message: str) -> None:
    """A result needs an earlier call, a turn a known role and content."""
    assert refusal(*messages) == message


def test_extra_content_finds_its_place() -> None:
    """Blocks with an index are inserted in its order, clamped to the end; others come first."""
    wire = translate(
        {
            "role": "assistant",
            "content": "text",
            "tool_calls": [CALL],
            "tensorzero_extra_content": [
                {"type": "thought", "insert_index": 99, "text": "last"},
                {"type": "thought", "insert_index": 1, "text": "second"},
                {"type": "unknown", "data": {"a": 1}},
                {"type": "thought", "text": "leading", "provider_type": "openai"},
            ],
        }
    )
    kinds = [block.get("text", block["type"]) for block in wire["messages"][0]["content"]]
    assert kinds == ["unknown", "second", "leading", "text", "tool_call", "last"]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "zz"},
        {"text": "x"},
        {"type": "unknown"},
        {"type": "thought", "text": 5},
        {"type": "thought", "insert_index": -1},
        {"type": "thought", "insert_index": "x"},
        5,
    ],
)
def test_bad_extra_content(block: object) -> None:
    """A block that is none is refused."""
    message = refusal({"role": "assistant", "content": "a", "tensorzero_extra_content": [block]})
    assert message.startswith("Invalid TensorZero content block: ")


async def test_a_conversation_from_request_to_row(start: StartGateway) -> None:
    """The provider sees the turns, the row has the stored form."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.chat(
        messages=[
            {"role": "user", "content": "What time is it?"},
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "noon"},
            {"role": "system", "content": "Be brief."},
        ]
    )
    assert reply.status == 200
    sent = gateway.sent[0]["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool"]
    assert sent[3] == {"role": "tool", "tool_call_id": "c1", "content": '"noon"'}
    assert gateway.chat_rows[0]["input"] == {
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "What time is it?"}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_call", "id": "c1", "name": "t", "arguments": "{}"}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "name": "t", "result": '"noon"', "id": "c1"}],
            },
        ],
    }
