"""Content as a list of thinking and text chunks, and calls that come whole: Mistral's habits. Hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct

from tzproxy.providers.chat_completions.stream import ChatStream, StreamRules
from tzproxy.providers.chat_completions.wire import (
    CallPart,
    ChunkedAssistantMessage,
    FunctionCall,
    Part,
    TextChunkPart,
    TextPart,
    ThinkingPart,
    WholeCallIn,
)
from tzproxy.providers.errors import refused
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.content import (
    Chunk,
    ModelBlock,
    ModelOutput,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    ToolResult,
)

_TAG = "mistral"
_THINKING_ID = "thinking"


class ChunkedMessageIn(Struct):
    """The model's turn, its content perhaps in chunks."""

    content: str | list[ThinkingPart | TextChunkPart] | None = None
    tool_calls: list[WholeCallIn] | None = None


class ChunkedDelta(ChunkedMessageIn):
    """A piece of the model's turn. Calls never come in pieces."""


def write_chunked_assistant(blocks: Sequence[ModelBlock]) -> ChunkedAssistantMessage | None:
    """Write a model's turn with its thoughts in place; None when nothing is left of it.

    Raises:
        ProviderError: when it holds a tool result.
    """
    parts: list[Part] = []
    calls: list[CallPart] = []
    for block in blocks:
        if type(block) is Text:
            parts.append(TextPart(block.text))
        elif type(block) is Thought:
            if block.text is not None:
                parts.append(ThinkingPart([TextChunkPart(block.text)]))
        elif type(block) is ToolCall:
            calls.append(CallPart(block.id, "function", FunctionCall(block.name, block.arguments)))
        elif type(block) is ToolResult:
            raise refused("Tool results are not supported in assistant messages")
    if not parts and not calls:
        return None
    only = parts[0] if len(parts) == 1 else None
    content = only.text if type(only) is TextPart else parts or None
    return ChunkedAssistantMessage(content, calls or UNSET)


def read_chunked(message: ChunkedMessageIn) -> list[ModelOutput]:
    """Read a turn's thoughts and texts in the order of their chunks; empty ones say nothing."""
    content = message.content
    if not content:
        return []
    if isinstance(content, str):
        return [Text(content)]
    output: list[ModelOutput] = []
    for chunk in content:
        if isinstance(chunk, ThinkingPart):
            text = _thinking_of(chunk)
            if text:
                output.append(Thought(text, provider_type=_TAG))
        elif chunk.text:
            output.append(Text(chunk.text))
    return output


def delta_chunked(delta: ChunkedDelta) -> list[Chunk]:
    """Read the thoughts and texts of a streamed piece."""
    content = delta.content
    if not content:
        return []
    if isinstance(content, str):
        return [TextChunk("0", content)]
    chunks: list[Chunk] = []
    for part in content:
        if isinstance(part, ThinkingPart):
            text = _thinking_of(part)
            if text:
                chunks.append(ThoughtChunk(_THINKING_ID, text, None, None, None, _TAG))
        elif part.text:
            chunks.append(TextChunk("0", part.text))
    return chunks


def _thinking_of(part: ThinkingPart) -> str:
    return "".join([piece.text for piece in part.thinking])


class WholeCallStream(ChatStream):
    """The parser of one stream whose tool calls come whole."""

    __slots__ = ("_last_name",)

    def __init__(self, rules: StreamRules, spec: ProviderSpec, suffix: str = "") -> None:
        super().__init__(rules, spec, suffix)
        self._last_name: str | None = None

    def _add_calls(self, content: list[Chunk], calls: list[Any], data: bytes) -> None:
        call: WholeCallIn
        for call in calls:
            name = call.function.name
            # SPEC: a second call of the same tool in a row comes without its name; clients of the
            # original know it so.
            shown = "" if name == self._last_name else name
            self._last_name = name
            content.append(ToolCallChunk(call.id, shown, call.function.arguments))
