"""Tests of `tzproxy.http.responses.thoughts`: what is sealed comes back."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec import Raw

from tzproxy.http.responses.thoughts import PREFIX, ThoughtParts, opened, restored
from tzproxy.types.content import SummaryText, Thought, ThoughtChunk
from tzproxy.types.request import ThoughtInput
from tzproxy.types.request import given as value_of

WORDS = st.none() | st.text(min_size=1, max_size=20)


@for_all(text=WORDS, signature=WORDS, provider=WORDS, extra=st.none() | st.just(Raw(b'{"a":[1]}')))
def test_thoughts_come_back(
    text: str | None, signature: str | None, provider: str | None, extra: Raw | None
) -> None:
    """Text, signature, provider and extra data survive the way to a client and back."""
    parts = ThoughtParts.of(Thought(text, signature, None, provider, extra))
    seal = opened(parts.sealed())
    assert seal is not None
    back = restored(seal, parts.paragraphs())
    assert (back.text, back.signature, back.provider_type) == (text, signature, provider)
    returned = value_of(back.extra_data)
    assert (None if returned is None else bytes(returned)) == (None if extra is None else bytes(extra))


def test_summaries_come_back() -> None:
    """A thought that only has a summary comes back as a summary, by paragraphs."""
    summary = [SummaryText("One"), SummaryText("Two")]
    parts = ThoughtParts.of(Thought(None, "sig", summary, "openai"))
    assert parts.paragraphs() == ["One", "Two"]
    seal = opened(parts.sealed())
    assert seal is not None
    assert restored(seal, ["One", "Two"]) == ThoughtInput(
        signature="sig", summary=summary, provider_type="openai"
    )


def test_pieces_add_up() -> None:
    """Pieces say which paragraph they continue, and come to the whole thought."""
    parts = ThoughtParts()
    told = [
        parts.add(ThoughtChunk("0", "He", None, None, None)),
        parts.add(ThoughtChunk("0", "llo", "si", None, None, "vllm")),
        parts.add(ThoughtChunk("0", None, "g", None, None)),
        parts.add(ThoughtChunk("0", None, None, "0", "Su")),
        parts.add(ThoughtChunk("0", None, None, "0", "m")),
    ]
    assert told == [("", "He"), ("", "llo"), None, ("s0", "Su"), ("s0", "m")]
    assert (parts.paragraphs(), parts.signature, parts.is_plain) == (["Hello", "Sum"], "sig", False)


@pytest.mark.parametrize("text", ["", "EqQBCkYIB", PREFIX, f"{PREFIX}!!!", f"{PREFIX}e30=", f"{PREFIX}é"])
def test_other_strings_are_no_seals(text: str) -> None:
    """A provider's own signature, or a damaged seal, is not opened."""
    assert opened(text) is None


def test_plain_thoughts_need_no_seal() -> None:
    """Text and signature alone say everything."""
    assert ThoughtParts.of(Thought("a", "b")).is_plain
    assert not ThoughtParts.of(Thought("a", "b", None, "vllm")).is_plain
