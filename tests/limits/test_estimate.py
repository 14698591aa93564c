"""Tests of `tzproxy.limits.estimate`: figures that the original gives."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tzproxy.limits.errors import MissingMaxTokensError
from tzproxy.limits.estimate import chat_tokens, embedding_tokens, used_tokens
from tzproxy.types.content import File, Message, ModelBlock, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.embedding import EmbeddingInput
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import AllowedTools, FunctionTool, ToolConfig
from tzproxy.types.usage import Usage


def request(*blocks: ModelBlock, system: str | None = None, max_tokens: int | None = 100) -> ModelRequest:
    """Make a request of one message."""
    return ModelRequest(
        inference_id="i",
        messages=[Message("user", list(blocks))],
        system=system,
        params=ChatParams(max_tokens=max_tokens),
        tool_config=ToolConfig(
            tools=[FunctionTool("d" * 100, Raw(b"{}"), "t" * 100)],
            allowed=AllowedTools([], "function_default"),
        ),
    )


@pytest.mark.parametrize(
    ("blocks", "tokens"),
    [
        ([], 0),
        ([Text("a")], 0),
        ([Text("abc"), Text("abc")], 2),
        ([Text("é" * 100)], 100),
        ([Text("😀" * 10)], 20),
        ([ToolCall("i" * 50, "foo", '{"a":1}')], 4),
        ([ToolResult("foo", "r" * 20, "i" * 50)], 11),
        ([Thought("t" * 40)], 20),
        ([Thought("t" * 40, "s" * 40)], 40),
        ([File(url="http://h.test/x.png")], 10_000),
        ([Unknown(Raw(b'{"x":"yyyyyyyyyyyyyyyyyy"}'))], 0),
    ],
)
def test_half_the_bytes_of_each_text(blocks: list[ModelBlock], tokens: int) -> None:
    """Rounded down for each; a file counts as ten thousand; the answer's tokens come on top."""
    assert chat_tokens(request(*blocks)) == tokens + 100


def test_the_system_text_counts() -> None:
    """As any other text; the description of tools does not."""
    assert chat_tokens(request(Text("abcd"), system="x" * 10)) == 107


def test_a_lone_surrogate_does_not_hurt() -> None:
    """It has come from a JSON escape."""
    assert chat_tokens(request(Text("\ud800\ud800"))) == 101


def test_max_tokens_is_needed() -> None:
    """Nobody knows how long the answer becomes."""
    with pytest.raises(MissingMaxTokensError):
        chat_tokens(request(max_tokens=None))


@pytest.mark.parametrize(
    ("given", "tokens"), [("x" * 9, 4), (["abcd", "ef", "ghi"], 4), ([1, 2, 3], 3), ([[1, 2], [3]], 3)]
)
def test_embeddings_answer_with_no_tokens(given: EmbeddingInput, tokens: int) -> None:
    """Texts count half their bytes, token ids count as they are."""
    assert embedding_tokens(given) == tokens


def test_usage_must_be_whole() -> None:
    """Half of it says nothing."""
    assert used_tokens(Usage(3, 4)) == 7
    assert used_tokens(Usage(3, None)) is None
    assert used_tokens(Usage(None, 4)) is None
    assert used_tokens(None) is None
