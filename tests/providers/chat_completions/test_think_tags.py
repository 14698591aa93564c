from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.providers.chat_completions.think_tags import (
    Thinking,
    ThinkTagError,
    next_state,
    split_think_tags,
)

from ..samples import PROPERTY

TAGLESS = st.text(alphabet=st.characters(exclude_characters="<>", codec="utf-8"))


@PROPERTY
@given(TAGLESS, TAGLESS, TAGLESS)
def test_split(before: str, inside: str, after: str) -> None:
    """What is between the tags is the thought, what is around them the text, both untouched."""
    assert split_think_tags(f"{before}<think>{inside}</think>{after}") == (inside, before + after)
    assert split_think_tags(before) == (None, before)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<think>a</think><think>b</think>", "Multiple thinking blocks found"),
        ("<think>a<think>b", "Multiple thinking blocks found"),
        ("<think>a", "Mismatched thinking tags"),
        ("a</think>", "Mismatched thinking tags"),
        ("</think>a<think>", "Mismatched thinking tags"),
    ],
)
def test_bad_tags(text: str, message: str) -> None:
    """Tags that do not pair up are a failure."""
    with pytest.raises(ThinkTagError, match=f"^{message}$"):
        split_think_tags(text)


@pytest.mark.parametrize(
    ("state", "text", "following"),
    [
        (Thinking.BEFORE, "a", Thinking.BEFORE),
        (Thinking.BEFORE, " \n", Thinking.BEFORE),
        (Thinking.BEFORE, "a<think>b", Thinking.INSIDE),
        (Thinking.INSIDE, "b", Thinking.INSIDE),
        (Thinking.INSIDE, "b</think>c", Thinking.AFTER),
        (Thinking.AFTER, "c", Thinking.AFTER),
    ],
)
def test_states(state: Thinking, text: str, following: Thinking) -> None:
    """A tag moves the stream on, anything else does not."""
    assert next_state(state, text) is following


@pytest.mark.parametrize(
    ("state", "text", "message"),
    [
        (Thinking.BEFORE, "</think>", "Found </think> while not thinking"),
        (Thinking.INSIDE, "<think>", "Found <think> while already thinking"),
        (Thinking.AFTER, "<think>", "Found thinking tags after thinking finished"),
        (Thinking.AFTER, "</think>", "Found thinking tags after thinking finished"),
    ],
)
def test_tags_out_of_turn(state: Thinking, text: str, message: str) -> None:
    """A tag out of turn is a failure."""
    with pytest.raises(ThinkTagError, match=f"^{message}$"):
        next_state(state, text)
