"""Tests of `tzproxy.inference.learning_examples`: inputs as JSON, examples as turns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.clickhouse.queries.dicl import LearningExample
from tzproxy.errors import RequestError, TzproxyError
from tzproxy.inference.input import ReadInput
from tzproxy.inference.learning_examples import PlainPrompt, rewritten, serialized, turns
from tzproxy.types.content import (
    Message,
    RawText,
    StoredBlock,
    StoredFile,
    StoredInput,
    StoredMessage,
    Template,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Unknown,
)

GREETING = Template("greet", {"n": "é"})
GREETING_TEXT = '{"type":"template","name":"greet","arguments":{"n":"é"}}'
FILE = StoredFile(None, "image/png", Raw(b"{}"))
INPUT = '{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}'


def stored(*blocks: StoredBlock, system: Any = None) -> StoredInput:
    """Make an input of one turn."""
    return StoredInput([StoredMessage("user", list(blocks))], system)


def example(output: object, given: str = INPUT) -> LearningExample:
    """Make an example."""
    text = output if isinstance(output, str) else json.dumps(output)
    return LearningExample(given, text, 0.0)


def test_an_input_is_written_system_first() -> None:
    """Arguments of templates become texts; everything else stays what it is."""
    text = serialized(stored(GREETING, RawText("raw"), ToolResult("n", "r", "1"), system="S"))
    assert text == (
        '{"system":"S","messages":[{"role":"user","content":['
        '{"type":"text","text":"{\\"type\\":\\"template\\",\\"name\\":\\"greet\\",'
        '\\"arguments\\":{\\"n\\":\\"é\\"}}"},{"type":"raw_text","value":"raw"},'
        '{"type":"tool_result","name":"n","result":"r","id":"1"}]}]}'
    )


def test_an_input_without_system() -> None:
    """The key is left out; arguments for a system template are kept as they are."""
    assert serialized(stored(Text("x"))) == INPUT
    assert serialized(stored(system={"a": 1})).startswith('{"system":{"a":1},"messages":')


@pytest.mark.parametrize(("block", "kind"), [(FILE, "image"), (Unknown(Raw(b"{}")), "unknown")])
def test_what_cannot_be_embedded_is_refused(block: StoredBlock, kind: str) -> None:
    """Files and providers' own blocks have no text."""
    with pytest.raises(RequestError) as caught:
        serialized(stored(block))
    assert caught.value.message == f"Unsupported content block type `{kind}` for provider `dicl`"
    assert caught.value.status == 400


def test_the_plain_prompt() -> None:
    """Without examples the model sees the conversation, and the instructions in place of its system."""
    read = ReadInput(stored(GREETING, RawText("raw"), Text("x"), Thought("t"), system="mine"), {}, False)
    prompt = PlainPrompt("Learn.")
    assert prompt.system("mine") == "Learn."
    assert prompt.system(None) == "Learn."
    assert prompt.messages(read) == [
        Message("user", [Text(GREETING_TEXT), Text("raw"), Text("x"), Thought("t")])
    ]


def test_chat_examples() -> None:
    """User and assistant in turn; tool calls as the model made them."""
    output = [
        {"type": "thought", "text": "hm"},
        {"type": "text", "text": "A"},
        {
            "type": "tool_call",
            "id": "1",
            "raw_name": "bogus",
            "raw_arguments": "xx",
            "name": None,
            "arguments": None,
        },
        {"type": "tool_call", "id": "2", "name": "t", "arguments": {"a": 1}},
        {"type": "tool_call", "id": "3", "name": "t", "arguments": '{"a":1}'},
    ]
    asked, answered = turns([example(output)], is_json=False)
    assert asked == Message("user", [Text(INPUT)])
    assert answered == Message(
        "assistant",
        [
            Thought("hm"),
            Text("A"),
            ToolCall("1", "bogus", "xx"),
            ToolCall("2", "t", '{"a": 1}'),
            ToolCall("3", "t", '{"a":1}'),
        ],
    )


@pytest.mark.parametrize(
    ("output", "text"),
    [({"raw": '{"n": 1}', "parsed": {"n": 1}}, '{"n": 1}'), ({"raw": None, "parsed": None}, "")],
)
def test_json_examples(output: object, text: str) -> None:
    """The raw text counts, as it was."""
    assert turns([example(output)], is_json=True)[1] == Message("assistant", [Text(text)])


def test_older_inputs_are_rewritten() -> None:
    """`value` was text or arguments of a template; the system comes first, whatever the order was."""
    older = {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "value": "x"}, {"type": "text", "value": {"a": 1}}],
            },
            {"role": "assistant", "content": "plain"},
        ],
        "system": "S",
    }
    assert rewritten(json.dumps(older)) == (
        '{"system":"S","messages":[{"role":"user","content":[{"type":"text","text":"x"},'
        '{"type":"template","name":"user","arguments":{"a":1}}]},'
        '{"role":"assistant","content":[{"type":"text","text":"plain"}]}]}'
    )


@pytest.mark.parametrize(
    "broken",
    [
        example("[nope"),
        example({"raw": 1}),
        example([{"type": "hologram"}]),
        example([], given="nope"),
        example([], given="[]"),
        example([], given='{"messages":[{"role":"user","content":5}]}'),
        example([], given='{"messages":[{"role":"user","content":["x"]}]}'),
        example([], given='{"messages":[{"role":"user","content":[{"type":"text"}]}]}'),
    ],
)
def test_an_unreadable_example_is_an_error(broken: LearningExample) -> None:
    """The variant fails and says why: an example that is left out in silence would be missed by nobody."""
    with pytest.raises(TzproxyError, match="Failed to parse an example"):
        turns([broken], is_json=False)


def test_an_example_without_output_is_an_error() -> None:
    """The operator is told what to delete."""
    with pytest.raises(TzproxyError, match="has no output"):
        turns([example("")], is_json=False)
