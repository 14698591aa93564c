"""The binary event stream of AWS: bytes to events. Hot. Knows no loop and no provider.

    total length u32, header length u32, CRC of these 8 bytes u32, headers, payload, CRC of all before u32

Source: AWS documentation, "Amazon event stream encoding"; all numbers are big-endian.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import NamedTuple
from zlib import crc32

from tzproxy._speedups.sse import EventParser
from tzproxy.errors import UpstreamProtocolError
from tzproxy.providers.protocol import WireEvent

MAX_FRAME_BYTES = 24 * 1024 * 1024
EXCEPTION = "exception "
"""Begins the name of an event that tells of a failure."""

_PRELUDE = Struct("!III")
_U32 = Struct("!I")
_U16 = Struct("!H")
_STRING = 7
# Sizes of header values by their type; None: a length comes first.
_SIZES: dict[int, int | None] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 6: None, 7: None, 8: 8, 9: 16}
_FRAMING = 16


class FrameError(ValueError):
    """The bytes are no event stream."""


class Frame(NamedTuple):
    """One message: its text headers and its payload."""

    headers: dict[str, str]
    payload: bytes


class FrameParser:
    """Cuts a stream into frames, whatever pieces it arrives in."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """How many bytes of an incomplete frame are held."""
        return len(self._buffer)

    def end(self) -> None:
        """Note that no more will come.

        Raises:
            FrameError: when a frame is incomplete.
        """
        if self._buffer:
            raise FrameError("the stream ends within a frame")

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are complete by now; the rest is kept.

        Raises:
            FrameError: when a checksum or a length is wrong.
        """
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        start = 0
        while len(buffer) - start >= _PRELUDE.size:
            total, header_size, checksum = _PRELUDE.unpack_from(buffer, start)
            if crc32(buffer[start : start + 8]) != checksum:
                raise FrameError("the checksum of a frame's prelude is wrong")
            if not _FRAMING + header_size <= total <= MAX_FRAME_BYTES:
                raise FrameError("a frame has impossible lengths")
            if len(buffer) - start < total:
                break
            frames.append(_frame(bytes(buffer[start : start + total]), header_size))
            start += total
        del buffer[:start]
        return frames


def _frame(data: bytes, header_size: int) -> Frame:
    end = len(data) - 4
    if crc32(data[:end]) != _U32.unpack_from(data, end)[0]:
        raise FrameError("the checksum of a frame is wrong")
    begin = _PRELUDE.size
    return Frame(_headers(data[begin : begin + header_size]), data[begin + header_size : end])


def _headers(data: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    place = 0
    try:
        while place < len(data):
            name_end = place + 1 + data[place]
            name = data[place + 1 : name_end].decode()
            kind = data[name_end]
            size = _SIZES[kind]
            place = name_end + 1
            if size is None:
                size = _U16.unpack_from(data, place)[0]
                place += 2
            value = data[place : place + size]
            if len(value) != size:
                raise FrameError("a header of a frame is cut short")
            if kind == _STRING:
                headers[name] = value.decode()
            place += size
    except (IndexError, KeyError, StructError, UnicodeDecodeError) as exc:
        raise FrameError("the headers of a frame cannot be read") from exc
    return headers


def _event(frame: Frame) -> WireEvent:
    headers = frame.headers
    if headers.get(":message-type", "event") == "event":
        return WireEvent(frame.payload, headers.get(":event-type", ""))
    name = headers.get(":exception-type") or headers.get(":error-code") or "unknown"
    return WireEvent(frame.payload, EXCEPTION + name)


class FrameEvents:
    """Each frame is an event."""

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        self._frames = FrameParser()

    def feed(self, data: bytes) -> list[WireEvent]:
        """Return the events that are complete by now.

        Raises:
            ValueError: when the bytes are no event stream.
        """
        return [_event(frame) for frame in self._frames.feed(data)]

    def end(self) -> None:
        """Note that no more will come.

        Raises:
            ValueError: when the stream ends within a frame.
        """
        self._frames.end()


class PayloadEvents:
    """The frames carry the pieces of another stream, of server-sent events."""

    __slots__ = ("_events", "_frames")

    def __init__(self) -> None:
        self._frames = FrameParser()
        self._events = EventParser()

    def feed(self, data: bytes) -> list[WireEvent]:
        """Return the inner events that are complete by now, and the frames that tell of a failure.

        Raises:
            ValueError: when the bytes are no event stream.
        """
        events: list[WireEvent] = []
        for frame in self._frames.feed(data):
            event = _event(frame)
            if event.event.startswith(EXCEPTION):
                events.append(event)
            elif event.event == "PayloadPart" and event.data:
                events += [WireEvent(inner) for inner in self._inner(event.data)]
        return events

    def end(self) -> None:
        """Note that no more will come.

        Raises:
            ValueError: when the stream ends within a frame.
        """
        self._frames.end()

    def _inner(self, data: bytes) -> list[bytes]:
        try:
            return self._events.feed(data)
        except UpstreamProtocolError as exc:
            raise FrameError(exc.message) from exc
