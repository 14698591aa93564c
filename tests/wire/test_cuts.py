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
    """Cut once, anywhere, the events are the same."""
    data = (FOLDER / name / "stream.sse").read_bytes() + b"\n"
    whole = events(data.decode())
    for position in range(len(data) + 1):
        assert _events([data[:position], data[position:]]) == whole
    assert _events([data[index : index + 1] for index in range(len(data))]) == whole


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
    """Frames cut once, anywhere, or byte by byte, are the same events."""
    built = provider(name)
    data = frames(read(name, "stream.frames"))
    whole = cut(built, [data])
    for position in range(len(data) + 1):
        assert cut(built, [data[:position], data[position:]]) == whole
    assert cut(built, [data[index : index + 1] for index in range(len(data))]) == whole
    assert written_stream(fed(built, whole)) == read(name, "stream_result.txt")


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.sampled_from(FRAMED), st.lists(st.integers(0, 2000), max_size=12))
def test_random_cuts_of_frames(name: str, cuts: list[int]) -> None:
    """Frames cut anywhere, any number of times, say the same."""
    built = provider(name)
    data = frames(read(name, "stream.frames"))
    places = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert written_stream(fed(built, cut(built, pieces))) == read(name, "stream_result.txt")
