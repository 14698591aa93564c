"""Tests of `tzproxy.evaluations.judge_input`."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from evaluations.samples import STORED, chat_outcome, json_outcome
from tzproxy.config.evaluators import JudgeIncludeConfig, LlmJudgeConfig
from tzproxy.evaluations.errors import ScoreError
from tzproxy.evaluations.judge_input import judge_input
from tzproxy.evaluations.outcome import Outcome
from tzproxy.types.content import (
    StoredBlock,
    StoredFile,
    StoredInput,
    StoredMessage,
    Template,
    Text,
    Thought,
    ToolCall,
    Unknown,
)


def config(**fields: Any) -> LlmJudgeConfig:
    """A judge; `reference`: whether it sees the datapoint's output."""
    include = JudgeIncludeConfig(reference_output=fields.pop("reference", False))
    return LlmJudgeConfig(output_type="boolean", optimize="max", variants={}, include=include, **fields)


def shown(judge: LlmJudgeConfig, outcome: Outcome) -> Any:
    """Return the judge's input as clients would write it."""
    made = judge_input(judge, outcome)
    return None if made is None else json.loads(msgspec.json.encode(made))["messages"]


RICH = StoredInput(
    [
        StoredMessage("user", [Text("hi"), Template("greet", {"a": "x"})]),
        StoredMessage("assistant", [ToolCall("c", "t", '{"n": 1}'), Thought("hm")]),
    ],
    {"who": "bär"},
)


def test_serialized() -> None:
    """Input, answer and reference are JSON texts for the judge's template."""
    reference = [{"type": "text", "text": "one"}]
    (message,) = shown(config(reference=True), chat_outcome([Text("two")], reference, RICH))
    (block,) = message["content"]
    assert (block["type"], block["name"]) == ("template", "user")
    assert block["arguments"] == {
        "input": '{"system":{"who":"bär"},"messages":[{"role":"user","content":[{"type":"text","text":"hi"},'
        '{"type":"template","name":"greet","arguments":{"a":"x"}}]},{"role":"assistant","content":'
        '[{"type":"tool_call","id":"c","name":"t","arguments":"{\\"n\\": 1}"},'
        '{"type":"thought","text":"hm"}]}]}',
        "generated_output": '[{"type":"text","text":"two"}]',
        "reference_output": '[{"type":"text","text":"one"}]',
    }


def test_messages() -> None:
    """The conversation is shown as it was, system and templates as texts; the answer comes last."""
    outcome = chat_outcome([Text("two")], [{"type": "text", "text": "one"}], RICH)
    messages = shown(config(input_format="messages", reference=True), outcome)
    assert [message["role"] for message in messages] == ["user", "user", "assistant", "user"]
    texts = [[block.get("text") for block in message["content"]] for message in messages]
    assert texts == [
        ['{"who":"bär"}'],
        ["hi", '{"name":"greet","arguments":{"a":"x"}}'],
        [None, "hm"],
        [
            '# Generated Output\n\n[{"type":"text","text":"two"}]\n\n'
            '# Reference Output\n\n[{"type":"text","text":"one"}]\n'
        ],
    ]
    assert messages[2]["content"][0]["arguments"] == '{"n": 1}'


def test_a_plain_system_without_reference() -> None:
    """A system text stays a text, and no reference is mentioned where none is wanted."""
    outcome = chat_outcome([Text("two")], None, StoredInput(STORED.messages, "Be kind."))
    first, _, last = shown(config(input_format="messages"), outcome)
    assert first["content"][0]["text"] == "Be kind."
    assert last["content"][0]["text"] == '# Generated Output\n\n[{"type":"text","text":"two"}]\n'


@pytest.mark.parametrize(
    "outcome",
    [
        chat_outcome([Text("x")]),
        json_outcome("{}", b"{}"),
        chat_outcome([Text("x")], []),
        chat_outcome([Text("x")], [{"type": "unknown", "data": {}}]),
        json_outcome("{}", b"{}", {"raw": "no", "parsed": None}),
    ],
)
def test_nothing_to_compare_with(outcome: Outcome) -> None:
    """A judge that wants a reference is not asked without one."""
    assert shown(config(reference=True), outcome) is None


def test_json_is_shown_as_it_was_written() -> None:
    """Of a JSON answer and its reference the judge gets the raw texts."""
    outcome = json_outcome('{"a": 1}', b'{"a":1}', {"raw": '{ "a" : 2 }', "parsed": {"a": 2}})
    ((block,),) = [message["content"] for message in shown(config(reference=True), outcome)]
    assert block["arguments"]["generated_output"] == '{"a": 1}'
    assert block["arguments"]["reference_output"] == '{ "a" : 2 }'


def test_blocks_of_providers_are_left_out() -> None:
    """What only a provider understands is not shown, as long as something is left."""
    unknown = Unknown(Raw(b"{}"))
    reference = [{"type": "unknown", "data": {}}, {"type": "text", "text": "one"}]
    (message,) = shown(config(reference=True), chat_outcome([unknown, Text("two")], reference))
    arguments = message["content"][0]["arguments"]
    assert arguments["generated_output"] == '[{"type":"text","text":"two"}]'
    assert arguments["reference_output"] == '[{"type":"text","text":"one"}]'
    with pytest.raises(ScoreError, match="holds no content"):
        shown(config(), chat_outcome([unknown]))


@pytest.mark.parametrize("outcome", [chat_outcome([]), json_outcome("no", None)])
def test_an_answer_without_content(outcome: Outcome) -> None:
    """It is told also where there would be nothing to compare it with."""
    with pytest.raises(ScoreError):
        shown(config(reference=True), outcome)


FILE = StoredFile(None, "image/png", Raw(b'{"kind":{"type":"filesystem","path":"/x"},"path":"p"}'))


@pytest.mark.parametrize(
    ("block", "format_", "pattern"),
    [
        (FILE, "serialized", "Set `input_format` to `messages`"),
        (Unknown(Raw(b"{}")), "serialized", "Unknown content blocks"),
        (Unknown(Raw(b"{}")), "messages", "Unknown content blocks"),
    ],
)
def test_inputs_that_cannot_be_shown(block: StoredBlock, format_: str, pattern: str) -> None:
    """The reason is told."""
    outcome = chat_outcome([Text("x")], None, StoredInput([StoredMessage("user", [block])]))
    with pytest.raises(ScoreError, match=pattern):
        shown(config(input_format=format_), outcome)


def test_files_are_shown_as_messages() -> None:
    """A judge that sees messages gets the files too."""
    outcome = chat_outcome([Text("x")], None, StoredInput([StoredMessage("user", [FILE])]))
    first, _ = shown(config(input_format="messages"), outcome)
    assert first["content"][0]["file_type"] == "object_storage_pointer"


def test_output_that_is_no_json() -> None:
    """There is nothing to judge about an answer that does not fit its schema."""
    with pytest.raises(ScoreError, match="^JSON output does not contain a `parsed` field$"):
        shown(config(), json_outcome("no", None))
