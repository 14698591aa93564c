"""From what a model produced to what the caller gets; the pieces of a stream put together again. Hot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw

from tzproxy.prompts import JsonSchema
from tzproxy.types.content import (
    Chunk,
    JsonOutput,
    ModelOutput,
    SummaryText,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    Unknown,
)
from tzproxy.types.model import ProviderChunk
from tzproxy.types.usage import FinishReason, Usage, largest


def json_output(
    blocks: Sequence[ModelOutput], schema: JsonSchema | None
) -> tuple[JsonOutput, list[ModelOutput]]:
    """Take the JSON text of the last text or tool call; give it parsed if it fits, and the other blocks."""
    for position in range(len(blocks) - 1, -1, -1):
        block = blocks[position]
        if isinstance(block, Text):
            raw = block.text
        elif isinstance(block, ToolCall):
            raw = block.arguments
        else:
            continue
        return parsed_output(raw, schema), [*blocks[:position], *blocks[position + 1 :]]
    return JsonOutput(None, None), list(blocks)


def parsed_output(raw: str, schema: JsonSchema | None) -> JsonOutput:
    """Parse a JSON function's text. Not JSON, or not fitting: `parsed` is null."""
    if schema is None:
        return JsonOutput(raw, None)
    try:
        value = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return JsonOutput(raw, None)
    return JsonOutput(raw, Raw(msgspec.json.encode(value)) if schema.is_valid(value) else None)


def calls_as_text(blocks: Iterable[ModelOutput]) -> list[ModelOutput]:
    """Show the implicit tool's calls as the text they stand for (chat functions in JSON mode `tool`)."""
    return [Text(block.arguments) if isinstance(block, ToolCall) else block for block in blocks]


class StreamCollector:
    """Everything a stream brought, by block, in the order of first occurrence.

    `is_json`: of a JSON function's stream there is one text, joined from the last text or call of each chunk,
    and one thought.
    """

    __slots__ = (
        "_blocks",
        "_is_json",
        "_text_id",
        "_text_parts",
        "finish_reason",
        "raw_usages",
        "usage",
    )

    def __init__(self, *, is_json: bool = False) -> None:
        self._is_json = is_json
        self._blocks: dict[tuple[str, str], _TextBlock | _CallBlock | _ThoughtBlock | Unknown] = {}
        # The block of the last text: the next piece mostly belongs to it.
        self._text_id: str | None = None
        self._text_parts: list[str] = []
        self.usage: Usage | None = None
        self.finish_reason: FinishReason | None = None
        self.raw_usages: list[Raw] = []

    def add(self, chunk: ProviderChunk) -> None:
        """Take in one piece."""
        if chunk.usage is not None:
            self.usage = largest(self.usage, chunk.usage)
        if chunk.finish_reason is not None:
            self.finish_reason = chunk.finish_reason
        if chunk.raw_usage is not None:
            self.raw_usages.append(chunk.raw_usage)
        if self._is_json:
            self._add_json(chunk.content)
            return
        for piece in chunk.content:
            if piece.id == self._text_id and type(piece) is TextChunk:
                self._text_parts.append(piece.text)
            else:
                self._add(piece)

    def _add_json(self, pieces: Sequence[Chunk]) -> None:
        said: str | None = None
        for piece in pieces:
            if isinstance(piece, TextChunk):
                said = piece.text
            elif isinstance(piece, ToolCallChunk):
                said = piece.raw_arguments
            elif isinstance(piece, ThoughtChunk):
                thought = self._blocks.setdefault(("thought", ""), _ThoughtBlock())
                thought.add(piece)  # type: ignore[union-attr]  # the key fixes the kind
        if said is not None:
            # SPEC: unlike a chat function's, an empty piece claims its place.
            text = self._blocks.setdefault(("text", ""), _TextBlock())
            text.parts.append(said)  # type: ignore[union-attr]

    def _add(self, piece: Chunk) -> None:
        if isinstance(piece, TextChunk):
            if not piece.text:
                # The original lets an empty delta claim no place among the blocks.
                return
            text = self._blocks.setdefault(("text", piece.id), _TextBlock())
            text.parts.append(piece.text)  # type: ignore[union-attr]  # the key fixes the kind
            self._text_id, self._text_parts = piece.id, text.parts  # type: ignore[union-attr]
        elif isinstance(piece, ToolCallChunk):
            call = self._blocks.setdefault(("call", piece.id), _CallBlock(piece.id))
            call.names.append(piece.raw_name)  # type: ignore[union-attr]
            call.arguments.append(piece.raw_arguments)  # type: ignore[union-attr]
        elif isinstance(piece, ThoughtChunk):
            thought = self._blocks.setdefault(("thought", piece.id), _ThoughtBlock())
            thought.add(piece)  # type: ignore[union-attr]
        else:
            # A later piece of the same id says the block anew, in the first one's place.
            self._blocks[("unknown", piece.id)] = Unknown(piece.data, piece.model_name, piece.provider_name)

    def output(self) -> list[ModelOutput]:
        """Return the blocks as a model that does not stream would have sent them."""
        return [block if isinstance(block, Unknown) else block.whole() for block in self._blocks.values()]


class _TextBlock:
    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[str] = []

    def whole(self) -> Text:
        return Text("".join(self.parts))


class _CallBlock:
    __slots__ = ("arguments", "id", "names")

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self.names: list[str] = []
        self.arguments: list[str] = []

    def whole(self) -> ToolCall:
        return ToolCall(self.id, "".join(self.names), "".join(self.arguments))


class _ThoughtBlock:
    __slots__ = ("extra_data", "provider_type", "signatures", "summaries", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.signatures: list[str] = []
        self.summaries: dict[str, list[str]] = {}
        self.provider_type: str | None = None
        self.extra_data: Raw | None = None

    def add(self, piece: ThoughtChunk) -> None:
        if piece.text is not None:
            self.texts.append(piece.text)
        if piece.signature is not None:
            self.signatures.append(piece.signature)
        if piece.summary_id is not None and piece.summary_text is not None:
            self.summaries.setdefault(piece.summary_id, []).append(piece.summary_text)
        self.provider_type = piece.provider_type or self.provider_type
        self.extra_data = piece.extra_data or self.extra_data

    def whole(self) -> Thought:
        return Thought(
            "".join(self.texts) if self.texts else None,
            "".join(self.signatures) if self.signatures else None,
            [SummaryText("".join(parts)) for parts in self.summaries.values()] or None,
            self.provider_type,
            self.extra_data,
        )
