"""A stream says the same however the network cuts its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy._speedups.sse import EventParser

from .vectors import CONFIGS, FOLDER, events, fed, provider, read, written_stream

NAMES = [name for name in sorted(CONFIGS) if (FOLDER / name / "stream.sse").exists()]


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
