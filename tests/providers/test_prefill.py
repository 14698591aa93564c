from __future__ import annotations

import logging
from typing import Any

import pytest

from tzproxy.providers.prefill import completed, opened
from tzproxy.types.content import Text, TextChunk, Thought, ThoughtChunk
from tzproxy.types.model import ProviderChunk
from tzproxy.types.usage import Usage


def test_completed() -> None:
    """A single text gets its brace; blanks around it go."""
    assert completed([Text('\n"a": 1}\n')]) == [Text('{"a": 1}')]


@pytest.mark.parametrize("output", [[], [Text("a"), Text("b")], [Thought("t")]])
def test_not_one_text(output: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """Anything else stays as it is and is complained about."""
    with caplog.at_level(logging.ERROR):
        assert completed(output) is output
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], [TextChunk("0", "{")]),
        ([TextChunk("3", ' \n"a" ')], [TextChunk("0", '{"a" ')]),
    ],
)
def test_opened(content: list[Any], expected: list[Any]) -> None:
    """The first piece becomes, or begins with, the brace; what else it says stays."""
    chunk = opened(ProviderChunk(content=content, usage=Usage(1, 2), finish_reason="stop"))
    assert (chunk.content, chunk.usage, chunk.finish_reason) == (expected, Usage(1, 2), "stop")


def test_opened_by_a_thought(caplog: pytest.LogCaptureFixture) -> None:
    """A first piece that is no text stays as it is and is complained about."""
    first = ProviderChunk(content=[ThoughtChunk("0", "t", None, None, None)])
    with caplog.at_level(logging.ERROR):
        assert opened(first) is first
    assert len(caplog.messages) == 1
