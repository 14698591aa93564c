from __future__ import annotations

import logging
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import File, Text, Thought, ToolCall, ToolResult, Unknown

from ..samples import NAMES, ask, assistant, body_of, chat, messages_of, user

CALL = ToolCall("c1", "get", "{}")
WIRE_CALL = {"id": "c1", "type": "function", "function": {"name": "get", "arguments": "{}"}}
RESULT = ToolResult("get", "5C", "c1")


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize("name", NAMES)
def test_one_text(name: str) -> None:
    """A single text is plain content, except where content is always a list."""
    content: Any = [_text("a")] if name == "xai" else "a"
    assert messages_of(name, [user(Text("a")), assistant(Text("a"))]) == [
        {"role": "user", "content": content},
        {"role": "assistant", "content": content},
    ]


def test_several_parts() -> None:
    """Several blocks, or one that is no text, are a list; unknown blocks go out untouched."""
    raw = Raw(b'{"type":"video","n":1.50}')
    request = ask(user(Text("a"), Unknown(raw), Text("b")), user(File(url="http://x")), user(Unknown(raw)))
    body = chat("openai").build_request(request, {}).body
    assert body_of(chat("openai"), request)["messages"] == [
        {"role": "user", "content": [_text("a"), {"type": "video", "n": 1.5}, _text("b")]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]},
        {"role": "user", "content": [{"type": "video", "n": 1.5}]},
    ]
    assert b'{"type":"video","n":1.50}' in body


@pytest.mark.parametrize("name", [name for name in NAMES if name != "xai"])
def test_tool_results_come_first(name: str) -> None:
    """Results leave the user message they stood in and go before it."""
    messages = messages_of(name, [user(Text("pre"), RESULT, Text("post"))])
    assert messages == [
        {"role": "tool", "content": "5C", "tool_call_id": "c1"},
        {"role": "user", "content": [_text("pre"), _text("post")]},
    ]


def test_tool_results_in_their_place() -> None:
    """XAI keeps the order: text before a result becomes a message of its own."""
    assert messages_of("xai", [user(Text("pre"), RESULT, RESULT, Text("post"))]) == [
        {"role": "user", "content": [_text("pre")]},
        {"role": "tool", "content": "5C", "tool_call_id": "c1"},
        {"role": "tool", "content": "5C", "tool_call_id": "c1"},
        {"role": "user", "content": [_text("post")]},
    ]


@pytest.mark.parametrize("name", NAMES)
def test_calls_alone(name: str) -> None:
    """A turn of calls alone has no content."""
    assert messages_of(name, [assistant(CALL)]) == [{"role": "assistant", "tool_calls": [WIRE_CALL]}]


@pytest.mark.parametrize("name", NAMES)
def test_empty_messages(name: str) -> None:
    """A message with nothing left is not sent; Groq gets the model's all the same."""
    messages = messages_of(name, [user(), assistant(), user(RESULT)])
    empty = [{"role": "assistant"}] if name == "groq" else []
    assert messages == [*empty, {"role": "tool", "content": "5C", "tool_call_id": "c1"}]


@pytest.mark.parametrize("name", NAMES)
def test_no_merging_but_for_deepseek(name: str) -> None:
    """Neighbours of one role stay apart for all but one service."""
    messages = messages_of(name, [user(Text("a")), user(Text("b"))])
    assert len(messages) == (1 if name == "deepseek" else 2)


def test_merging() -> None:
    """DeepSeek gets neighbours of one role as one message; tool messages stay apart."""
    assert messages_of(
        "deepseek",
        [
            user(Text("a")),
            user(Text("b"), Text("c")),
            assistant(Thought("t1"), Text("x"), CALL),
            assistant(Thought("t2"), CALL),
            assistant(Text("y")),
            user(RESULT),
            user(RESULT, Text("z")),
            assistant(CALL),
            assistant(Text("only")),
        ],
    ) == [
        {"role": "user", "content": [_text("a"), _text("b"), _text("c")]},
        {
            "role": "assistant",
            "content": [_text("x"), _text("y")],
            "tool_calls": [WIRE_CALL, WIRE_CALL],
            "reasoning_content": "t1\n\nt2",
        },
        {"role": "tool", "content": "5C", "tool_call_id": "c1"},
        {"role": "tool", "content": "5C", "tool_call_id": "c1"},
        {"role": "user", "content": "z"},
        {"role": "assistant", "content": "only", "tool_calls": [WIRE_CALL]},
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("message", "text"),
    [
        (user(CALL), "Tool calls are not supported in user messages"),
        (assistant(RESULT), "Tool results are not supported in assistant messages"),
    ],
)
def test_misplaced_blocks(name: str, message: Any, text: str) -> None:
    """A call by the user or a result by the model cannot be expressed."""
    with pytest.raises(ProviderError) as raised:
        chat(name).build_request(ask(message), {})
    assert (raised.value.message, raised.value.status) == (text, 400)


def test_thoughts_of_users(caplog: pytest.LogCaptureFixture) -> None:
    """A thought in a user message is dropped with a warning."""
    with caplog.at_level(logging.WARNING):
        assert messages_of("openai", [user(Thought("t"), Text("a"))]) == [{"role": "user", "content": "a"}]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("model", "role"),
    [("o1-mini", "user"), ("O1-Mini-2024", "user"), ("o1", "system"), ("o3-mini", "system")],
)
def test_o1_mini(model: str, role: str) -> None:
    """The first small reasoning model knows no system role; a hosted name does not count."""
    body = body_of(chat("openai", model_name=model), ask(system="S"))
    assert body["messages"][0] == {"role": role, "content": "S"}
    hosted = body_of(chat("openrouter", model_name=f"openai/{model}"), ask(system="S"))
    assert hosted["messages"][0] == {"role": "system", "content": "S"}
