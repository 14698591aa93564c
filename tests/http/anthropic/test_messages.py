"""Tests of `tzproxy.http.anthropic.messages`: the input that messages come to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tzproxy.errors import RequestError
from tzproxy.http.anthropic.messages import read_messages
from tzproxy.http.anthropic.wire import MessagesRequest

DECODER = msgspec.json.Decoder(MessagesRequest)
USE = {"type": "tool_use", "id": "a", "name": "ls", "input": {"path": "/"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def read(*messages: Any, system: Any = None) -> Any:
    """Read messages and return plain data."""
    body = {"model": "m", "max_tokens": 1, "messages": messages, "system": system}
    request = DECODER.decode(msgspec.json.encode(body))
    return msgspec.json.decode(msgspec.json.encode(read_messages(request.messages, request.system)))


def result(content: Any, **fields: Any) -> dict[str, Any]:
    """Write a result of the call `a`."""
    return {"type": "tool_result", "tool_use_id": "a", "content": content, **fields}


def test_texts() -> None:
    """Texts and text blocks become turns, the system prompt's blocks are joined by lines."""
    system = [
        {"type": "text", "text": "One", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Two"},
    ]
    read_messages = read(
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "text", "text": "Ho"}]},
        system=system,
    )
    assert read_messages == {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "text", "text": "Ho"}]},
        ],
        "system": "One\nTwo",
    }
    assert read(system="One")["system"] == "One"
    assert read()["system"] is None


def test_system_messages_among_the_others() -> None:
    """A system message in the middle joins the system prompt."""
    told = read({"role": "user", "content": "Hi"}, {"role": "system", "content": "Two"}, system="One")
    assert (told["system"], len(told["messages"])) == ("One\nTwo", 1)


def test_arguments_of_a_system_template() -> None:
    """The system prompt may be arguments for a template."""
    assert read(system=[{"type": "text", "tensorzero::arguments": {"a": 1}}])["system"] == {"a": 1}


def test_calls_and_results() -> None:
    """A result finds the name of its tool by its id; its content is text."""
    messages = read(
        {"role": "assistant", "content": [USE]},
        {"role": "user", "content": [result("x.py")]},
        {"role": "user", "content": [result([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
        {"role": "user", "content": [result("no such file", is_error=True)]},
    )["messages"]
    (call,) = messages[0]["content"]
    assert (call["id"], call["raw_name"], msgspec.json.decode(call["raw_arguments"])) == (
        "a",
        "ls",
        {"path": "/"},
    )
    told = [message["content"][0]["result"] for message in messages[1:]]
    assert told == ["x.py", "a\nb", "", "Error: no such file"]
    assert {message["content"][0]["name"] for message in messages[1:]} == {"ls"}


def test_files_of_results_come_behind_all_results() -> None:
    """Results stay together and before what else the turn says; their images follow them."""
    content = [result([IMAGE]), result("two"), {"type": "text", "text": "Go on"}]
    blocks = read({"role": "assistant", "content": [USE]}, {"role": "user", "content": content})
    kinds = [block["type"] for block in blocks["messages"][1]["content"]]
    assert kinds == ["tool_result", "tool_result", "file", "text"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([result("a")], r"messages\[0\].content\[0\]: no `tool_use` block with the id `a`"),
        ([{"type": "tool_result"}], "missing field `tool_use_id`"),
        ([{"type": "sound"}], r"messages\[0\].content\[0\]: unknown type `sound`"),
        ([{}], "missing field `type`"),
    ],
)
def test_mistakes_are_named(content: Any, complaint: str) -> None:
    """A refused block is named with its place."""
    with pytest.raises(RequestError, match=complaint):
        read({"role": "user", "content": content})


def test_a_system_prompt_of_images_is_refused() -> None:
    """A system prompt may hold only text."""
    with pytest.raises(RequestError, match=r"system\[0\]: a system prompt may hold only text"):
        read(system=[IMAGE])
