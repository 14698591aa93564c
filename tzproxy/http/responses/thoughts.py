"""Reasoning on its way to a client and back, without losing where it came from. Hot.

The agents' protocols give reasoning a readable text and one opaque string, which clients send back as they
got it. A seal is such a string: it holds the provider's signature and what the engine must know to show the
thought to the right provider again. A string that is no seal is a provider's own signature.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.types.content import SummaryText, Thought, ThoughtChunk
from tzproxy.types.request import ThoughtInput

PREFIX = "tz1."
ENCODER = msgspec.json.Encoder()


class Seal(Struct, frozen=True, omit_defaults=True):
    """What the readable part of a thought does not say. `shown`: which part of the thought that is."""

    shown: Literal["text", "summary", "nothing"]
    signature: str | None = None
    provider_type: str | None = None
    extra_data: Raw | UnsetType = UNSET


SEAL = msgspec.json.Decoder(Seal)


class ThoughtParts:
    """A thought taken apart into paragraphs; pieces are added as they come. Text comes before summaries."""

    __slots__ = ("_extra_data", "_provider_type", "_signatures", "_summaries", "_texts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._signatures: list[str] = []
        self._summaries: dict[str, list[str]] = {}
        self._provider_type: str | None = None
        self._extra_data: Raw | None = None

    @classmethod
    def of(cls, thought: Thought) -> ThoughtParts:
        """Take a whole thought apart."""
        parts = cls()
        parts._texts = [thought.text] if thought.text else []
        parts._signatures = [thought.signature] if thought.signature else []
        parts._summaries = {str(index): [entry.text] for index, entry in enumerate(thought.summary or ())}
        parts._provider_type = thought.provider_type
        parts._extra_data = thought.extra_data
        return parts

    def add(self, piece: ThoughtChunk) -> tuple[str, str] | None:
        """Take in a piece; return the paragraph it continues (empty: the text) and what it adds to it."""
        self._provider_type = piece.provider_type or self._provider_type
        self._extra_data = piece.extra_data or self._extra_data
        if piece.signature:
            self._signatures.append(piece.signature)
        if piece.summary_text and piece.summary_id is not None:
            self._summaries.setdefault(piece.summary_id, []).append(piece.summary_text)
            return f"s{piece.summary_id}", piece.summary_text
        if piece.text:
            self._texts.append(piece.text)
            return "", piece.text
        return None

    @property
    def signature(self) -> str | None:
        """The provider's own signature."""
        return "".join(self._signatures) or None

    @property
    def is_plain(self) -> bool:
        """Whether text and signature say everything."""
        return self._provider_type is None and self._extra_data is None and not self._summaries

    def paragraphs(self) -> list[str]:
        """Return what can be read."""
        text = "".join(self._texts)
        summaries = ["".join(parts) for parts in self._summaries.values()]
        return [text, *summaries] if text else summaries

    def sealed(self) -> str:
        """Return the opaque string."""
        shown: Literal["text", "summary", "nothing"] = "nothing"
        if self._summaries:
            shown = "summary"
        elif self._texts:
            shown = "text"
        extra = UNSET if self._extra_data is None else self._extra_data
        seal = Seal(shown, self.signature, self._provider_type, extra)
        return PREFIX + urlsafe_b64encode(ENCODER.encode(seal)).decode()


def opened(opaque: str) -> Seal | None:
    """Open a seal; None for a string that is none."""
    if not opaque.startswith(PREFIX):
        return None
    try:
        return SEAL.decode(urlsafe_b64decode(opaque[len(PREFIX) :]))
    except (ValueError, msgspec.DecodeError):
        return None


def restored(seal: Seal, paragraphs: list[str]) -> ThoughtInput:
    """Put a thought together again."""
    as_text = seal.shown == "text" and bool(paragraphs)
    summary = None
    if seal.shown == "summary" and paragraphs:
        summary = [SummaryText(paragraph) for paragraph in paragraphs]
    return ThoughtInput(
        text="".join(paragraphs) if as_text else None,
        signature=seal.signature,
        summary=summary,
        provider_type=seal.provider_type,
        extra_data=seal.extra_data,
    )
