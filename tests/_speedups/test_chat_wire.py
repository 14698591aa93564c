"""Tests of `tzproxy._speedups.chat_wire`: the usual line, and that all else is left to what is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import Struct, structs

from tzproxy._speedups.chat_wire import MessageBuilder
from tzproxy.providers.chat_completions.provider import ChatBodies
from tzproxy.providers.chat_completions.response import parse_response
from tzproxy.providers.chat_completions.rows import ROWS
from tzproxy.providers.chat_completions.usage import read_cached
from tzproxy.providers.chat_completions.wire import (
    AssistantMessage,
    CachedTokens,
    SystemMessage,
    UsageIn,
    UserMessage,
)
from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Message, ModelBlock, Text, Thought, ToolCall
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams
from tzproxy.types.usage import Usage

TURNS = [Message("user", [Text("a")]), Message("assistant", [Text("b")])]


class NoHeaders:
    """Headers of an answer that has none."""

    def get(self, name: str) -> str | None:
        """Find nothing."""
        return None


class Rules(Struct, kw_only=True):
    """The rules that are read here."""

    parts_always: bool = False
    system_as_user: bool = False
    merge: Any = None


def build(messages: Sequence[Any], system: str | None = None, **rules: Any) -> list[Any]:
    """Build messages; turns that are not one text are kept as they come."""

    def add_turn(rules: Rules, out: list[Any], role: str, blocks: Sequence[ModelBlock]) -> None:
        out.append((role, list(blocks)))

    builder = MessageBuilder(
        rules=Rules,
        message=Message,
        text=Text,
        system=SystemMessage,
        user=UserMessage,
        assistant=AssistantMessage,
        add_turn=add_turn,
    )
    return builder.build(Rules(**rules), system, messages)


def test_turns_of_one_text() -> None:
    """Each becomes the message of its role, the system text stands before them."""
    assert build(TURNS, "s") == [SystemMessage("s"), UserMessage("a"), AssistantMessage("b")]
    assert build(TURNS) == [UserMessage("a"), AssistantMessage("b")]
    assert build([], "s", system_as_user=True) == [UserMessage("s")]


def test_other_turns_keep_their_place() -> None:
    """What is not one text is written by the function given, between the others."""
    call = ToolCall("1", "f", "{}")
    turns = [*TURNS, Message("assistant", [call]), Message("user", []), TURNS[0]]
    assert build(turns)[2:] == [("assistant", [call]), ("user", []), UserMessage("a")]
    assert build(TURNS[:1], parts_always=True) == [("user", [Text("a")])]


def test_merge_has_the_last_word() -> None:
    """A rule may change the finished list."""
    assert build(TURNS, merge=lambda messages: messages[::-1]) == [AssistantMessage("b"), UserMessage("a")]


def test_turns_of_another_type_are_read_by_name() -> None:
    """A place is that of one type: an object of another is not read at it."""

    class Turn(Struct):
        content: list[ModelBlock]
        before: str
        role: str

    assert build([Turn([Text("a")], "x", "assistant")]) == [AssistantMessage("a")]
    with pytest.raises(AttributeError, match="role"):
        build([object()])


def test_types_without_places_are_refused() -> None:
    """A type whose fields have no place is found when the module is loaded."""

    class Loose:
        parts_always = property(lambda self: False)

    with pytest.raises(TypeError, match="parts_always"):
        MessageBuilder(
            rules=Loose,
            message=Message,
            text=Text,
            system=SystemMessage,
            user=UserMessage,
            assistant=AssistantMessage,
            add_turn=lambda rules, out, role, blocks: None,
        )


def test_bodies_follow_the_parameters() -> None:
    """What is known of parameters is known of those alone, whatever order requests come in."""
    write = ChatBodies(ROWS["openai"], "m").write
    head = b'{"messages":[{"role":"user","content":"a"}],"model":"m"'
    none, warm = ChatParams(), ChatParams(temperature=0.5)
    for params in (none, warm, none, ChatParams(), warm, ChatParams(temperature=1.0), none):
        written = write(ModelRequest(inference_id="i", messages=TURNS[:1], params=params))
        given = b"" if params.temperature is None else b',"temperature":%.1f' % params.temperature
        assert written == head + given + b',"stream":false}'
    streamed = write(ModelRequest(inference_id="i", messages=TURNS[:1], stream=True))
    assert streamed == head + b',"stream":true,"stream_options":{"include_usage":true}}'


def test_usage() -> None:
    """Counts may be missing, each by itself."""
    assert read_cached(UsageIn(3, None)) == Usage(3, None)
    assert read_cached(UsageIn(3, 5, CachedTokens(2))) == Usage(3, 5, 2)
    assert read_cached(UsageIn(3, 5, CachedTokens())) == Usage(3, 5)


def answer(message: str, rest: str = ',"usage":{"prompt_tokens":3,"completion_tokens":5}') -> bytes:
    """Write an answer around a message."""
    choice = f'{{"index":0,"finish_reason":"stop","message":{message}}}'
    return f'{{"choices":[{choice}]{rest}}}'.encode()


@pytest.mark.parametrize("name", ["openai", "openrouter", "mistral", "tgi"])
def test_an_answer_of_one_text(name: str) -> None:
    """Whatever type a service's messages have, text, usage and finish reason are found."""
    response = parse_response(ROWS[name], answer('{"content":"Hi"}'), NoHeaders())
    assert response.output == [Text("Hi")]
    assert (response.usage, response.finish_reason) == (Usage(3, 5), "stop")
    assert response.raw_usage is not None
    assert bytes(response.raw_usage) == b'{"prompt_tokens":3,"completion_tokens":5}'


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_stands_before_the_text(field: str) -> None:
    """Either field makes an answer one with thoughts."""
    body = answer(f'{{"content":"Hi","{field}":"Hm"}}')
    output = parse_response(ROWS["openai"], body, NoHeaders()).output
    assert output == [Thought("Hm", provider_type="openai"), Text("Hi")]


def test_failures_name_their_cause() -> None:
    """What reading raises is the cause of the error that the client sees; other errors pass."""
    with pytest.raises(ProviderError, match="choices") as caught:
        parse_response(ROWS["openai"], b"{}", NoHeaders())
    assert caught.value.__cause__ is not None

    def broken(body: bytes) -> Any:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        parse_response(structs.replace(ROWS["openai"], decode=broken), b"{}", NoHeaders())
