"""Streams of the chat-completions protocol: events to chunks. Hot: one call per event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET, Raw, Struct

from tzproxy.providers.chat_completions.think_tags import Thinking, next_state
from tzproxy.providers.chat_completions.thoughts import TAGS_FORMAT, delta_nothing
from tzproxy.providers.chat_completions.usage import decode_usage, read_cached
from tzproxy.providers.chat_completions.wire import CallDelta, ChunkIn, Delta, UsageIn
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.providers.unreadable import UNREADABLE, reason_for
from tzproxy.types.content import Chunk, TextChunk, ThoughtChunk, ToolCallChunk
from tzproxy.types.model import ProviderChunk
from tzproxy.types.usage import FinishReason, Usage

END = b"[DONE]"


class StreamRules(Struct, frozen=True, kw_only=True):
    """How one service streams.

    `finish_reasons`: its finish reasons, `""` to None where it counts as absent. `text_first`: in one
    event text comes before thoughts. `think_tags`: reasoning may stand in the text. `no_tools`: the
    failure when a tool call arrives although none can. `read_thoughts` finds none in a `Delta` without
    reasoning. `read_content`: reads thoughts and text together,
    instead of `read_thoughts` and the text.
    """

    decode: Callable[[bytes], ChunkIn[Any]]
    read_thoughts: Callable[[Any], list[ThoughtChunk]] = delta_nothing
    finish_reasons: Mapping[str, FinishReason | None]
    read_usage: Callable[[UsageIn], Usage] = read_cached
    text_first: bool = False
    think_tags: bool = False
    no_tools: str | None = None
    read_content: Callable[[Any], list[Chunk]] | None = None


class ChatStream:
    """The parser of one stream."""

    __slots__ = ("_has_plain_texts", "_ids", "_rules", "_spec", "_suffix", "done")

    def __init__(self, rules: StreamRules, spec: ProviderSpec, suffix: str = "") -> None:
        self.done = False
        self._rules = rules
        self._spec = spec
        self._suffix = suffix
        self._ids: list[str] = []
        self._has_plain_texts = rules.read_content is None and not rules.text_first and not rules.think_tags

    def feed(self, data: bytes, event: str = "") -> ProviderChunk | None:
        """Translate one event.

        Raises:
            ProviderError: when the event cannot be read; the stream goes on.
        """
        if data == END:
            self.done = True
            return None
        rules = self._rules
        usage: Usage | None = None
        raw_usage: Raw | None = None
        try:
            chunk = rules.decode(data)
            if chunk.usage is not UNSET:
                counts = decode_usage(chunk.usage)
                if counts is not None:
                    usage, raw_usage = rules.read_usage(counts), chunk.usage
        except UNREADABLE as exc:
            raise self._failure(f"Error parsing chunk. Error: {reason_for(exc)}", data) from exc
        choices = chunk.choices
        if len(choices) != 1:
            if choices:
                # SPEC: the braces are part of the text; clients of the original know it so.
                raise self._failure("Response has invalid number of choices: {}. Expected 1.", data)
            return ProviderChunk([], usage, None, raw_usage)
        reason = choices[0].finish_reason
        delta = choices[0].delta
        # PERF: nearly all pieces are of this kind (test_10_streams).
        if (
            self._has_plain_texts
            and type(delta) is Delta
            and delta.reasoning is None
            and delta.reasoning_content is None
            and delta.tool_calls is None
        ):
            text = delta.content
            content: list[Chunk] = [] if text is None else [TextChunk("0", text)]
        else:
            content = self._read(delta, data)
        if reason is None and usage is None:
            return ProviderChunk(content)
        return ProviderChunk(
            content, usage, None if reason is None else rules.finish_reasons.get(reason, "unknown"), raw_usage
        )

    def _read(self, delta: Any, data: bytes) -> list[Chunk]:
        rules = self._rules
        if rules.read_content is not None:
            content = rules.read_content(delta)
            if delta.tool_calls:
                self._add_calls(content, delta.tool_calls, data)
            return content
        content = []
        text: str | None = delta.content
        if text is not None and rules.text_first:
            content.append(TextChunk("0", text))
        try:
            content += rules.read_thoughts(delta)
        except ValueError as exc:
            raise self._failure(f"Error parsing chunk. Error: {exc}", data) from exc
        if text is not None and not rules.text_first:
            self._add_text(content, text, data)
        if delta.tool_calls:
            self._add_calls(content, delta.tool_calls, data)
        return content

    def _add_text(self, content: list[Chunk], text: str, data: bytes) -> None:
        content.append(TextChunk("0", text))

    def _add_calls(self, content: list[Chunk], calls: list[Any], data: bytes) -> None:
        if self._rules.no_tools is not None:
            raise self._failure(self._rules.no_tools, data)
        call: CallDelta
        for call in calls:
            call_id = call.id
            if call_id is not None:
                self._ids.append(call_id)
            else:
                index = call.index or 0
                if not 0 <= index < len(self._ids):
                    raise self._failure(
                        "Tool call index out of bounds (meaning we haven't seen this many ids in the stream)",
                        data,
                    )
                call_id = self._ids[index]
            content.append(ToolCallChunk(call_id, call.function.name or "", call.function.arguments or ""))

    def _failure(self, message: str, data: bytes) -> ProviderError:
        raw = data.decode("utf-8", "replace") if self._spec.keeps_raw_response_on_error else None
        return server_error(self._spec.type, f"{message}{self._suffix}", raw_response=raw)


class ThinkTagStream(ChatStream):
    """The parser of one stream whose text may hold reasoning between think tags."""

    __slots__ = ("_state",)

    def __init__(self, rules: StreamRules, spec: ProviderSpec, suffix: str = "") -> None:
        super().__init__(rules, spec, suffix)
        self._state = Thinking.BEFORE

    def _add_text(self, content: list[Chunk], text: str, data: bytes) -> None:
        try:
            state = next_state(self._state, text)
        except ValueError as exc:
            raise self._failure(str(exc), data) from exc
        if state is not self._state:
            # SPEC: a piece that holds a tag is dropped as a whole, text around the tag included.
            self._state = state
        elif state is Thinking.INSIDE:
            content.append(ThoughtChunk("1", text, None, None, None, self._spec.type, TAGS_FORMAT))
        else:
            content.append(TextChunk("0" if state is Thinking.BEFORE else "2", text))
