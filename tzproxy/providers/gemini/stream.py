"""Streams of Gemini's content protocol: events to chunks. Hot: one call per event."""

from __future__ import annotations

import logging

import msgspec
from msgspec import UNSET, Raw

from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.gemini.response import finish_reason, read_usage, unknown_data
from tzproxy.providers.gemini.rules import Rules
from tzproxy.providers.gemini.wire import CandidateIn, FunctionCallIn, PartIn, ResponseIn
from tzproxy.providers.json_arguments import compact_text
from tzproxy.providers.unreadable import UNREADABLE, reason_for
from tzproxy.types.content import Chunk, TextChunk, ThoughtChunk, ToolCallChunk, UnknownChunk
from tzproxy.types.model import ModelRequest, ProviderChunk
from tzproxy.types.usage import NO_USAGE, Usage

logger = logging.getLogger(__name__)

_RESPONSE = msgspec.json.Decoder(ResponseIn).decode
_PART = msgspec.json.Decoder(PartIn).decode


class GeminiStream:
    """The parser of one stream. It has no end marker."""

    __slots__ = (
        "_call_number",
        "_discards_unknown",
        "_last_name",
        "_request",
        "_rules",
        "_thoughts",
        "_unknowns",
        "done",
    )

    def __init__(self, rules: Rules, request: ModelRequest, *, discards_unknown: bool = False) -> None:
        self.done = False
        self._rules = rules
        self._request = request
        self._discards_unknown = discards_unknown
        self._thoughts = 0
        self._unknowns = 0
        self._call_number = 0
        self._last_name: str | None = None

    def feed(self, data: bytes, event: str = "") -> ProviderChunk | None:
        """Translate one event.

        Raises:
            ProviderError: when the event cannot be read; the stream goes on.
        """
        content: list[Chunk] = []
        try:
            response = _RESPONSE(data)
            if not response.candidates:
                raise self._failure(f"{self._rules.spec.display} response has no candidates", data)
            candidate = response.candidates[0]
            if candidate.content is not None:
                for raw in candidate.content.parts:
                    self._add(content, _PART(raw), raw, data)
            usage, raw_usage = self._usage(response, candidate)
        except UNREADABLE as exc:
            raise self._failure(f"Error parsing chunk. Error: {reason_for(exc)}", data) from exc
        return ProviderChunk(
            content=content,
            usage=usage,
            finish_reason=finish_reason(candidate.finish_reason),
            raw_usage=raw_usage,
        )

    def _usage(self, response: ResponseIn, candidate: CandidateIn) -> tuple[Usage | None, Raw | None]:
        raw = response.usage_metadata
        if raw is UNSET or (self._rules.usage_from == "last" and candidate.finish_reason is None):
            return None, None
        if bytes(raw) == b"null":
            return None, None
        usage = read_usage(raw)
        return (None, None) if usage == NO_USAGE else (usage, raw)

    def _add(self, content: list[Chunk], part: PartIn, raw: Raw, data: bytes) -> None:
        if part.thought:
            if part.text is None:
                raise self._failure(self._no_text(raw), data)
            content.append(self._thought(part.text, part.thought_signature))
            return
        if part.thought_signature is not None:
            content.append(self._thought(None, part.thought_signature))
        if part.text is not None:
            if part.text:
                content.append(TextChunk("0", part.text))
        elif part.function_call is not None:
            content.append(self._call(part.function_call))
        else:
            self._add_unknown(content, part, raw, data)

    def _thought(self, text: str | None, signature: str | None) -> ThoughtChunk:
        self._thoughts += 1
        return ThoughtChunk(str(self._thoughts), text, signature, None, None, self._rules.spec.type)

    def _call(self, call: FunctionCallIn) -> ToolCallChunk:
        name = call.name
        arguments = compact_text(call.args)
        # SPEC: a second call of the same tool in a row goes on with the first one's block; clients of the
        # original know it so.
        if name == self._last_name:
            return ToolCallChunk(str(self._call_number), "", arguments)
        if self._last_name is not None:
            self._call_number += 1
        self._last_name = name
        return ToolCallChunk(str(self._call_number), name, arguments)

    def _add_unknown(self, content: list[Chunk], part: PartIn, raw: Raw, data: bytes) -> None:
        rules = self._rules
        if part.executable_code is not UNSET and not rules.streams_code:
            raise self._failure(
                f"executableCode is not supported in streaming response for {rules.spec.display}", data
            )
        if self._discards_unknown:
            logger.warning("Discarded a part of unknown type in a stream of %s", rules.spec.display)
            return
        number = str(self._unknowns)
        if rules.counts_unknown:
            self._unknowns += 1
        request = self._request
        content.append(
            UnknownChunk(number, unknown_data(part, raw), request.model_name, request.provider_name)
        )

    def _no_text(self, raw: Raw) -> str:
        text = f"Thought part in {self._rules.spec.display} response must be a text block"
        return f"{text}: {compact_text(raw)}" if self._rules.streams_code else text

    def _failure(self, message: str, data: bytes) -> ProviderError:
        return server_error(self._rules.spec.type, message, raw_response=data.decode("utf-8", "replace"))
