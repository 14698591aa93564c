"""Tests of `tzproxy._speedups.openai_request`: the usual line, and that all else is left to what is given."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tzproxy._speedups.openai_request import MessageReader, RequestReader
from tzproxy.http.openai.messages import MESSAGES, read_messages
from tzproxy.http.openai.request import decode_request, inference_request
from tzproxy.http.openai.wire import ChatCompletionRequest, OpenAIMessage
from tzproxy.types.params import NO_PARAMS
from tzproxy.types.request import Input, InputMessage

MODEL = "tensorzero::function_name::f"
OPTIONS: dict[str, Any] = {
    "tensorzero::episode_id": "0198aaaa-0000-7000-8000-000000000001",
    "tensorzero::namespace": "n",
    "stream": True,
    "tensorzero::variant_name": "v",
    "tensorzero::dryrun": True,
    "tensorzero::tags": {"a": "b"},
    "parallel_tool_calls": False,
    "tensorzero::provider_tools": [{"tool": {"type": "web_search"}}],
    "tensorzero::credentials": {"key": "k"},
    "tensorzero::include_original_response": True,
    "tensorzero::include_raw_response": True,
    "tensorzero::include_raw_usage": True,
    "tensorzero::extra_body": [{"pointer": "/a", "value": 1}],
    "tensorzero::extra_headers": [{"name": "a", "value": "b"}],
    "tensorzero::internal_dynamic_variant_config": {"type": "chat_completion"},
}


def request(**fields: Any) -> ChatCompletionRequest:
    """Decode a request."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "a"}], **fields}
    return decode_request(msgspec.json.encode(body))


@pytest.mark.parametrize("option", OPTIONS)
def test_what_both_call_the_same_is_copied(option: str) -> None:
    """Each option of the original's own arrives under its name, and nothing else changes."""
    name = option.removeprefix("tensorzero::")
    wire = request(**{option: OPTIONS[option]})
    made, plain = inference_request(wire), inference_request(request())
    assert getattr(made, name) == getattr(wire, name) != getattr(plain, name)
    assert msgspec.structs.replace(made, **{name: getattr(plain, name)}) == plain


def test_a_plain_request() -> None:
    """What is not said is as the native API has it."""
    made = inference_request(request())
    native = {"input": {"messages": [{"role": "user", "content": "a"}]}, "function_name": "f"}
    assert made == msgspec.convert({**native, "params": {"chat_completion": {}}}, type(made))
    assert made.params is NO_PARAMS


def test_other_types_are_refused() -> None:
    """Fields are read where they stand, so the type must be the one that was told."""
    with pytest.raises(TypeError, match="ChatCompletionRequest"):
        inference_request(msgspec.UNSET)  # type: ignore[arg-type]


def test_a_type_with_too_many_fields() -> None:
    """What does not fit is found when the module is loaded."""
    large = msgspec.defstruct("Large", [(f"field_{number}", int, 0) for number in range(41)])
    with pytest.raises(ValueError, match="Large"):
        RequestReader(
            request=ChatCompletionRequest,
            made=large,
            messages=MESSAGES,
            checked=(),
            params=(),
            translated=(),
            targets={},
            no_params=None,
            rare=None,
        )


def test_texts_of_all_roles() -> None:
    """Texts need nothing rare; systems are taken out, the order of turns stays."""
    reader = MessageReader(message=OpenAIMessage, turn=InputMessage, input=Input, rare=None)
    messages = [
        OpenAIMessage("user", "a"),
        OpenAIMessage("system", "s"),
        OpenAIMessage("assistant", "b"),
        OpenAIMessage("user", ""),
    ]
    turns = [InputMessage("user", "a"), InputMessage("assistant", "b"), InputMessage("user", "")]
    assert reader.read(messages) == Input(turns, "s")
    assert reader.read([]) == Input([], None)


def test_tool_answers_are_one_turn_until_somebody_speaks() -> None:
    """Neighbouring answers share a turn, a system text between them parts them."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = {"role": "tool", "tool_call_id": "1", "content": "x"}
    wire = request(
        messages=[
            {"role": "assistant", "tool_calls": [call]},
            answer,
            answer,
            {"role": "developer", "content": "s"},
            answer,
            {"role": "user", "content": "a"},
        ]
    )
    read = read_messages(wire.messages)
    assert [(turn.role, len(turn.content)) for turn in read.messages] == [
        ("assistant", 1),
        ("user", 2),
        ("user", 1),
        ("user", 1),
    ]
    assert read.system == "s"
