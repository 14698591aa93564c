"""A stream says the same however the network cuts its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy._speedups.sse import EventParser
from tzproxy.types.content import Text, Thought, ToolCall
from tzproxy.types.model import ProviderChunk

from .services import SERVICES, counts, pieces
from .vectors import CONFIGS, FOLDER, cut, events, fed, frame, frames, provider, read, written_stream

BLOCKS = (
    Thought("Hm, Ærø.", "EqQB"),
    Text("Two calls: 🌧."),
    ToolCall("call_1", "get_weather", '{"city":"Ærø"}'),
    ToolCall("call_2", "get_time", '{"city":"Rome"}'),
)
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


# ---- several calls at once, reasoning, letters of several bytes


def _bytes(name: str, ending: str) -> bytes:
    """Write a service's stream as it travels, with comments between the events and lines that end so."""
    blocks = BLOCKS[:2] if name == "tgi" else BLOCKS
    if name == "aws_sagemaker":
        inner = b"".join(b"data: " + bytes(event) + b"\n\n" for event in _plain(name, blocks))
        parts = [inner[start : start + 100] for start in range(0, len(inner), 100)]
        return b"".join(frame(part, message_type="event", event_type="PayloadPart") for part in parts)
    events = pieces(name, blocks, counts(name))
    if name == "aws_bedrock":
        return b"".join(
            frame(event[0], message_type="event", event_type=event[1])
            for event in events
            if not isinstance(event, bytes)
        )
    lines = [f": still there{ending}data: {event.decode()}{ending * 2}" for event in _plain(name, blocks)]
    return "".join(lines).encode()


def _plain(name: str, blocks: tuple[Text | Thought | ToolCall, ...]) -> list[bytes]:
    return [event for event in pieces(name, blocks, counts(name)) if isinstance(event, bytes)]


def _chunks(name: str, parts: list[bytes]) -> list[ProviderChunk]:
    built = provider(name)
    if name in FRAMED:
        return fed(built, cut(built, parts))
    return fed(built, _events(parts))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("name", SERVICES)
def test_every_single_cut_of_calls_and_reasoning(name: str, ending: str) -> None:
    """Cut once, anywhere, or byte by byte, a stream with everything in it gives the same chunks."""
    data = _bytes(name, ending)
    whole = _chunks(name, [data])
    assert whole == fed(provider(name), pieces(name, BLOCKS[:2] if name == "tgi" else BLOCKS, counts(name)))
    for position in range(len(data) + 1):
        assert _chunks(name, [data[:position], data[position:]]) == whole
    assert _chunks(name, [data[index : index + 1] for index in range(len(data))]) == whole


@settings(deadline=None, derandomize=True, max_examples=80)
@given(st.sampled_from(SERVICES), st.lists(st.integers(0, 6000), max_size=12))
def test_random_cuts_of_calls_and_reasoning(name: str, cuts: list[int]) -> None:
    """Cut anywhere, any number of times, the chunks are the same."""
    data = _bytes(name, "\n")
    places = [0, *sorted(place % (len(data) + 1) for place in cuts), len(data)]
    parts = [data[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert _chunks(name, parts) == _chunks(name, [data])
