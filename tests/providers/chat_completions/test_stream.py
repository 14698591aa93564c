from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tzproxy.providers.chat_completions.thoughts import FIELD_FORMAT, TAGS_FORMAT
from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.types.content import Chunk, TextChunk, ThoughtChunk, ToolCallChunk
from tzproxy.types.usage import Usage

from ..samples import PLAIN_NAMES, PROPERTY, AnswerHeaders, ask, chat, event

SHARED = ("openai", "azure", "vllm", "xai", "hyperbolic")
TAGGING = ("fireworks", "together")
EMPTY_IS_ABSENT = {"openai", "azure", "vllm", "xai", "hyperbolic", "groq", "openrouter"}
STREAMS_TOOLS = [name for name in PLAIN_NAMES if name != "tgi"]


def _content(name: str, *deltas: dict[str, Any]) -> list[list[Chunk]]:
    parser = chat(name).stream_parser(ask(stream=True))
    found = []
    for delta in deltas:
        chunk = parser.feed(event(delta))
        assert chunk is not None
        found.append(chunk.content)
    return found


def _failure(name: str, *events: bytes, headers: AnswerHeaders | None = None) -> str:
    parser = chat(name).stream_parser(ask(stream=True), headers)
    for data in events[:-1]:
        parser.feed(data)
    with pytest.raises(ProviderError) as raised:
        parser.feed(events[-1])
    assert not isinstance(raised.value, FatalStreamError)
    assert raised.value.status == 500
    assert raised.value.raw_response == (None if name == "tgi" else events[-1].decode())
    prefix = f"Error from {name} server: "
    assert raised.value.message.startswith(prefix)
    after = parser.feed(event({"content": "still"}))
    assert after is not None and not parser.done
    return raised.value.message.removeprefix(prefix)


def _text(text: str, block: str = "0") -> TextChunk:
    return TextChunk(block, text)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_text(name: str) -> None:
    """Text is forwarded piece by piece, empty pieces too; a piece without anything is an empty chunk."""
    found = _content(name, {"role": "assistant", "content": ""}, {"content": "Hi"}, {"refusal": "no"})
    assert found == [[_text("")], [_text("Hi")], []]


BOTH = {"reasoning": "r", "reasoning_content": "rc", "content": "x"}
CONTENT_ONLY = {"reasoning_content": "rc", "content": "x"}


@pytest.mark.parametrize(
    ("name", "delta", "thought"),
    [
        *((name, BOTH, ("1", "r", "openai", None)) for name in SHARED),
        *((name, CONTENT_ONLY, ("1", "rc", "openai", None)) for name in SHARED),
        ("sglang", BOTH, ("1", "rc", "sglang", None)),
        ("groq", BOTH, ("reasoning", "r", "groq", None)),
        ("fireworks", BOTH, ("3", "rc", "fireworks", FIELD_FORMAT)),
        ("together", CONTENT_ONLY, ("3", "rc", "together", FIELD_FORMAT)),
        ("tgi", BOTH, None),
        ("openrouter", BOTH, None),
    ],
)
def test_thoughts_come_first(name: str, delta: dict[str, str], thought: tuple[Any, ...] | None) -> None:
    """Reasoning has the id and the tag that clients know, and comes before the text of its piece."""
    expected: list[Chunk] = []
    if thought is not None:
        block, text, tag, extra = thought
        expected.append(ThoughtChunk(block, text, None, None, None, tag, extra))
    assert _content(name, delta) == [[*expected, _text("x")]]


def test_deepseek_puts_text_first() -> None:
    """DeepSeek's text comes before the reasoning of its piece, under the same id."""
    call = {"index": 0, "id": "c", "function": {"name": "a"}}
    assert _content("deepseek", {**CONTENT_ONLY, "tool_calls": [call]}) == [
        [
            _text("x"),
            ThoughtChunk("0", "rc", None, None, None, "deepseek"),
            ToolCallChunk("c", "a", ""),
        ]
    ]


def _call(index: int | None, call_id: str | None = None, **function: str) -> dict[str, Any]:
    delta: dict[str, Any] = {"function": function}
    if index is not None:
        delta["index"] = index
    if call_id is not None:
        delta["id"] = call_id
    return delta


@pytest.mark.parametrize("name", STREAMS_TOOLS)
def test_tool_calls(name: str) -> None:
    """A piece without an id belongs to the call that arrived at its index."""
    found = _content(
        name,
        {"tool_calls": [_call(0, "a", name="f", arguments="")]},
        {"tool_calls": [_call(1, "b", name="g")]},
        {"tool_calls": [_call(0, arguments="{"), _call(1, arguments="[")]},
    )
    assert found == [
        [ToolCallChunk("a", "f", "")],
        [ToolCallChunk("b", "g", "")],
        [ToolCallChunk("a", "", "{"), ToolCallChunk("b", "", "[")],
    ]


def test_repeated_ids() -> None:
    """A server that repeats the id in every piece is understood."""
    found = _content(
        "openai",
        {"tool_calls": [_call(0, "a", name="f")]},
        {"tool_calls": [_call(0, "a", arguments="{}")]},
    )
    assert found == [[ToolCallChunk("a", "f", "")], [ToolCallChunk("a", "", "{}")]]


def test_missing_index() -> None:
    """SGLang may leave the index out or null."""
    null = {**_call(None, arguments="{}"), "index": None}
    first = {"tool_calls": [_call(0, "a", name="f")]}
    for delta in (null, _call(None, arguments="{}")):
        assert _content("sglang", first, {"tool_calls": [delta]})[1] == [ToolCallChunk("a", "", "{}")]


@pytest.mark.parametrize("name", STREAMS_TOOLS)
@pytest.mark.parametrize("index", [1, -1])
def test_unknown_index(name: str, index: int) -> None:
    """A piece of a call that never began is a failure."""
    first = event({"tool_calls": [_call(0, "a", name="f")]})
    assert _failure(name, first, event({"tool_calls": [_call(index, arguments="{}")]})) == (
        "Tool call index out of bounds (meaning we haven't seen this many ids in the stream)"
    )


def test_tgi_streams_no_calls() -> None:
    """A tool call in a stream of TGI is a failure."""
    assert _failure("tgi", event({"tool_calls": [_call(0, "a", name="f")]})) == (
        "TGI returned a tool call but we don't make streaming tool call requests for this provider"
    )


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_finish_reasons(name: str) -> None:
    """Finish reasons are translated; an empty one is none or unknown, by service."""
    parser = chat(name).stream_parser(ask())
    for reason, expected in (
        ("stop", "stop"),
        ("tool_calls", "tool_call"),
        ("abort", "unknown"),
        (None, None),
        ("", None if name in EMPTY_IS_ABSENT else "unknown"),
    ):
        chunk = parser.feed(event(finish_reason=reason))
        assert chunk is not None and chunk.finish_reason == expected


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_usage(name: str) -> None:
    """Usage is read from any event that has it, with or without a choice; null is none."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    parser = chat(name).stream_parser(ask())
    for data in (event(usage=usage), event(choices=[], usage=usage)):
        chunk = parser.feed(data)
        assert chunk is not None and chunk.usage == Usage(3, 2)
        assert chunk.raw_usage == Raw(json.dumps(usage).encode())
    chunk = parser.feed(event(usage=None))
    assert chunk is not None and (chunk.usage, chunk.raw_usage) == (None, None)


def test_reasoning_tokens_of_xai() -> None:
    """Each usage of xAI has its reasoning tokens added."""
    usage = {"completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 5}}
    parser = chat("xai").stream_parser(ask())
    for _ in range(2):
        chunk = parser.feed(event(usage=usage))
        assert chunk is not None and chunk.usage == Usage(None, 7)


@pytest.mark.parametrize("name", ["groq", "tgi"])
def test_usage_must_count(name: str) -> None:
    """Services that always count the prompt do so in streams."""
    assert _failure(name, event(usage={})) == "Error parsing chunk. Error: missing field `prompt_tokens`"


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_two_choices(name: str) -> None:
    """Two choices are a failure whose text shows its braces."""
    choice = {"index": 0, "delta": {}}
    assert _failure(name, event(choices=[choice, choice])) == (
        "Response has invalid number of choices: {}. Expected 1."
    )


@pytest.mark.parametrize("name", PLAIN_NAMES)
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"error":{"message":"overloaded"}}', "missing field `choices`"),
        (b'{"choices":[{"index":0}]}', "missing field `delta` at choices[0]"),
        (
            b'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a"}]}}]}',
            "missing field `function` at choices[0].delta.tool_calls[0]",
        ),
        (b"oops", "JSON is malformed: invalid character (byte 0)"),
    ],
)
def test_unreadable_events(name: str, data: bytes, reason: str) -> None:
    """An event that cannot be read is a failure of its own; the stream goes on."""
    assert _failure(name, data) == f"Error parsing chunk. Error: {reason}"


def test_request_id() -> None:
    """OpenAI's request id ends the texts of unreadable events."""
    headers = AnswerHeaders({"x-request-id": "req_abc"})
    assert _failure("openai", b"{}", headers=headers) == (
        "Error parsing chunk. Error: missing field `choices` [request_id: req_abc]"
    )


def test_end() -> None:
    """The end marker ends the stream and says nothing."""
    parser = chat("openai").stream_parser(ask())
    assert parser.feed(b"[DONE]") is None
    assert parser.done


def _thought(name: str, text: str) -> ThoughtChunk:
    return ThoughtChunk("1", text, None, None, None, name, TAGS_FORMAT)


@pytest.mark.parametrize("name", TAGGING)
def test_think_tags(name: str) -> None:
    """Text between tags is thought; a piece with a tag is lost; each state has its own block."""
    pieces = [" ", "<think>", "hmm", "\n", "</think>", "Answer", " tail"]
    assert _content(name, *({"content": piece} for piece in pieces)) == [
        [_text(" ")],
        [],
        [_thought(name, "hmm")],
        [_thought(name, "\n")],
        [],
        [_text("Answer", "2")],
        [_text(" tail", "2")],
    ]


@pytest.mark.parametrize("name", TAGGING)
def test_text_beside_tags_is_lost(name: str) -> None:
    """Text in the same piece as a tag does not arrive, as with the original."""
    pieces = ["pre <think>hmm", " more</think>Answer", " tail"]
    assert _content(name, *({"content": piece} for piece in pieces)) == [[], [], [_text(" tail", "2")]]


@pytest.mark.parametrize("name", TAGGING)
@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        (["</think>"], "Found </think> while not thinking"),
        (["<think>", "<think>"], "Found <think> while already thinking"),
        (["<think>", "</think>", "<think>"], "Found thinking tags after thinking finished"),
    ],
)
def test_tags_out_of_turn(name: str, pieces: list[str], message: str) -> None:
    """A tag out of turn is a failure; the stream goes on."""
    assert _failure(name, *(event({"content": piece}) for piece in pieces)) == message


@PROPERTY
@given(
    st.lists(
        st.one_of(
            st.builds(lambda text: {"content": text}, st.text()),
            st.builds(lambda text: {"reasoning_content": text}, st.text()),
            st.builds(lambda text: {"tool_calls": [_call(0, "id", arguments=text)]}, st.text()),
        )
    )
)
def test_nothing_is_lost(deltas: list[dict[str, Any]]) -> None:
    """Whatever text comes in pieces goes out in pieces, in order."""
    sent = [text for delta in deltas for text in _texts_of(delta)]
    received = []
    for content in _content("openai", *deltas):
        for piece in content:
            if isinstance(piece, ToolCallChunk):
                received.append(piece.raw_arguments)
            else:
                assert isinstance(piece, TextChunk | ThoughtChunk)
                received.append(piece.text or "")
    assert received == sent


def _texts_of(delta: dict[str, Any]) -> list[str]:
    if "tool_calls" in delta:
        return [call["function"]["arguments"] for call in delta["tool_calls"]]
    return list(delta.values())


@PROPERTY
@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    """No bytes whatsoever raise anything but our error."""
    for name in ("openai", "openrouter", "fireworks", "tgi"):
        parser = chat(name).stream_parser(ask())
        try:
            parser.feed(data)
        except ProviderError as exc:
            assert exc.message.startswith(f"Error from {name} server: Error parsing chunk. Error: ")
