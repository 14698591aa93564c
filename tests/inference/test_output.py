"""Tests of `tzproxy.inference.output`: JSON output, and streams put together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tzproxy.inference.output import StreamCollector, calls_as_text, json_output, parsed_output
from tzproxy.prompts import JsonSchema
from tzproxy.types.content import (
    Chunk,
    JsonOutput,
    ModelOutput,
    SummaryText,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    Unknown,
    UnknownChunk,
)
from tzproxy.types.model import ProviderChunk
from tzproxy.types.usage import Usage

SCHEMA = JsonSchema(b'{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}', key="s")


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        ('{"a": 1}', b'{"a":1}'),
        (' {"b":2,"a":1}\n', b'{"b":2,"a":1}'),
        ('{"a":"one"}', None),
        ("{}", None),
        ("not JSON", None),
        ("", None),
        ('{"a":1} trailing', None),
        ('```json\n{"a":1}\n```', None),
    ],
)
def test_output_is_parsed_only_if_it_fits(raw: str, parsed: bytes | None) -> None:
    """What is no JSON or does not fit the schema is kept as text; `parsed` is then null."""
    assert parsed_output(raw, SCHEMA) == JsonOutput(raw, None if parsed is None else Raw(parsed))


def test_without_a_usable_schema_nothing_is_parsed() -> None:
    """A client's schema that is no schema is fitted by nothing."""
    assert parsed_output('{"a":1}', None) == JsonOutput('{"a":1}', None)


@pytest.mark.parametrize(
    ("blocks", "raw", "rest"),
    [
        ([Text("1")], "1", []),
        ([Text("1"), Text("2")], "2", [Text("1")]),
        ([Thought("hm"), Text("1"), Thought("so")], "1", [Thought("hm"), Thought("so")]),
        ([Text("1"), ToolCall("i", "respond", "2")], "2", [Text("1")]),
        ([ToolCall("i", "respond", "2"), Text("1")], "1", [ToolCall("i", "respond", "2")]),
        ([Thought("hm")], None, [Thought("hm")]),
        ([], None, []),
    ],
)
def test_the_last_text_or_call_is_the_answer(
    blocks: list[ModelOutput], raw: str | None, rest: list[ModelOutput]
) -> None:
    """Of several blocks the last text or tool call counts; the others are kept beside it."""
    output, auxiliary = json_output(blocks, SCHEMA)
    assert output == JsonOutput(raw, None)
    assert auxiliary == rest


def test_calls_of_the_implicit_tool_are_shown_as_text() -> None:
    """In JSON mode `tool` a chat function's caller sees the arguments as text."""
    assert calls_as_text([Thought("hm"), ToolCall("i", "respond", "{}")]) == [Thought("hm"), Text("{}")]


# ---- streams


def collected(*pieces: Chunk) -> list[ModelOutput]:
    """Collect pieces that arrive one by one."""
    collector = StreamCollector()
    for piece in pieces:
        collector.add(ProviderChunk(content=[piece]))
    return collector.output()


def test_blocks_are_ordered_by_first_occurrence() -> None:
    """Interleaved pieces go to the block of their kind and id."""
    assert collected(
        ThoughtChunk("0", "hm", None, None, None),
        TextChunk("0", "a"),
        ToolCallChunk("x", "na", '{"k"'),
        TextChunk("1", "other"),
        TextChunk("0", "b"),
        ToolCallChunk("y", "second", "{}"),
        ToolCallChunk("x", "me", ":1}"),
        ThoughtChunk("0", "m", "sig", None, None),
    ) == [
        Thought("hmm", "sig"),
        Text("ab"),
        ToolCall("x", "name", '{"k":1}'),
        Text("other"),
        ToolCall("y", "second", "{}"),
    ]


def test_empty_texts_claim_no_place() -> None:
    """An empty delta makes no block, and gives no order to one."""
    assert collected(TextChunk("0", ""), ToolCallChunk("x", "n", "{}"), TextChunk("0", "a")) == [
        ToolCall("x", "n", "{}"),
        Text("a"),
    ]
    assert collected(TextChunk("0", "")) == []


def test_thoughts_keep_summaries_provider_and_extra_data() -> None:
    """Summaries are joined by their id; provider and extra data are the last ones given."""
    assert collected(
        ThoughtChunk("0", None, None, "0", "first ", "openai"),
        ThoughtChunk("0", None, None, "1", "second", None, Raw(b'{"a":1}')),
        ThoughtChunk("0", None, "si", "0", "part"),
        ThoughtChunk("0", None, "g", None, None),
    ) == [Thought(None, "sig", [SummaryText("first part"), SummaryText("second")], "openai", Raw(b'{"a":1}'))]


def test_unknown_parts_are_never_joined() -> None:
    """A later unknown part stands in for the earlier one of its id, in its place; others are their own."""
    again = UnknownChunk("0", Raw(b"3"), "m", "p")
    assert collected(UnknownChunk("0", Raw(b"1")), UnknownChunk("1", Raw(b"2")), again) == [
        Unknown(Raw(b"3"), "m", "p"),
        Unknown(Raw(b"2")),
    ]


def test_a_json_stream_has_one_text_and_one_thought() -> None:
    """Texts and calls are joined whatever their ids, empty ones claim a place, unknown parts are left out."""
    collector = StreamCollector(is_json=True)
    for content in (
        [TextChunk("0", "")],
        [ThoughtChunk("1", "h", None, None, None, "t"), TextChunk("0", "{")],
        [UnknownChunk("2", Raw(b"1"))],
        [TextChunk("3", "skipped"), ToolCallChunk("c", "respond", "}")],
        [ThoughtChunk("4", "m", "s", None, None)],
    ):
        collector.add(ProviderChunk(content=content))
    assert collector.output() == [Text("{}"), Thought("hm", "s", None, "t")]


def test_usage_is_the_maximum_and_the_last_reason_counts() -> None:
    """Reports of usage are combined field by field; of several finish reasons the last one stands."""
    collector = StreamCollector()
    collector.add(ProviderChunk(content=[], usage=Usage(10, 1), raw_usage=Raw(b"1")))
    collector.add(ProviderChunk(content=[], finish_reason="length"))
    collector.add(ProviderChunk(content=[], usage=Usage(None, 7), finish_reason="stop", raw_usage=Raw(b"2")))
    collector.add(ProviderChunk(content=[]))
    assert collector.usage == Usage(10, 7)
    assert collector.finish_reason == "stop"
    assert collector.output() == []


@given(st.text(min_size=1, max_size=30), st.lists(st.integers(0, 30), max_size=5))
def test_any_cut_of_a_text_gives_the_text(text: str, cuts: list[int]) -> None:
    """However a text and a call's arguments are cut, they are whole in the end."""
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    parts = [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    pieces: list[Chunk] = []
    for number, part in enumerate(parts):
        pieces.append(TextChunk("0", part))
        pieces.append(ToolCallChunk("c", "name" if number == 0 else "", part))
    assert collected(*pieces) == [Text(text), ToolCall("c", "name", text)]
