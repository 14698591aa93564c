"""Tests of `tzproxy.optimization.chat_rows`."""

from __future__ import annotations

import msgspec
import pytest

from optimization.samples import CONVERSATION, WEATHER, called, sample, text
from tzproxy.optimization.chat_rows import ChatLines, check_single_calls, written_lines
from tzproxy.optimization.samples import InvalidSampleError
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.errors import ProviderError


def written(value: object) -> object:
    """Return what a value is on the wire."""
    return msgspec.json.decode(msgspec.json.encode(value))


@pytest.mark.parametrize(
    ("row", "field"),
    [(rows.OPENAI, "reasoning_content"), (rows.FIREWORKS, "reasoning_content"), (rows.TOGETHER, "reasoning")],
)
def test_thoughts_go_where_the_provider_has_them(row: ChatRow, field: str) -> None:
    """In histories, and in what is learnt."""
    lines = ChatLines(row, "m")
    assert written(lines.history(sample(messages=CONVERSATION))[1])[field] == "hm"  # type: ignore[index]
    thought = {"type": "thought", "text": "so"}
    (target,) = lines.target(sample(output=[thought, *text("a")]))
    assert written(target) == {"role": "assistant", "content": "a", field: "so"}


def test_targets() -> None:
    """Several texts are parts, calls are calls."""
    lines = ChatLines(rows.OPENAI, "m")
    (texts,) = lines.target(sample(output=[*text("a"), *text("b")]))
    assert written(texts) == {"role": "assistant", "content": [*text("a"), *text("b")]}
    (call,) = lines.target(sample(output=[called("weather", '{"a":1}')]))
    function = {"name": "weather", "arguments": '{"a":1}'}
    assert written(call) == {
        "role": "assistant",
        "tool_calls": [{"id": "c9", "type": "function", "function": function}],
    }


@pytest.mark.parametrize("output", [None, [], [{"type": "thought", "text": "so"}]])
def test_nothing_to_learn(output: object) -> None:
    """A sample without an answer is refused."""
    with pytest.raises(InvalidSampleError):
        ChatLines(rows.OPENAI, "m").target(sample(output=output))


def test_strictness_is_said_where_it_may_be() -> None:
    """Together alone takes it."""
    one = sample(tools=[WEATHER])
    assert b"strict" not in bytes(ChatLines(rows.OPENAI, "m").tools(one) or b"")
    assert b'"strict":true' in bytes(ChatLines(rows.TOGETHER, "m", strict_tools=True).tools(one) or b"")


def test_parallel_calls_can_be_refused() -> None:
    """In the provider's name."""
    check_single_calls(sample(parallel=False), "Together")
    with pytest.raises(InvalidSampleError, match="Parallel tool calls are not supported for Together"):
        check_single_calls(sample(parallel=True), "Together")


async def test_lines_end() -> None:
    """Each with a line feed, also the last of many."""
    data = await written_lines([sample(str(n)) for n in range(130)], lambda one: {"q": one.has_output})
    assert data == b'{"q":true}\n' * 130


def test_what_the_protocol_cannot_express() -> None:
    """The error names it."""
    turns = [{"role": "user", "content": [{"type": "tool_call", "id": "c", "name": "n", "arguments": "{}"}]}]
    with pytest.raises(ProviderError, match="Tool calls are not supported in user messages"):
        ChatLines(rows.OPENAI, "m").history(sample(messages=turns))
