"""A stream says the same however the network cuts its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy._speedups.sse import EventParser

from .vectors import CONFIGS, FOLDER, cut, events, fed, frames, provider, read, written_stream

NAMES = [name for name in sorted(CONFIGS) if (FOLDER / name / "stream.sse").exists()]
FRAMED = [name for name in sorted(CONFIGS) if (FOLDER / name / "stream.frames").exists()]


def _events(pieces: list[bytes]) -> list[bytes]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize("name", NAMES)
def test_every_single_cut(name: str) -> None:
    """Cut once, anywhere, or byte by byte, events and chunks are the same."""
    data = (FOLDER / name / "stream.sse").read_bytes() + b"\n"
    whole, built, expected = events(data.decode()), provider(name), read(name, "stream_result.txt")
    splits = [[data[:position], data[position:]] for position in range(len(data) + 1)]
    for split in [*splits, [data[index : index + 1] for index in range(len(data))]]:
        found = _events(split)
        assert found == whole
        assert written_stream(fed(built, found)) == expected


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.sampled_from(NAMES), st.lists(st.integers(0, 6000), max_size=12))
def test_random_cuts(name: str, cuts: list[int]) -> None:
    """Cut anywhere, any number of times, the chunks are the same."""
    data = (FOLDER / name / "stream.sse").read_bytes() + b"\n"
    places = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in zip(places, places[1:], strict=False)]
    chunks = fed(provider(name), _events(pieces))
    assert written_stream(chunks) == read(name, "stream_result.txt")


@pytest.mark.parametrize("name", FRAMED)
def test_every_single_cut_of_frames(name: str) -> None:
    """Frames cut once, anywhere, or byte by byte, are the same events and chunks."""
    built, expected = provider(name), read(name, "stream_result.txt")
    data = frames(read(name, "stream.frames"))
    whole = cut(built, [data])
    splits = [[data[:position], data[position:]] for position in range(len(data) + 1)]
    for split in [*splits, [data[index : index + 1] for index in range(len(data))]]:
        found = cut(built, split)
        assert found == whole
        assert written_stream(fed(built, found)) == expected


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.sampled_from(FRAMED), st.lists(st.integers(0, 2000), max_size=12))
def test_random_cuts_of_frames(name: str, cuts: list[int]) -> None:
    """Frames cut anywhere, any number of times, say the same."""
    built = provider(name)
    data = frames(read(name, "stream.frames"))
    places = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert written_stream(fed(built, cut(built, pieces))) == read(name, "stream_result.txt")
