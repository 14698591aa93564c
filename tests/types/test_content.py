"""Tests of `tzproxy.types.content`: what was written is read again."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from tzproxy.types.content import Chunk, ModelOutput, Thought, ThoughtChunk


@pytest.mark.parametrize("extra", [None, Raw(b'{"format":"x"}'), Raw(b'"text"'), Raw(b"[1]")])
def test_thoughts_are_read_as_written(extra: Raw | None) -> None:
    """A provider's own data of a thought, of any kind, comes back from stored outputs and streams."""
    whole = Thought("hm", None, None, "together", extra)
    assert msgspec.json.decode(msgspec.json.encode([whole]), type=list[ModelOutput]) == [whole]
    piece = ThoughtChunk("1", "hm", None, None, None, "together", extra)
    assert msgspec.json.decode(msgspec.json.encode([piece]), type=list[Chunk]) == [piece]
