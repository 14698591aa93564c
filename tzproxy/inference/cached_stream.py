"""Streams and the cache: a kept one is replayed, one that is to be kept is noted down while it passes by.

Only for requests that ask for the cache.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tzproxy.clickhouse.queries.cache import CachedReply, CacheKey
from tzproxy.inference.cache import CacheUse
from tzproxy.inference.stream_sources import Source, StreamItem
from tzproxy.types.content import Chunk
from tzproxy.types.model import ProviderChunk
from tzproxy.types.usage import NO_USAGE, FinishReason, Usage, largest

ENCODER = msgspec.json.Encoder()


class ChunkUsage(Struct, frozen=True, kw_only=True):
    """Tokens that one chunk reported."""

    input_tokens: int | None
    output_tokens: int | None
    provider_cache_read_input_tokens: int | UnsetType = UNSET
    provider_cache_write_input_tokens: int | UnsetType = UNSET
    cost: float | None = None


class CachedChunk(Struct, frozen=True):
    """One chunk of a kept stream."""

    content: list[Chunk]
    usage: ChunkUsage | None
    raw_response: str


CHUNKS = msgspec.json.Decoder(list[CachedChunk])


class ReplayedSource(Source):
    """A kept stream: all its pieces at once. What the provider said in them goes to the store only."""

    __slots__ = ("_items", "raw_request", "raw_response", "started")

    cached = True

    def __init__(self, reply: CachedReply, chunks: Sequence[CachedChunk]) -> None:
        self.raw_request = reply.raw_request
        self.raw_response: str | None = "\n".join(chunk.raw_response for chunk in chunks)
        self.started = perf_counter()
        *before, last = chunks
        self._items: list[StreamItem] | None = [
            *(StreamItem(ProviderChunk(content=chunk.content), None, "") for chunk in before),
            StreamItem(
                ProviderChunk(
                    content=last.content,
                    usage=largest(_provider_cache(chunks), Usage(reply.input_tokens, reply.output_tokens)),
                    finish_reason=reply.finish_reason,
                ),
                None,
                "",
            ),
        ]

    def take(self) -> list[StreamItem] | None:
        """Return everything, then None."""
        items, self._items = self._items, None
        return items

    async def close(self) -> None:
        """Have nothing to let go of."""


def _provider_cache(chunks: Sequence[CachedChunk]) -> Usage | None:
    """Find what the chunks said of the provider's own cache, which the reply as a whole does not say."""
    usage: Usage | None = None
    for chunk in chunks:
        if chunk.usage is not None:
            read = chunk.usage.provider_cache_read_input_tokens
            written = chunk.usage.provider_cache_write_input_tokens
            usage = largest(
                usage,
                Usage(None, None, None if read is UNSET else read, None if written is UNSET else written),
            )
    return usage


class KeptSource(Source):
    """A provider's stream that goes into the cache when it has come to its end without a failure."""

    __slots__ = (
        "_cache",
        "_chunks",
        "_finish_reason",
        "_key",
        "_source",
        "_usage",
        "is_over",
        "raw_request",
        "started",
    )

    def __init__(self, source: Source, cache: CacheUse, key: CacheKey) -> None:
        self._source = source
        self._cache = cache
        self._key = key
        self._chunks: list[CachedChunk] | None = []
        self._usage: Usage | None = None
        self._finish_reason: FinishReason | None = None
        self.raw_request = source.raw_request
        self.started = source.started

    def take(self) -> list[StreamItem] | None:
        """Return the pieces that are there by now, perhaps none; None at the end."""
        items = self._source.take()
        self.is_over = self._source.is_over
        if items is None:
            self._keep()
            return None
        for item in items:
            self._note(item)
        return items

    def more(self) -> Awaitable[None]:
        """Wait for the provider."""
        return self._source.more()

    def listen(self, listener: Callable[[], None]) -> bool:
        """Listen to the provider, where that can be."""
        return self._source.listen(listener)

    def _note(self, item: StreamItem) -> None:
        if self._chunks is None:
            return
        chunk = item.chunk
        if chunk is None:
            self._chunks = None
            return
        if chunk.usage is not None:
            self._usage = largest(self._usage, chunk.usage)
        self._finish_reason = chunk.finish_reason or self._finish_reason
        self._chunks.append(CachedChunk(chunk.content, chunk_usage(chunk.usage), item.raw))

    def _keep(self) -> None:
        if not self._chunks:
            return
        self._cache.keep(
            self._key,
            output=ENCODER.encode(self._chunks),
            raw=(self.raw_request, ""),
            usage=self._usage or NO_USAGE,
            finish_reason=self._finish_reason,
        )
        self._chunks = None

    async def close(self) -> None:
        """Let go of the provider's stream. One that is not at its end is not kept."""
        self._chunks = None
        await self._source.close()


def chunk_usage(usage: Usage | None) -> ChunkUsage | None:
    """Write a chunk's usage as the table has it."""
    if usage is None:
        return None
    read, written = usage.provider_cache_read_input_tokens, usage.provider_cache_write_input_tokens
    return ChunkUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        provider_cache_read_input_tokens=UNSET if read is None else read,
        provider_cache_write_input_tokens=UNSET if written is None else written,
    )


async def replayed(cache: CacheUse, key: CacheKey) -> ReplayedSource | None:
    """Return the kept stream of a key, None when there is none that this version can read."""
    reply = await cache.find(key)
    if reply is None:
        return None
    try:
        chunks = CHUNKS.decode(reply.output)
    except msgspec.DecodeError:
        return None
    return ReplayedSource(reply, chunks) if chunks else None
