from __future__ import annotations

import json

import pytest

from tzproxy.providers.dummy import answers
from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import File, Text, ToolCall

from ..samples import assistant, user

PDF = File(data="QQ==", mime_type="application/pdf")


def test_raw_response() -> None:
    """The usual raw response is pretty-printed, in the original's key order."""
    assert answers.RAW_RESPONSE.startswith('{\n  "id": "id",\n  "object": "text.completion",\n  "created"')
    decoded = json.loads(answers.RAW_RESPONSE)
    assert decoded["choices"][0]["text"] == answers.TEXT
    assert decoded["usage"] == {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        (
            "tool",
            '{"location":"Brooklyn","units":"celsius",'
            '"usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}}',
        ),
        ("json", '{"answer":"Hello","usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}}'),
        ("bad_tool", '{"location":"Brooklyn","units":"Celsius"}'),
        ("json_cot", '{"thinking":"hmmm", "response": {"answer":"tokyo!"}}'),
        ("invalid_tool_arguments", answers.RAW_RESPONSE),
        ("alternate", answers.RAW_RESPONSE),
    ],
)
def test_raw_responses_of_names(name: str, raw: str) -> None:
    """Some names have a raw response of their own."""
    assert answers.CANNED[name].raw == raw


def test_tool_arguments_are_json() -> None:
    """Every canned call but the broken one has JSON arguments."""
    for name, canned in answers.CANNED.items():
        for block in canned.output:
            if isinstance(block, ToolCall) and name != "invalid_tool_arguments":
                json.loads(block.arguments)


def test_echo() -> None:
    """The echo is the first text of the last user turn, or nothing."""
    assert answers.echo([user(Text("a")), user(PDF, Text("b"), Text("c")), assistant(Text("d"))]) == "b"
    assert answers.echo([assistant(Text("d"))]) == ""
    assert answers.echo([user(PDF)]) == ""


def test_files() -> None:
    """Files are listed without their bytes; a PDF may be demanded."""
    listed = json.loads(answers.list_files([user(Text("a"), PDF)]))
    assert [entry["mime_type"] for entry in listed] == ["application/pdf"]
    assert "QQ==" not in answers.list_files_with_pdf([user(PDF)])
    with pytest.raises(ProviderError, match="PDF must be provided for require_pdf model$"):
        answers.list_files_with_pdf([user(Text("a"))])


def test_two_texts() -> None:
    """The first message must have exactly two texts."""
    assert answers.two_texts([user(Text("a"), Text("b"))]) == answers.TEXT
    for messages in ([], [user(Text("a"))], [user(Text("a"), PDF)]):
        with pytest.raises(ProviderError, match="First message must have exactly two text blocks$"):
            answers.two_texts(messages)
