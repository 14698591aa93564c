"""Callers that reserve before each attempt at a provider and settle after it. Hot where rules are configured.

They stand in for the plain ones: a gateway without rules does not know them. What the cache answers never
comes here. An attempt that fails, is cancelled or does not say what it took keeps its reservation.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tzproxy.inference.addressee import addressed
from tzproxy.inference.cost import Price, cost_of
from tzproxy.inference.embedding import (
    EmbeddingCall,
    EmbeddingCaller,
    EmbeddingContext,
    EmbeddingEntry,
    EmbeddingModel,
)
from tzproxy.inference.model import (
    CallContext,
    ExampleLookup,
    Model,
    ModelCall,
    ModelCaller,
    ModelProvider,
)
from tzproxy.inference.model_stream import ModelStreamer
from tzproxy.inference.stream_sources import Source, StreamItem
from tzproxy.limits.estimate import chat_tokens, embedding_tokens, used_tokens
from tzproxy.limits.limiter import RateLimiter, Reservation
from tzproxy.types.embedding import EmbeddingRequest
from tzproxy.types.model import ModelRequest
from tzproxy.types.usage import Usage, largest
from tzproxy.upstream import Upstream


class LimitedModelCaller(ModelCaller):
    """Calls models within the rate limits."""

    __slots__ = ("limiter",)

    def __init__(
        self,
        upstream: Upstream,
        limiter: RateLimiter,
        *,
        global_timeout_s: float,
        examples: ExampleLookup | None = None,
    ) -> None:
        super().__init__(upstream, global_timeout_s=global_timeout_s, examples=examples)
        self.limiter = limiter
        self.embedder = LimitedEmbeddingCaller(upstream, limiter, global_timeout_s=global_timeout_s)

    async def _exchange(
        self, model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
    ) -> ModelCall:
        reservation = await reserved(self.limiter, model, entry, request, context)
        call = await super()._exchange(model, entry, request, context)
        if reservation is not None:
            reservation.settle(used_tokens(call.response.usage), call.cost)
        return call


class LimitedEmbeddingCaller(EmbeddingCaller):
    """Calls embedding models within the rate limits."""

    __slots__ = ("_limiter",)

    def __init__(self, upstream: Upstream, limiter: RateLimiter, *, global_timeout_s: float) -> None:
        super().__init__(upstream, global_timeout_s=global_timeout_s)
        self._limiter = limiter

    async def _exchange(
        self,
        model: EmbeddingModel,
        entry: EmbeddingEntry,
        request: EmbeddingRequest,
        context: EmbeddingContext,
    ) -> EmbeddingCall:
        reservation = await self._limiter.reserve(context.tags, lambda: embedding_tokens(request.input))
        call = await super()._exchange(model, entry, request, context)
        if reservation is not None:
            reservation.settle(call.response.usage.input_tokens, call.cost)
        return call


class LimitedModelStreamer(ModelStreamer):
    """Opens streams within the rate limits."""

    __slots__ = ("_limiter",)

    def __init__(self, caller: LimitedModelCaller) -> None:
        super().__init__(caller)
        self._limiter = caller.limiter

    async def _source(
        self, model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
    ) -> Source:
        reservation = await reserved(self._limiter, model, entry, request, context)
        source = await super()._source(model, entry, request, context)
        return source if reservation is None else MeteredSource(source, reservation, entry.prices)


class MeteredSource(Source):
    """A provider's stream whose reservation is settled at its end, or when it is let go of before."""

    __slots__ = (
        "_is_whole",
        "_prices",
        "_raws",
        "_reservation",
        "_source",
        "_usage",
        "is_over",
        "raw_request",
        "started",
    )

    def __init__(self, source: Source, reservation: Reservation, prices: Sequence[Price]) -> None:
        self._source = source
        self._reservation: Reservation | None = reservation
        self._usage: Usage | None = None
        self._is_whole = True
        self._prices = prices
        self._raws: list[str] | None = [] if prices and reservation.limits("cost") else None
        self.raw_request = source.raw_request
        self.started = source.started

    def take(self) -> list[StreamItem] | None:
        """Return the pieces that are there by now, perhaps none; None at the end."""
        items = self._source.take()
        self.is_over = self._source.is_over
        if items is None:
            self._settle(complete=self._is_whole)
            return None
        for item in items:
            if item.chunk is None:
                self._is_whole = False
            elif item.chunk.usage is not None:
                self._usage = largest(self._usage, item.chunk.usage)
            if self._raws is not None and item.raw:
                self._raws.append(item.raw)
        return items

    def more(self) -> Awaitable[None]:
        """Wait for the provider."""
        return self._source.more()

    def listen(self, listener: Callable[[], None]) -> bool:
        """Listen to the provider, where that can be."""
        return self._source.listen(listener)

    async def close(self) -> None:
        """Let go of the provider's stream. One that is not at its end took what it said, or its estimate."""
        self._settle(complete=False)
        await self._source.close()

    def _settle(self, *, complete: bool) -> None:
        reservation, self._reservation = self._reservation, None
        if reservation is None:
            return
        cost = cost_of(self._prices, self._raws, streamed=True) if self._raws else None
        reservation.settle(used_tokens(self._usage), cost, complete=complete)


def streamer_for(caller: ModelCaller) -> ModelStreamer:
    """Return what opens streams the way a caller calls: within the rate limits, if it has any."""
    return LimitedModelStreamer(caller) if isinstance(caller, LimitedModelCaller) else ModelStreamer(caller)


async def reserved(
    limiter: RateLimiter, model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
) -> Reservation | None:
    """Reserve for one attempt at a model that talks; see `RateLimiter.reserve`."""
    return await limiter.reserve(
        context.tags, lambda: chat_tokens(addressed(request, model, entry, filtered=context.filtered))
    )
