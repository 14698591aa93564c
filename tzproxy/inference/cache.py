"""The model inference cache: replies of providers, kept by what they were asked.

In front an LRU of this process, behind it the table `ModelInferenceCache`; without a store the LRU alone.
Looking up never fails a request: a store that is slow or away is a miss, and is left alone for a while.
Writing goes through the recording sink and waits for nothing. A request that does not ask for the cache
never comes here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from sys import getsizeof
from typing import Protocol

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.queries.cache import CachedReply, CacheKey
from tzproxy.errors import RequestError, StoreError
from tzproxy.inference.cache_key import KeyScope, chat_key
from tzproxy.prompts import JsonSchema
from tzproxy.recording.sink import Sink, Table
from tzproxy.types.content import ModelOutput, StoredFile, ToolCall
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.request import CacheOptions
from tzproxy.types.tools import ToolConfig
from tzproxy.types.usage import FinishReason, Usage

logger = logging.getLogger(__name__)
ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder()
OUTPUT = msgspec.json.Decoder(list[ModelOutput])

LOOK_UP_S = 1.0
LEFT_ALONE_S = 5.0
RECENT_ENTRIES = 4096
RECENT_BYTES = 16 * 1024 * 1024
# A reply larger than this share of the room would push out too many others.
_LARGEST_SHARE = 8


class Lookup(Protocol):
    """Finds replies that were kept earlier. See `tzproxy.clickhouse.queries.cache.CachedReplies`."""

    async def find(self, key: CacheKey, *, max_age_s: int | None) -> CachedReply | None:
        """Return the newest reply that is young enough.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        ...


class CacheRow(Struct, frozen=True, kw_only=True):
    """A row of ModelInferenceCache. The time is ours, so that `max_age_s` is not off by the queue."""

    short_cache_key: int
    long_cache_key: str
    timestamp: int
    output: str
    raw_request: str
    raw_response: str
    input_tokens: int | None
    output_tokens: int | None
    finish_reason: FinishReason | None


class RecentReplies:
    """The replies used last, bounded by number and by memory."""

    __slots__ = ("_bytes", "_entries", "_max_bytes", "_max_entries")

    def __init__(self, *, max_entries: int = RECENT_ENTRIES, max_bytes: int = RECENT_BYTES) -> None:
        self._entries: OrderedDict[str, CachedReply] = OrderedDict()
        self._bytes = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes

    def get(self, key: str) -> CachedReply | None:
        """Return a reply, which is then the last one to be dropped."""
        reply = self._entries.get(key)
        if reply is not None:
            self._entries.move_to_end(key)
        return reply

    def put(self, key: str, reply: CachedReply) -> None:
        """Keep a reply; the ones not used for longest make room."""
        size = _size(reply)
        if size > self._max_bytes // _LARGEST_SHARE:
            return
        before = self._entries.pop(key, None)
        if before is not None:
            self._bytes -= _size(before)
        self._entries[key] = reply
        self._bytes += size
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            _, dropped = self._entries.popitem(last=False)
            self._bytes -= _size(dropped)

    @property
    def held_bytes(self) -> int:
        """Memory of all replies."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)


def _size(reply: CachedReply) -> int:
    return getsizeof(reply.output) + getsizeof(reply.raw_request) + getsizeof(reply.raw_response) + 512


class ModelCache:
    """The cache of one gateway process."""

    def __init__(
        self,
        sink: Sink,
        *,
        lookup: Lookup | None = None,
        recent: RecentReplies | None = None,
        clock: Callable[[], float] = time.time,
        look_up_s: float = LOOK_UP_S,
    ) -> None:
        """Join the parts.

        Args:
            sink: takes the rows.
            lookup: the store; None: what this process remembers is all there is.
            recent: the LRU.
            clock: seconds since 1970.
            look_up_s: how long the store may take.
        """
        self._sink = sink
        self._lookup = lookup
        self._recent = RecentReplies() if recent is None else recent
        self._clock = clock
        self._look_up_s = look_up_s
        self._left_alone_until = float("-inf")

    def use(
        self, options: CacheOptions, *, dryrun: bool, files: Sequence[StoredFile] = ()
    ) -> CacheUse | None:
        """Return one request's access, None when its options leave none. A dry run never writes."""
        mode = options.enabled
        reads = mode in ("on", "read_only")
        writes = mode in ("on", "write_only") and not dryrun
        if not reads and not writes:
            return None
        return CacheUse(self, reads=reads, writes=writes, max_age_s=options.max_age_s, files=files)

    async def find(self, key: CacheKey, max_age_s: int | None) -> CachedReply | None:
        """Look a reply up; whatever goes wrong is a miss."""
        now = self._clock()
        reply = self._recent.get(key.long)
        if reply is not None and (max_age_s is None or reply.written_s > now - max_age_s):
            return reply
        if self._lookup is None or now < self._left_alone_until:
            return None
        try:
            async with asyncio.timeout(self._look_up_s):
                reply = await self._lookup.find(key, max_age_s=max_age_s)
        except (StoreError, TimeoutError) as exc:
            self._left_alone_until = self._clock() + LEFT_ALONE_S
            logger.warning(
                "the cache is not looked up in the store for %g s: %s",
                LEFT_ALONE_S,
                exc.message if isinstance(exc, StoreError) else f"no answer within {self._look_up_s:g} s",
            )
            return None
        if reply is not None:
            self._recent.put(key.long, reply)
        return reply

    def keep(
        self,
        key: CacheKey,
        *,
        output: bytes,
        raw: tuple[str, str],
        usage: Usage,
        finish_reason: FinishReason | None,
    ) -> None:
        """Keep a reply here and in the store; `raw` are the texts of request and response."""
        raw_request, raw_response = raw
        now = self._clock()
        text = output.decode()
        reply = CachedReply(
            output=text,
            raw_request=raw_request,
            raw_response=raw_response,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            finish_reason=finish_reason,
            written_s=now,
        )
        self._recent.put(key.long, reply)
        row = CacheRow(
            short_cache_key=key.short,
            long_cache_key=key.long,
            timestamp=int(now),
            output=text,
            raw_request=raw_request,
            raw_response=raw_response,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            finish_reason=finish_reason,
        )
        self._sink.accept([(Table.MODEL_INFERENCE_CACHE, ENCODER.encode(row))])


class CacheUse:
    """What one request may do with the cache."""

    __slots__ = ("_cache", "_files", "_max_age_s", "_suffix", "reads", "writes")

    def __init__(
        self,
        cache: ModelCache,
        *,
        reads: bool,
        writes: bool,
        max_age_s: int | None = None,
        suffix: str | None = None,
        files: Sequence[StoredFile] = (),
    ) -> None:
        self._cache = cache
        self.reads = reads
        self.writes = writes
        self._max_age_s = max_age_s
        self._suffix = suffix
        self._files = files

    def for_candidate(self, index: int) -> CacheUse:
        """Return the access of one candidate: equal candidates must not get the same reply."""
        return CacheUse(
            self._cache,
            reads=self.reads,
            writes=self.writes,
            max_age_s=self._max_age_s,
            suffix=f"candidate_{index}",
            files=self._files,
        )

    def key(self, model_name: str, provider_name: str, request: ModelRequest, scope: KeyScope) -> CacheKey:
        """Return the key of one attempt."""
        return chat_key((model_name, provider_name), request, scope, suffix=self._suffix, files=self._files)

    async def find(self, key: CacheKey) -> CachedReply | None:
        """Look a reply up, if this request may."""
        return await self._cache.find(key, self._max_age_s) if self.reads else None

    def keep(
        self,
        key: CacheKey,
        *,
        output: bytes,
        raw: tuple[str, str],
        usage: Usage,
        finish_reason: FinishReason | None,
    ) -> None:
        """Keep a reply, if this request may."""
        if self.writes:
            self._cache.keep(key, output=output, raw=raw, usage=usage, finish_reason=finish_reason)

    def keep_answer(
        self, key: CacheKey, request: ModelRequest, response: ProviderResponse, *, raw: tuple[str, str]
    ) -> None:
        """Keep a whole answer, if this request may and the answer's tool calls are such as were asked for."""
        if not self.writes:
            return
        if not are_calls_valid(response.output, request.tool_config):
            logger.warning("a reply with an invalid tool call is not kept in the cache")
            return
        self.keep(
            key,
            output=ENCODER.encode(response.output),
            raw=raw,
            usage=response.usage,
            finish_reason=response.finish_reason,
        )


def answer_of(reply: CachedReply) -> ProviderResponse | None:
    """Read a kept answer; None when it is not one that this version can read."""
    try:
        output = OUTPUT.decode(reply.output)
    except msgspec.DecodeError:
        return None
    return ProviderResponse(
        output=output,
        usage=Usage(reply.input_tokens, reply.output_tokens),
        finish_reason=reply.finish_reason,
    )


def are_calls_valid(output: Sequence[ModelOutput], config: ToolConfig | None) -> bool:
    """Tell whether all tool calls name an offered tool and fit its schema; without tools: are JSON."""
    return all(_is_valid(block, config) for block in output if isinstance(block, ToolCall))


def _is_valid(call: ToolCall, config: ToolConfig | None) -> bool:
    if config is not None and any(tool.name == call.name for tool in config.custom_tools):
        return True
    try:
        arguments = DECODER.decode(call.arguments)
    except msgspec.DecodeError:
        return False
    if config is None:
        return True
    for tool in config.tools:
        if tool.name == call.name:
            try:
                return JsonSchema.dynamic(DECODER.decode(tool.parameters)).is_valid(arguments)
            except RequestError:
                return False
    return False
