"""Reasoning that services leave between `<think>` and `</think>` in the text. Hot. Pure."""

from __future__ import annotations

from enum import IntEnum

OPENING = "<think>"
CLOSING = "</think>"


class ThinkTagError(ValueError):
    """The tags do not pair up. The text is the failure's message."""


def split_think_tags(text: str) -> tuple[str | None, str]:
    """Split a whole text into the reasoning between the tags and everything around them, untrimmed.

    Raises:
        ThinkTagError: when there is more than one pair, or a tag is alone.
    """
    opened = text.count(OPENING)
    if opened > 1:
        raise ThinkTagError("Multiple thinking blocks found")
    if opened != text.count(CLOSING):
        raise ThinkTagError("Mismatched thinking tags")
    if not opened:
        return None, text
    before, _, rest = text.partition(OPENING)
    thought, closed, after = rest.partition(CLOSING)
    if not closed:
        raise ThinkTagError("Mismatched thinking tags")
    return thought, before + after


class Thinking(IntEnum):
    """Where in a stream the text is. The value is the id of the block that takes it."""

    BEFORE = 0
    INSIDE = 1
    AFTER = 2


def next_state(state: Thinking, text: str) -> Thinking:
    """Return the state after a piece of text. A piece that changes it is not part of any block.

    Raises:
        ThinkTagError: when a tag comes out of turn.
    """
    opens, closes = OPENING in text, CLOSING in text
    if not opens and not closes:
        return state
    if state is Thinking.AFTER:
        raise ThinkTagError("Found thinking tags after thinking finished")
    if state is Thinking.BEFORE:
        if opens:
            return Thinking.INSIDE
        raise ThinkTagError("Found </think> while not thinking")
    if closes:
        return Thinking.AFTER
    raise ThinkTagError("Found <think> while already thinking")
