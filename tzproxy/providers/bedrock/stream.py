"""Streams of Bedrock's Converse API: events to chunks. Hot: one call per event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET

from tzproxy.providers.aws.frames import EXCEPTION
from tzproxy.providers.bedrock.request import DISPLAY, TYPE
from tzproxy.providers.bedrock.response import finish_reason, read_usage
from tzproxy.providers.bedrock.wire import DeltaEvent, MetadataEvent, StartEvent, StopEvent
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.prefill import opened
from tzproxy.providers.unreadable import UNREADABLE, reason_for
from tzproxy.types.content import Chunk, TextChunk, ThoughtChunk, ToolCallChunk
from tzproxy.types.model import ProviderChunk

logger = logging.getLogger(__name__)

_START = msgspec.json.Decoder(StartEvent).decode
_DELTA = msgspec.json.Decoder(DeltaEvent).decode
_STOP = msgspec.json.Decoder(StopEvent).decode
_METADATA = msgspec.json.Decoder(MetadataEvent).decode


class ConverseStream:
    """The parser of one stream. It ends with the body, or with an exception."""

    __slots__ = ("_call_id", "_is_to_open", "done")

    def __init__(self, *, prefilled: bool = False) -> None:
        self.done = False
        self._is_to_open = prefilled
        self._call_id: str | None = None

    def feed(self, data: bytes, event: str = "") -> ProviderChunk | None:
        """Translate one event.

        Raises:
            ProviderError: when the event cannot be read (the stream goes on) or is an exception (it ends).
        """
        read = _READERS.get(event)
        if read is None:
            if event.startswith(EXCEPTION):
                self.done = True
                name = event.removeprefix(EXCEPTION)
                raise self._failure(f"{DISPLAY} streaming exception: {name}", data)
            logger.warning("Skipped an event of unknown type in a stream of %s: %s", DISPLAY, event)
            return None
        try:
            chunk = read(self, data)
        except UNREADABLE as exc:
            raise self._failure(f"Error parsing response from {DISPLAY}: {reason_for(exc)}", data) from exc
        if self._is_to_open and chunk is not None:
            self._is_to_open = False
            return opened(chunk)
        return chunk

    def _nothing(self, data: bytes) -> None:
        return None

    def _started(self, data: bytes) -> ProviderChunk | None:
        call = _START(data).start.tool_use
        if call is None:
            logger.warning("Skipped the start of a block of unknown type in a stream of %s", DISPLAY)
            return None
        self._call_id = call.tool_use_id
        return _chunk(ToolCallChunk(call.tool_use_id, call.name, ""))

    def _piece(self, data: bytes) -> ProviderChunk | None:
        event = _DELTA(data)
        delta = event.delta
        if delta.text is not None:
            return _chunk(TextChunk(str(event.content_block_index), delta.text))
        if delta.tool_use is not None:
            if self._call_id is None:
                raise self._failure("Got tool use delta without current tool id", data)
            return _chunk(ToolCallChunk(self._call_id, "", delta.tool_use.input))
        reasoning = delta.reasoning_content
        if reasoning is not None and (reasoning.text is not None or reasoning.signature is not None):
            block_id = str(event.content_block_index)
            return _chunk(ThoughtChunk(block_id, reasoning.text, reasoning.signature, None, None, TYPE))
        logger.warning("Skipped a piece of unknown type in a stream of %s", DISPLAY)
        return None

    def _stopped(self, data: bytes) -> ProviderChunk:
        return ProviderChunk(content=[], finish_reason=finish_reason(_STOP(data).stop_reason))

    def _metadata(self, data: bytes) -> ProviderChunk | None:
        raw = _METADATA(data).usage
        if raw is UNSET or bytes(raw) == b"null":
            return None
        return ProviderChunk(content=[], usage=read_usage(raw), raw_usage=raw)

    def _failure(self, message: str, data: bytes) -> ProviderError:
        return server_error(TYPE, message, raw_response=data.decode("utf-8", "replace"))


def _chunk(content: Chunk) -> ProviderChunk:
    return ProviderChunk(content=[content])


_READERS: Mapping[str, Callable[[ConverseStream, bytes], ProviderChunk | None]] = {
    "messageStart": ConverseStream._nothing,
    "contentBlockStart": ConverseStream._started,
    "contentBlockDelta": ConverseStream._piece,
    "contentBlockStop": ConverseStream._nothing,
    "messageStop": ConverseStream._stopped,
    "metadata": ConverseStream._metadata,
}
