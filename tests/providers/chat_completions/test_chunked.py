from __future__ import annotations

from typing import Any

import pytest

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import (
    File,
    Message,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    ToolResult,
)
from tzproxy.types.usage import Usage

from ..samples import NO_HEADERS, answer, ask, assistant, body_of, chat, event, user

CALL = ToolCall("c", "f", '{"a": 1}')
WIRE_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def _thinking(*texts: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text} for text in texts]}


def _turns(*messages: Message) -> Any:
    return body_of(chat("mistral", prompt_mode="reasoning"), ask(*messages))["messages"]


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([Text("a")], {"content": "a"}),
        ([Text("a"), Text("b")], {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
        ([Thought("t"), Text("a")], {"content": [_thinking("t"), {"type": "text", "text": "a"}]}),
        ([Text("a"), Thought("t")], {"content": [{"type": "text", "text": "a"}, _thinking("t")]}),
        ([Thought("t")], {"content": [_thinking("t")]}),
        ([CALL], {"content": None, "tool_calls": [WIRE_CALL]}),
        ([Thought(None, "sig"), CALL], {"content": None, "tool_calls": [WIRE_CALL]}),
        ([File(data="QQ==", mime_type="image/png"), Text("a")], {"content": "a"}),
    ],
)
def test_assistant_turns(blocks: list[Any], message: dict[str, Any]) -> None:
    """With a prompt mode thoughts stay in their place; files are left out; no content is a null."""
    assert _turns(assistant(*blocks)) == [{"role": "assistant"} | message]


def test_nothing_left() -> None:
    """A turn of which nothing is left is left out."""
    assert _turns(assistant(Thought(None)), user(Text("a"))) == [{"role": "user", "content": "a"}]


def test_misplaced_result() -> None:
    """A tool result cannot stand in a model's turn."""
    with pytest.raises(ProviderError, match="Tool results are not supported in assistant messages"):
        _turns(assistant(ToolResult("f", "r", "c")))


def test_without_prompt_mode() -> None:
    """Without a prompt mode thoughts go back as the protocol's field."""
    body = body_of(chat("mistral"), ask(assistant(Thought("t"), Text("a"))))
    assert body["messages"] == [{"role": "assistant", "content": "a", "reasoning_content": "t"}]
    assert "prompt_mode" not in body


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ("a", [Text("a")]),
        ("", []),
        (None, []),
        (
            [_thinking("a", "b"), {"type": "text", "text": "c"}],
            [Thought("ab", provider_type="mistral"), Text("c")],
        ),
        ([{"type": "text", "text": ""}, _thinking(""), _thinking()], []),
    ],
)
def test_content(content: Any, output: list[Any]) -> None:
    """Content is a text or chunks, read in their order; empty ones say nothing."""
    response = chat("mistral").parse_response(answer({"content": content}), NO_HEADERS, ask())
    assert response.output == output


def test_calls() -> None:
    """Calls follow, whether they say their type or not."""
    body = answer({"content": "a", "tool_calls": [WIRE_CALL, {"id": "d", "function": WIRE_CALL["function"]}]})
    response = chat("mistral").parse_response(body, NO_HEADERS, ask())
    assert response.output == [Text("a"), CALL, ToolCall("d", "f", '{"a": 1}')]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"message": {"content": [{"type": "reference", "reference_ids": [1]}]}},
            "Invalid value 'reference'",
        ),
        ({"usage": ...}, "missing field `usage`"),
        ({"usage": {"completion_tokens": 1}}, "missing field `prompt_tokens`"),
        ({"usage": {"prompt_tokens": 1}}, "missing field `completion_tokens`"),
        ({"finish_reason": ...}, "missing field `finish_reason`"),
    ],
)
def test_unreadable(changes: dict[str, Any], reason: str) -> None:
    """What cannot be read is a failure that carries no raw texts."""
    with pytest.raises(ProviderError) as raised:
        chat("mistral").parse_response(answer(**changes), NO_HEADERS, ask())
    prefix = "Error from mistral server: Error parsing JSON response: "
    assert raised.value.message.startswith(prefix + reason)
    assert (raised.value.raw_request, raised.value.raw_response) == (None, None)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("model_length", "length"),
        ("length", "length"),
        ("tool_calls", "tool_call"),
        ("error", "unknown"),
        ("content_filter", "unknown"),
        ("", "unknown"),
    ],
)
def test_finish_reasons(reason: str, expected: str) -> None:
    """Mistral has words of its own for the end."""
    body = answer(finish_reason=reason)
    assert chat("mistral").parse_response(body, NO_HEADERS, ask()).finish_reason == expected
    chunk = chat("mistral").stream_parser(ask()).feed(event(finish_reason=reason))
    assert chunk is not None and chunk.finish_reason == expected


def test_stream() -> None:
    """Thoughts and texts keep their blocks; empty pieces say nothing; usage may come with a choice."""
    parser = chat("mistral").stream_parser(ask(stream=True))
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}}
    found = [
        parser.feed(event({"role": "assistant", "content": ""})),
        parser.feed(event({"content": [_thinking("a", "b"), {"type": "text", "text": "c"}]})),
        parser.feed(event({"content": "d"})),
        parser.feed(event({"content": [{"type": "text", "text": ""}, _thinking("")]}, usage=usage)),
    ]
    assert [chunk and chunk.content for chunk in found] == [
        [],
        [ThoughtChunk("thinking", "ab", None, None, None, "mistral"), TextChunk("0", "c")],
        [TextChunk("0", "d")],
        [],
    ]
    assert found[-1] is not None and found[-1].usage == Usage(3, 2, 1)


def test_repeated_names() -> None:
    """A second call of the same tool in a row comes without its name, as with the original."""
    parser = chat("mistral").stream_parser(ask(stream=True))
    found = []
    for number, name in enumerate(["f", "f", "g", "f"]):
        call = {"id": str(number), "function": {"name": name, "arguments": "{}"}, "index": 0}
        chunk = parser.feed(event({"content": "", "tool_calls": [call]}))
        assert chunk is not None
        found += chunk.content
    assert found == [
        ToolCallChunk(str(number), name, "{}") for number, name in enumerate(["f", "", "g", "f"])
    ]


@pytest.mark.parametrize("key", ["id", "name", "arguments"])
def test_calls_in_pieces(key: str) -> None:
    """A call that is not whole cannot be read; the stream goes on."""
    call: dict[str, Any] = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    del (call if key == "id" else call["function"])[key]
    parser = chat("mistral").stream_parser(ask(stream=True))
    with pytest.raises(ProviderError, match=f"Error parsing chunk. Error: missing field `{key}`"):
        parser.feed(event({"tool_calls": [call]}))
    assert parser.feed(event({"content": "a"})) is not None
