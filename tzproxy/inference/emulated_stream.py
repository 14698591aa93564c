"""A whole answer as a stream of one chunk, for strategies that know their answer only when it is whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tzproxy.errors import TzproxyError
from tzproxy.inference.deadlines import Deadline
from tzproxy.inference.model import CallContext, ModelCall
from tzproxy.inference.stream_sources import StreamItem
from tzproxy.inference.variant import VariantAnswer, VariantStream
from tzproxy.types.content import (
    Chunk,
    ModelOutput,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
)
from tzproxy.types.model import ProviderChunk, ProviderResponse
from tzproxy.types.params import ChatParams


class EmulatedStream:
    """A finished call, played as a stream."""

    __slots__ = ("_call", "_items", "call_id", "deadlines", "failures", "spec", "ttft_ms")

    def __init__(self, call: ModelCall, answer: VariantAnswer) -> None:
        self._call = call
        self.call_id = call.id
        self.spec = call.spec
        self.ttft_ms = call.response_time_ms
        self.failures: Sequence[TzproxyError] = call.failures
        self.deadlines: list[Deadline] = []
        chunk = ProviderChunk(
            content=chunks_of(answer.output),
            finish_reason=answer.finish_reason,
            raw_usage=None if call.cached else call.response.raw_usage,
        )
        self._items: list[StreamItem] | None = [StreamItem(chunk, None, "")]

    is_over = False

    def take(self) -> list[StreamItem] | None:
        """Return the one chunk, then None."""
        items, self._items = self._items, None
        return items

    async def more(self) -> None:
        """Have nothing to wait for."""

    def listen(self, listener: Callable[[], None]) -> bool:
        """Have nothing to tell."""
        return False

    def in_time(self, waiting: Awaitable[None]) -> Awaitable[None]:
        """Have no deadline."""
        return waiting

    async def close(self) -> None:
        """Have nothing to let go of."""

    def finished(self, response: ProviderResponse, raws: Sequence[str]) -> ModelCall:
        """Return the call itself: what the provider said is known, not what was made of it."""
        return msgspec.structs.replace(self._call, ttft_ms=self.ttft_ms)


def emulated(answer: VariantAnswer, variant_name: str, params: ChatParams) -> VariantStream:
    """Play an answer as a stream; `params` are recorded with it.

    Raises:
        TzproxyError: for content that has no form in a stream.
    """
    first, *rest = answer.calls
    return VariantStream(
        stream=EmulatedStream(first, answer),
        context=CallContext(variant_name=variant_name, credentials={}),
        params=params,
        calls=rest,
        failures=answer.failures,
    )


def chunks_of(output: Sequence[ModelOutput]) -> list[Chunk]:
    """Write whole blocks as pieces; texts and thoughts are numbered.

    Raises:
        TzproxyError: for a provider's own blocks.
    """
    chunks: list[Chunk] = []
    number = 0
    for block in output:
        if isinstance(block, ToolCall):
            chunks.append(ToolCallChunk(block.id, block.name, block.arguments))
            continue
        if isinstance(block, Text):
            chunks.append(TextChunk(str(number), block.text))
        elif isinstance(block, Thought):
            chunks.extend(_thought(block, str(number)))
        else:
            raise TzproxyError("A block of type `unknown` cannot be streamed")
        number += 1
    return chunks


def _thought(block: Thought, block_id: str) -> list[Chunk]:
    first = ThoughtChunk(
        block_id, block.text, block.signature, None, None, block.provider_type, block.extra_data
    )
    paragraphs = [
        ThoughtChunk(block_id, None, None, str(index), paragraph.text)
        for index, paragraph in enumerate(block.summary or ())
    ]
    return [first, *paragraphs]
