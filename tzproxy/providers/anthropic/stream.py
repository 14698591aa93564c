"""Streams of Anthropic's messages protocol: events to chunks. Hot: one call per event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tzproxy.providers.anthropic.request import is_prefilled
from tzproxy.providers.anthropic.response import finish_reason, read_block, read_usage
from tzproxy.providers.anthropic.rules import Rules
from tzproxy.providers.anthropic.wire import (
    BlockEvent,
    DeltaEvent,
    ErrorEvent,
    JsonDelta,
    Kind,
    MessageDeltaEvent,
    RedactedIn,
    ServerToolUse,
    SignatureDelta,
    StartEvent,
    TextDelta,
    TextIn,
    ThinkingDelta,
    ThinkingIn,
    ToolUseIn,
    UnknownDeltaEvent,
)
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.json_arguments import compact_text
from tzproxy.providers.prefill import opened
from tzproxy.providers.unreadable import UNREADABLE, passed_on, reason_for
from tzproxy.types.content import Chunk, TextChunk, ThoughtChunk, ToolCallChunk, UnknownChunk
from tzproxy.types.model import ModelRequest, ProviderChunk
from tzproxy.types.usage import Usage

logger = logging.getLogger(__name__)

_KIND = msgspec.json.Decoder(Kind).decode
_START = msgspec.json.Decoder(StartEvent).decode
_BLOCK = msgspec.json.Decoder(BlockEvent).decode
_DELTA = msgspec.json.Decoder(DeltaEvent).decode
_UNKNOWN_DELTA = msgspec.json.Decoder(UnknownDeltaEvent).decode
_MESSAGE_DELTA = msgspec.json.Decoder(MessageDeltaEvent).decode
_ERROR = msgspec.json.Decoder(ErrorEvent).decode
_SERVER_TOOL = msgspec.json.Decoder(ServerToolUse).decode
_KNOWN_DELTAS = frozenset({"text_delta", "thinking_delta", "signature_delta", "input_json_delta"})


class MessagesStream:
    """The parser of one stream."""

    __slots__ = ("_discards_unknown", "_is_to_open", "_request", "_spec", "_tool_ids", "done")

    def __init__(self, rules: Rules, request: ModelRequest, *, discards_unknown: bool = False) -> None:
        self.done = False
        self._spec = rules.spec
        self._request = request
        self._discards_unknown = discards_unknown
        self._is_to_open = is_prefilled(rules, request)
        self._tool_ids: dict[int, str] = {}

    def feed(self, data: bytes, event: str = "") -> ProviderChunk | None:
        """Translate one event.

        Raises:
            ProviderError: when the event cannot be read or tells of a failure; the stream goes on.
        """
        try:
            kind = _KIND(data).type
            read = _READERS.get(kind)
            if read is None:
                raise ValueError(f"unknown event type `{kind}`")
            chunk = read(self, data)
        except UNREADABLE as exc:
            text = data.decode("utf-8", "replace")
            raise self._failure(f"Error parsing message: {reason_for(exc)}, Data: {text}", data) from exc
        if self._is_to_open and chunk is not None:
            self._is_to_open = False
            return opened(chunk)
        return chunk

    def _started(self, data: bytes) -> ProviderChunk:
        usage, raw_usage = _usage(_START(data).message.usage)
        return ProviderChunk(content=[], usage=usage, raw_usage=raw_usage)

    def _block_started(self, data: bytes) -> ProviderChunk | None:
        event = _BLOCK(data)
        block = read_block(event.content_block)
        block_id = str(event.index)
        tag = self._spec.type
        if isinstance(block, TextIn):
            return _chunk(TextChunk(block_id, block.text))
        if isinstance(block, ToolUseIn):
            self._tool_ids[event.index] = block.id
            return _chunk(ToolCallChunk(block.id, block.name, ""))
        if isinstance(block, ThinkingIn):
            return _chunk(ThoughtChunk(block_id, block.thinking, block.signature, None, None, tag))
        if isinstance(block, RedactedIn):
            return _chunk(ThoughtChunk(block_id, None, block.data, None, None, tag))
        if _KIND(event.content_block).type == "server_tool_use":
            tool_id = _SERVER_TOOL(event.content_block).id
            if tool_id is not None:
                self._tool_ids[event.index] = tool_id
        return self._unknown(block_id, event.content_block)

    def _piece(self, data: bytes) -> ProviderChunk | None:
        try:
            event = _DELTA(data)
        except msgspec.ValidationError:
            unknown = _UNKNOWN_DELTA(data)
            if _KIND(unknown.delta).type in _KNOWN_DELTAS:
                raise
            return self._unknown(str(unknown.index), unknown.delta)
        delta = event.delta
        if isinstance(delta, TextDelta):
            return _chunk(TextChunk(str(event.index), delta.text))
        if isinstance(delta, JsonDelta):
            return self._arguments(event.index, delta.partial_json, data)
        tag = self._spec.type
        if isinstance(delta, ThinkingDelta):
            return _chunk(ThoughtChunk(str(event.index), delta.thinking, None, None, None, tag))
        assert isinstance(delta, SignatureDelta)
        return _chunk(ThoughtChunk(str(event.index), None, delta.signature, None, None, tag))

    def _arguments(self, index: int, text: str, data: bytes) -> ProviderChunk:
        tool_id = self._tool_ids.get(index)
        if tool_id is None:
            raise self._failure(
                f"Got InputJsonDelta chunk from Anthropic for index {index} without a preceding ToolUse "
                "ContentBlockStart",
                data,
            )
        return _chunk(ToolCallChunk(tool_id, "", text))

    def _ending(self, data: bytes) -> ProviderChunk:
        event = _MESSAGE_DELTA(data)
        usage, raw_usage = _usage(event.usage)
        reason = finish_reason(event.delta.stop_reason)
        return ProviderChunk(content=[], usage=usage, finish_reason=reason, raw_usage=raw_usage)

    def _nothing(self, data: bytes) -> None:
        return None

    def _end(self, data: bytes) -> None:
        self.done = True

    def _error(self, data: bytes) -> ProviderChunk:
        raise self._failure(compact_text(_ERROR(data).error), data)

    def _unknown(self, block_id: str, data: Raw) -> ProviderChunk | None:
        if self._discards_unknown:
            logger.warning("Discarded a part of unknown type in a stream of %s", self._spec.display)
            return None
        return _chunk(
            UnknownChunk(block_id, passed_on(data), self._request.model_name, self._request.provider_name)
        )

    def _failure(self, message: str, data: bytes) -> ProviderError:
        return server_error(self._spec.type, message, raw_response=data.decode("utf-8", "replace"))


def _chunk(content: Chunk) -> ProviderChunk:
    return ProviderChunk(content=[content])


def _usage(raw: Raw | UnsetType) -> tuple[Usage | None, Raw | None]:
    if raw is UNSET or bytes(raw) == b"null":
        return None, None
    return read_usage(raw), raw


_READERS: Mapping[str, Callable[[MessagesStream, bytes], ProviderChunk | None]] = {
    "message_start": MessagesStream._started,
    "content_block_start": MessagesStream._block_started,
    "content_block_delta": MessagesStream._piece,
    "content_block_stop": MessagesStream._nothing,
    "message_delta": MessagesStream._ending,
    "message_stop": MessagesStream._end,
    "ping": MessagesStream._nothing,
    "error": MessagesStream._error,
}
