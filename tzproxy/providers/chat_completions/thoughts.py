"""Reasoning in and out of the chat-completions wire: one function per habit, picked by a row. Hot.

Writers turn thoughts of earlier turns into the assistant message's fields; readers turn a model's
message, or a piece of it, into thoughts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Raw, Struct

from tzproxy.providers.chat_completions.wire import (
    Delta,
    DetailedDelta,
    DetailedMessageIn,
    DetailEncrypted,
    DetailIn,
    DetailSummary,
    MessageIn,
    ReasoningDetail,
)
from tzproxy.providers.errors import refused
from tzproxy.types.content import SummaryText, Thought, ThoughtChunk

logger = logging.getLogger(__name__)

FIELD_FORMAT = Raw(b'{"reasoning_format":"reasoning_field"}')
TAGS_FORMAT = Raw(b'{"reasoning_format":"think_tags"}')


class ReplayedThoughts(Struct, gc=False):
    """What an assistant message says of earlier reasoning. `tagged` goes first in the content."""

    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    tagged: str | None = None


ThoughtWriter = Callable[[Sequence[Thought]], ReplayedThoughts]
MessageThoughts = Callable[[MessageIn], list[Thought]]
DeltaThoughts = Callable[[Delta], list[ThoughtChunk]]


class _Extra(Struct, gc=False):
    """The parts of a thought's `extra_data` that this protocol knows."""

    reasoning_format: str | None = None
    format: str | None = None
    encrypted: bool | None = None


_EXTRA = msgspec.json.Decoder(_Extra)
_ENCODER = msgspec.json.Encoder()


def _extra_of(thought: Thought) -> _Extra:
    if thought.extra_data is None:
        return _Extra()
    try:
        return _EXTRA.decode(thought.extra_data)
    except msgspec.MsgspecError:
        return _Extra()


# ---- writers


def _joined(thoughts: Sequence[Thought]) -> str | None:
    texts = [thought.text for thought in thoughts if thought.text is not None]
    return "\n\n".join(texts) if texts else None


def write_reasoning_content(thoughts: Sequence[Thought]) -> ReplayedThoughts:
    """Send the texts back as `reasoning_content`."""
    return ReplayedThoughts(reasoning_content=_joined(thoughts))


def write_reasoning(thoughts: Sequence[Thought]) -> ReplayedThoughts:
    """Send the texts back as `reasoning`."""
    return ReplayedThoughts(reasoning=_joined(thoughts))


def drop_thoughts(thoughts: Sequence[Thought]) -> ReplayedThoughts:
    """Send nothing back."""
    logger.warning("Dropped %d thought(s): this provider takes none back", len(thoughts))
    return ReplayedThoughts()


def write_by_format(field: str) -> ThoughtWriter:
    """Make the writer that sends each thought back in the form it came in: `field`, or think tags."""

    def write(thoughts: Sequence[Thought]) -> ReplayedThoughts:
        plain, tagged = [], []
        for thought in thoughts:
            form = _extra_of(thought).reasoning_format
            if form is None or form == "reasoning_field":
                plain.append(thought)
            elif form == "think_tags":
                tagged.append(thought)
            else:
                raise refused(f"Unknown `reasoning_format` value in thought `extra_data`: `{form}`")
        replayed = ReplayedThoughts()
        setattr(replayed, field, _joined(plain))
        text = _joined(tagged)
        if text is not None:
            replayed.tagged = f"<think>{text}</think>"
        return replayed

    return write


def write_details(thoughts: Sequence[Thought]) -> ReplayedThoughts:
    """Send OpenRouter's own thoughts back as reasoning details; all others stay out."""
    details: list[ReasoningDetail] = []
    for thought in thoughts:
        if thought.provider_type != "openrouter":
            logger.warning("Dropped a thought that did not come from OpenRouter")
            continue
        extra = _extra_of(thought)
        if extra.encrypted and thought.signature is not None:
            details.append(
                ReasoningDetail("reasoning.encrypted", data=thought.signature, format=extra.format or "raw")
            )
            continue
        if thought.text is not None or thought.signature is not None:
            details.append(
                ReasoningDetail(
                    "reasoning.text", text=thought.text, signature=thought.signature, format=extra.format
                )
            )
        for summary in thought.summary or ():
            details.append(ReasoningDetail("reasoning.summary", summary=summary.text, format=extra.format))
    return ReplayedThoughts(reasoning_details=details or None)


# ---- readers of whole messages


def read_either(tag: str) -> MessageThoughts:
    """Make the reader of `reasoning`, else `reasoning_content`."""

    def read(message: MessageIn) -> list[Thought]:
        text = message.reasoning
        if text is None:
            text = message.reasoning_content
            if text is None:
                return []
        return [Thought(text, provider_type=tag)]

    return read


def read_reasoning(tag: str) -> MessageThoughts:
    """Make the reader of `reasoning`."""

    def read(message: MessageIn) -> list[Thought]:
        return [] if message.reasoning is None else [Thought(message.reasoning, provider_type=tag)]

    return read


def read_reasoning_content(tag: str, extra_data: Raw | None = None) -> MessageThoughts:
    """Make the reader of `reasoning_content`."""

    def read(message: MessageIn) -> list[Thought]:
        text = message.reasoning_content
        return [] if text is None else [Thought(text, provider_type=tag, extra_data=extra_data)]

    return read


def read_aliased(tag: str, extra_data: Raw | None = None) -> MessageThoughts:
    """Make the reader of one field with two names.

    The reader raises ValueError when both are there.
    """

    def read(message: MessageIn) -> list[Thought]:
        text = message.reasoning
        if message.reasoning_content is not None:
            if text is not None:
                raise ValueError("duplicate field `reasoning`")
            text = message.reasoning_content
        return [] if text is None else [Thought(text, provider_type=tag, extra_data=extra_data)]

    return read


def read_nothing(message: MessageIn) -> list[Thought]:
    """Read a service that sends no reasoning."""
    return []


def read_details(message: DetailedMessageIn) -> list[Thought]:
    """Read OpenRouter's reasoning details, one thought each."""
    if message.reasoning_details is None:
        return []
    thoughts = []
    for detail in message.reasoning_details:
        extra = _detail_extra(detail)
        if isinstance(detail, DetailSummary):
            thoughts.append(
                Thought(
                    None, summary=[SummaryText(detail.summary)], provider_type="openrouter", extra_data=extra
                )
            )
        elif isinstance(detail, DetailEncrypted):
            thoughts.append(Thought(None, detail.data, provider_type="openrouter", extra_data=extra))
        else:
            thoughts.append(
                Thought(detail.text, detail.signature, provider_type="openrouter", extra_data=extra)
            )
    return thoughts


def _detail_extra(detail: DetailIn) -> Raw | None:
    extra: dict[str, object] = {}
    if detail.format is not None:
        extra["format"] = detail.format
    if isinstance(detail, DetailEncrypted):
        extra["encrypted"] = True
    return Raw(_ENCODER.encode(extra)) if extra else None


# ---- readers of streamed pieces


def delta_either(tag: str, chunk_id: str) -> DeltaThoughts:
    """Make the reader of pieces in `reasoning`, else `reasoning_content`."""

    def read(delta: Delta) -> list[ThoughtChunk]:
        text = delta.reasoning
        if text is None:
            text = delta.reasoning_content
            if text is None:
                return []
        return [ThoughtChunk(chunk_id, text, None, None, None, tag)]

    return read


def delta_reasoning(tag: str, chunk_id: str) -> DeltaThoughts:
    """Make the reader of pieces in `reasoning`."""

    def read(delta: Delta) -> list[ThoughtChunk]:
        text = delta.reasoning
        return [] if text is None else [ThoughtChunk(chunk_id, text, None, None, None, tag)]

    return read


def delta_reasoning_content(tag: str, chunk_id: str, extra_data: Raw | None = None) -> DeltaThoughts:
    """Make the reader of pieces in `reasoning_content`."""

    def read(delta: Delta) -> list[ThoughtChunk]:
        text = delta.reasoning_content
        return [] if text is None else [ThoughtChunk(chunk_id, text, None, None, None, tag, extra_data)]

    return read


def delta_aliased(tag: str, chunk_id: str, extra_data: Raw | None = None) -> DeltaThoughts:
    """Make the reader of pieces of one field with two names.

    The reader raises ValueError when both are there.
    """

    def read(delta: Delta) -> list[ThoughtChunk]:
        text = delta.reasoning
        if delta.reasoning_content is not None:
            if text is not None:
                raise ValueError("duplicate field `reasoning`")
            text = delta.reasoning_content
        return [] if text is None else [ThoughtChunk(chunk_id, text, None, None, None, tag, extra_data)]

    return read


def delta_nothing(delta: Delta) -> list[ThoughtChunk]:
    """Read a service that streams no reasoning."""
    return []


def delta_details(delta: DetailedDelta) -> list[ThoughtChunk]:
    """Read OpenRouter's streamed reasoning details; without an index the position counts."""
    if delta.reasoning_details is None:
        return []
    chunks = []
    for position, detail in enumerate(delta.reasoning_details):
        chunk_id = str(position if detail.index is None else detail.index)
        extra = _detail_extra(detail)
        if isinstance(detail, DetailSummary):
            chunk = ThoughtChunk(chunk_id, None, None, chunk_id, detail.summary, "openrouter", extra)
        elif isinstance(detail, DetailEncrypted):
            chunk = ThoughtChunk(chunk_id, None, detail.data, None, None, "openrouter", extra)
        else:
            chunk = ThoughtChunk(chunk_id, detail.text, detail.signature, None, None, "openrouter", extra)
        chunks.append(chunk)
    return chunks
