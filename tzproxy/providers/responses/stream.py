"""Streams of the Responses API: events to chunks. Hot: one call per event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET, Raw

from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.providers.responses.response import read_usage
from tzproxy.providers.responses.wire import (
    ArgumentsDelta,
    ArgumentsDone,
    EndEvent,
    ErrorEvent,
    FailedEvent,
    ItemEvent,
    Kind,
    ReasoningIn,
    RefusalDelta,
    StartedItem,
    SummaryDelta,
    TextDelta,
)
from tzproxy.providers.unreadable import UNREADABLE, passed_on, reason_for
from tzproxy.types.content import Chunk, TextChunk, ThoughtChunk, ToolCallChunk, UnknownChunk
from tzproxy.types.model import ModelRequest, ProviderChunk
from tzproxy.types.usage import FinishReason

logger = logging.getLogger(__name__)

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode
_KIND = msgspec.json.Decoder(Kind).decode
_TEXT = msgspec.json.Decoder(TextDelta).decode
_SUMMARY = msgspec.json.Decoder(SummaryDelta).decode
_ITEM = msgspec.json.Decoder(ItemEvent).decode
_STARTED = msgspec.json.Decoder(StartedItem).decode
_ARGUMENTS = msgspec.json.Decoder(ArgumentsDelta).decode
_ARGUMENTS_DONE = msgspec.json.Decoder(ArgumentsDone).decode
_END = msgspec.json.Decoder(EndEvent).decode
_REASONING = msgspec.json.Decoder(ReasoningIn).decode
_FAILED = msgspec.json.Decoder(FailedEvent).decode
_ERROR = msgspec.json.Decoder(ErrorEvent).decode
_REFUSAL = msgspec.json.Decoder(RefusalDelta).decode

_SILENT = frozenset(
    {
        "response.created",
        "response.in_progress",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.done",
        "response.reasoning_summary_text.done",
    }
)


class ResponsesStream:
    """The parser of one stream."""

    __slots__ = ("_call_id", "_discards_unknown", "_request", "_spec", "_suffix", "done")

    def __init__(
        self, spec: ProviderSpec, request: ModelRequest, *, suffix: str = "", discards_unknown: bool = False
    ) -> None:
        self.done = False
        self._spec = spec
        self._request = request
        self._suffix = suffix
        self._discards_unknown = discards_unknown
        self._call_id: str | None = None

    def feed(self, data: bytes, event: str = "") -> ProviderChunk | None:
        """Translate one event. What cannot be read is left out with a warning.

        Raises:
            ProviderError: when the event tells of a failure.
        """
        try:
            kind = _KIND(data).type
            read = _READERS.get(kind)
            if read is not None:
                return read(self, data)
            if kind in _SILENT:
                return None
            if kind.startswith("response.refusal."):
                refusal = _REFUSAL(data)
                raise self._end(f"Model refused to respond: {refusal.delta or refusal.refusal or ''}", data)
        except UNREADABLE as exc:
            logger.warning("Skipped an unreadable event of a stream: %s", reason_for(exc))
            return None
        if self._discards_unknown:
            logger.warning("Discarded an event of unknown type in a stream: %s", kind)
            return None
        return _chunk(self._unknown("unknown", Raw(data)))

    def _text(self, data: bytes) -> ProviderChunk:
        piece = _TEXT(data)
        return _chunk(TextChunk(str(piece.content_index), piece.delta))

    def _summary(self, data: bytes) -> ProviderChunk:
        piece = _SUMMARY(data)
        summary_id = str(piece.summary_index)
        block_id = str(piece.output_index)
        return _chunk(ThoughtChunk(block_id, None, None, summary_id, piece.delta, self._spec.type))

    def _item_added(self, data: bytes) -> ProviderChunk | None:
        added = _ITEM(data)
        item = _STARTED(added.item)
        if item.type == "message":
            return None
        if item.type == "function_call":
            if item.id is None or item.name is None:
                raise ValueError("missing field `id`" if item.id is None else "missing field `name`")
            self._call_id = item.id
            return _chunk(ToolCallChunk(item.id, item.name, ""))
        return _chunk(self._unknown(str(added.output_index), added.item))

    def _item_done(self, data: bytes) -> ProviderChunk | None:
        ended = _ITEM(data)
        if _KIND(ended.item).type != "reasoning":
            return None
        return _chunk(self._unknown(str(ended.output_index), ended.item))

    def _arguments(self, data: bytes) -> ProviderChunk:
        piece = _ARGUMENTS(data)
        if self._call_id is None:
            raise self._failure("Got function_call_arguments.delta without current tool id", data)
        return _chunk(ToolCallChunk(self._call_id, "", piece.delta))

    def _arguments_done(self, data: bytes) -> ProviderChunk:
        return _chunk(ToolCallChunk(_ARGUMENTS_DONE(data).item_id, "", ""))

    def _completed(self, data: bytes) -> ProviderChunk:
        response = _END(data).response
        content: list[Chunk] = []
        for position, item in enumerate(response.output):
            if _KIND(item).type == "reasoning":
                signature = _REASONING(item).encrypted_content
                if signature is not None:
                    content.append(ThoughtChunk(str(position), None, signature, None, None, self._spec.type))
        # SPEC: the key alone counts, even with a null; clients of the original know it so.
        reason: FinishReason = "stop" if response.incomplete_details is UNSET else "length"
        usage, raw_usage = read_usage(response.usage)
        self.done = True
        return ProviderChunk(content=content, usage=usage, finish_reason=reason, raw_usage=raw_usage)

    def _incomplete(self, data: bytes) -> ProviderChunk:
        usage, raw_usage = read_usage(_END(data).response.usage)
        self.done = True
        return ProviderChunk(content=[], usage=usage, finish_reason="length", raw_usage=raw_usage)

    def _failed(self, data: bytes) -> ProviderChunk:
        error = _FAILED(data).response.error
        raise self._end((None if error is None else error.message) or "Unknown error", data)

    def _error(self, data: bytes) -> ProviderChunk:
        error = _ERROR(data).error
        raise self._end(_ENCODE(_DECODE(data if error is UNSET else error)).decode(), data)

    def _unknown(self, block_id: str, data: Raw) -> UnknownChunk:
        return UnknownChunk(block_id, passed_on(data), self._request.model_name, self._request.provider_name)

    def _end(self, message: str, data: bytes) -> ProviderError:
        self.done = True
        return self._failure(message, data)

    def _failure(self, message: str, data: bytes) -> ProviderError:
        raw = data.decode("utf-8", "replace")
        return server_error(self._spec.type, f"{message}{self._suffix}", raw_response=raw)


def _chunk(content: Chunk) -> ProviderChunk:
    return ProviderChunk(content=[content])


_READERS: Mapping[str, Callable[[ResponsesStream, bytes], ProviderChunk | None]] = {
    "response.output_text.delta": ResponsesStream._text,
    "response.reasoning_summary_text.delta": ResponsesStream._summary,
    "response.output_item.added": ResponsesStream._item_added,
    "response.output_item.done": ResponsesStream._item_done,
    "response.function_call_arguments.delta": ResponsesStream._arguments,
    "response.function_call_arguments.done": ResponsesStream._arguments_done,
    "response.completed": ResponsesStream._completed,
    "response.incomplete": ResponsesStream._incomplete,
    "response.failed": ResponsesStream._failed,
    "error": ResponsesStream._error,
}
