"""Tests of `tzproxy.http.responses.items`: the input that items come to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tzproxy.errors import RequestError
from tzproxy.http.responses.items import read_items
from tzproxy.http.responses.thoughts import ThoughtParts
from tzproxy.types.content import Thought


def read(items: list[Any] | str, instructions: str | None = None) -> Any:
    """Read items and return plain data."""
    raws = items if isinstance(items, str) else [Raw(msgspec.json.encode(item)) for item in items]
    return msgspec.json.decode(msgspec.json.encode(read_items(raws, instructions)))


def test_text() -> None:
    """A bare text is one user message, the instructions are the system's."""
    read_text = read("Hi", "Be kind.")
    assert read_text == {"messages": [{"role": "user", "content": "Hi"}], "system": "Be kind."}


def test_an_agents_conversation() -> None:
    """What the assistant did between two user messages is one turn, the results of its calls the next."""
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "Do it"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "E"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I try"}]},
        {"type": "function_call", "call_id": "a", "name": "ls", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "patch", "input": "***"},
        {"type": "function_call_output", "call_id": "a", "output": "x.py"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "ok"}]},
        {"type": "message", "role": "user", "content": "Thanks"},
    ]
    first, assistant, results, last = read(items)["messages"]
    assert first == {"role": "user", "content": [{"type": "text", "text": "Do it"}]}
    assert assistant["role"] == "assistant"
    assert [block["type"] for block in assistant["content"]] == ["thought", "text", "tool_call", "tool_call"]
    assert (assistant["content"][0]["signature"], assistant["content"][0]["summary"]) == (
        "E",
        [{"type": "summary_text", "text": "Hm"}],
    )
    assert [call["raw_arguments"] for call in assistant["content"][2:]] == ["{}", "***"]
    assert results["role"] == "user"
    assert [(block["name"], block["result"]) for block in results["content"]] == [
        ("ls", "x.py"),
        ("patch", "ok"),
    ]
    assert last == {"role": "user", "content": "Thanks"}


def test_system_messages_follow_the_instructions() -> None:
    """System and developer messages are joined by lines, wherever they stand."""
    items = [
        {"role": "developer", "content": "Two"},
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": [{"type": "input_text", "text": "Three"}]},
    ]
    assert read(items, "One") == {
        "messages": [{"role": "user", "content": "Hi"}],
        "system": "One\nTwo\nThree",
    }


def test_arguments_of_a_system_template_stand_alone() -> None:
    """Arguments for the system template are passed on; beside other text they are refused."""
    message = {"role": "system", "content": [{"type": "input_text", "tensorzero::arguments": {"a": 1}}]}
    assert read([message])["system"] == {"a": 1}
    with pytest.raises(RequestError, match="cannot contain template with other content"):
        read([message], "One")


def test_files_of_results_come_behind_all_results() -> None:
    """Results of one turn stay together; what they hold besides text follows them."""
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    items = [
        {"type": "function_call", "call_id": "a", "name": "see", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "see", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": [image]},
        {"type": "function_call_output", "call_id": "b", "output": "two"},
    ]
    blocks = read(items)["messages"][1]["content"]
    assert [block["type"] for block in blocks] == ["tool_result", "tool_result", "file"]


def test_a_sealed_thought_is_restored() -> None:
    """A thought that went out under a seal comes back with its provider and as text."""
    sealed = ThoughtParts.of(Thought("Hm", "sig", provider_type="vllm")).sealed()
    item = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm"}],
        "encrypted_content": sealed,
    }
    (block,) = read([item])["messages"][0]["content"]
    assert (block["text"], block["signature"], block["provider_type"], block["summary"]) == (
        "Hm",
        "sig",
        "vllm",
        None,
    )


def test_raw_reasoning() -> None:
    """Reasoning text that some other server gave is the thought's text."""
    item = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm"}]}
    (block,) = read([item])["messages"][0]["content"]
    assert (block["text"], block["signature"]) == ("Hm", None)


def test_items_of_the_providers_own() -> None:
    """Calls of hosted tools and their outputs are passed on untouched, each on its side."""
    call = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    output = {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}}
    assistant, user = read([call, output])["messages"]
    assert (assistant["role"], assistant["content"][0]["data"]) == ("assistant", call)
    assert (user["role"], user["content"][0]["data"]) == ("user", output)


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ({"type": "item_reference", "id": "msg_1"}, r"input\[0\]: the gateway keeps no items"),
        ({"type": "function_call_output", "call_id": "x", "output": ""}, "no call with the call_id `x`"),
        ({"type": "function_call_output", "output": ""}, "missing field `call_id`"),
        ({"role": "robot", "content": ""}, r"input\[0\].role: Invalid enum value 'robot'"),
        ({"type": "function_call", "name": "a"}, r"input\[0\]: .*missing.* field `call_id`"),
        ({"role": "user", "content": 1}, r"input\[0\].content: Expected"),
        ("text", r"input\[0\]: Expected `object`, got `str`"),
        (
            {"role": "system", "content": [{"type": "input_image", "image_url": "http://x/y"}]},
            "may hold only text",
        ),
    ],
)
def test_mistakes_are_named(item: Any, complaint: str) -> None:
    """A refused item is named with its place."""
    with pytest.raises(RequestError, match=complaint):
        read([item])


def test_a_result_may_name_its_tool() -> None:
    """A result whose call is not there is taken when it says which tool it is of."""
    item = {"type": "function_call_output", "call_id": "x", "output": "1", "name": "ls"}
    assert read([item])["messages"][0]["content"][0]["name"] == "ls"
