"""Writes the pieces of one stream as Anthropic's events. Hot.

Blocks are written one after the other: a piece of another block ends the open one.
Source: Anthropic API reference, streaming messages.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tzproxy.errors import TzproxyError
from tzproxy.http.anthropic.errors import error_body
from tzproxy.http.anthropic.response import (
    NO_INPUT,
    ContentBlock,
    MessageObject,
    MessageWriter,
    RedactedBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    UsageObject,
    is_block,
    signature_of,
    stop_reason,
    stop_sequence,
    usage_object,
)
from tzproxy.http.responses.events import INTERLEAVED
from tzproxy.http.responses.relay import named_frame
from tzproxy.http.responses.thoughts import ThoughtParts
from tzproxy.inference.answer import Answer
from tzproxy.inference.plan import Inference
from tzproxy.types.content import Chunk, TextChunk, ThoughtChunk, ToolCallChunk
from tzproxy.types.response import RawResponseEntry, RawUsageEntry

ENCODER = msgspec.json.Encoder()
PING = named_frame(b"ping", b'{"type":"ping"}')
STOP = named_frame(b"message_stop", b'{"type":"message_stop"}')


class MessageStart(Struct, tag="message_start", tag_field="type", frozen=True):
    """The message begins."""

    message: MessageObject


class BlockStart(Struct, tag="content_block_start", tag_field="type", frozen=True):
    """A block begins."""

    index: int
    content_block: ContentBlock


class TextDelta(Struct, tag="text_delta", tag_field="type", frozen=True):
    """Text goes on."""

    text: str


class InputDelta(Struct, tag="input_json_delta", tag_field="type", frozen=True):
    """Arguments go on."""

    partial_json: str


class ThinkingDelta(Struct, tag="thinking_delta", tag_field="type", frozen=True):
    """A thought goes on."""

    thinking: str


class SignatureDelta(Struct, tag="signature_delta", tag_field="type", frozen=True):
    """A thought's signature, whole."""

    signature: str


class BlockDelta(Struct, tag="content_block_delta", tag_field="type", frozen=True):
    """A block goes on."""

    index: int
    delta: TextDelta | InputDelta | ThinkingDelta | SignatureDelta


class BlockStop(Struct, tag="content_block_stop", tag_field="type", frozen=True):
    """A block is whole."""

    index: int


class Ending(Struct, frozen=True):
    """Why the message ended."""

    stop_reason: str
    stop_sequence: str | None


class MessageDelta(Struct, tag="message_delta", tag_field="type", frozen=True, kw_only=True):
    """The message ends; its usage, in all."""

    delta: Ending
    usage: UsageObject
    tensorzero_raw_usage: list[RawUsageEntry] | UnsetType = UNSET
    tensorzero_original_response: str | UnsetType = UNSET
    tensorzero_raw_response: list[RawResponseEntry] | UnsetType = UNSET


class OpenBlock:
    """The block under way. It starts once it is known how: under which name, or whether it can be read."""

    __slots__ = ("key", "names", "paragraph", "started", "thought")

    def __init__(self, key: tuple[str, str]) -> None:
        self.key = key
        self.started = False
        self.names: list[str] = []
        self.thought = ThoughtParts()
        self.paragraph: str | None = None


class AnthropicEvents:
    """The writer of one stream."""

    def __init__(self, inference: Inference, writer: MessageWriter) -> None:
        self._inference = inference
        self._writer = writer
        self._is_json = inference.function.type == "json"
        self._open: OpenBlock | None = None
        self._index = 0
        self._closed_calls: set[str] = set()
        self._frames: list[bytes] = []

    def begin(self, variant_name: str) -> bytes:
        """Write what comes before the first piece."""
        start = MessageStart(self._writer.pending(variant_name))
        return named_frame(b"message_start", ENCODER.encode(start)) + PING

    def write(self, content: Sequence[Chunk]) -> bytes:
        """Write a piece.

        Raises:
            TzproxyError: when the provider mixes the pieces of its calls.
        """
        for block in content:
            if isinstance(block, TextChunk):
                self._text(("text", block.id), block.text)
            elif isinstance(block, ToolCallChunk):
                if self._is_json:
                    self._text(("text", "json"), block.raw_arguments)
                else:
                    self._call(block)
            elif not self._is_json:
                if isinstance(block, ThoughtChunk):
                    self._thought(block)
                elif is_block(block.data):
                    self._close()
                    self._whole(block.data)
        return self._taken()

    def end(self, answer: Answer) -> bytes:
        """Write what comes after the last piece."""
        self._close()
        request = self._inference.request
        native = None
        if request.include_raw_usage or request.include_raw_response or request.include_original_response:
            native = answer.response()
        reason = answer.finish_reason
        ending = Ending(
            stop_reason(reason, has_calls=bool(self._closed_calls)), stop_sequence(reason, self._writer.wire)
        )
        delta = MessageDelta(
            delta=ending,
            usage=usage_object(answer.usage),
            tensorzero_raw_usage=UNSET if native is None or native.raw_usage is None else native.raw_usage,
            tensorzero_original_response=(
                UNSET if native is None or native.original_response is None else native.original_response
            ),
            tensorzero_raw_response=(
                UNSET if native is None or native.raw_response is None else native.raw_response
            ),
        )
        return self._taken() + named_frame(b"message_delta", ENCODER.encode(delta)) + STOP

    def fail(self, error: TzproxyError) -> bytes:
        """Write a failure."""
        self._frames = []
        return named_frame(b"error", error_body(error))

    # ---- blocks

    def _text(self, key: tuple[str, str], text: str) -> None:
        if not text:
            return
        block = self._continue(key)
        if not block.started:
            self._start(block, TextBlock(""))
        self._delta(TextDelta(text))

    def _call(self, piece: ToolCallChunk) -> None:
        block = self._continue(("call", piece.id))
        if piece.raw_name:
            block.names.append(piece.raw_name)
        if piece.raw_arguments:
            if not block.started:
                self._start(block, ToolUseBlock(piece.id, "".join(block.names), NO_INPUT))
            self._delta(InputDelta(piece.raw_arguments))

    def _thought(self, piece: ThoughtChunk) -> None:
        block = self._continue(("thought", piece.id))
        added = block.thought.add(piece)
        if added is None:
            return
        paragraph, text = added
        if not block.started:
            self._start(block, ThinkingBlock("", ""))
        elif block.paragraph != paragraph:
            text = f"\n\n{text}"
        block.paragraph = paragraph
        self._delta(ThinkingDelta(text))

    def _continue(self, key: tuple[str, str]) -> OpenBlock:
        block = self._open
        if block is None or block.key != key:
            if key[0] == "call" and key[1] in self._closed_calls:
                raise TzproxyError(INTERLEAVED)
            self._close()
            block = self._open = OpenBlock(key)
        return block

    def _close(self) -> None:
        block, self._open = self._open, None
        if block is None:
            return
        kind, name = block.key
        if kind == "call":
            self._closed_calls.add(name)
            if not block.started:
                self._start(block, ToolUseBlock(name, "".join(block.names), NO_INPUT))
        elif kind == "thought":
            signature = signature_of(block.thought)
            if not block.started:
                self._whole(
                    RedactedBlock(signature) if block.thought.signature else ThinkingBlock("", signature)
                )
                return
            self._delta(SignatureDelta(signature))
        self._stop()

    def _start(self, block: OpenBlock, content: ContentBlock) -> None:
        block.started = True
        self._say(b"content_block_start", BlockStart(self._index, content))

    def _delta(self, delta: TextDelta | InputDelta | ThinkingDelta | SignatureDelta) -> None:
        self._say(b"content_block_delta", BlockDelta(self._index, delta))

    def _stop(self) -> None:
        self._say(b"content_block_stop", BlockStop(self._index))
        self._index += 1

    def _whole(self, content: ContentBlock) -> None:
        self._say(b"content_block_start", BlockStart(self._index, content))
        self._stop()

    def _say(self, name: bytes, event: Struct) -> None:
        self._frames.append(named_frame(name, ENCODER.encode(event)))

    def _taken(self) -> bytes:
        frames, self._frames = self._frames, []
        return b"".join(frames)
