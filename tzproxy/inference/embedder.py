"""Requests for embeddings by themselves: settled, counted, answered. They leave no rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from tzproxy.errors import NotFoundError, RequestError
from tzproxy.inference.cache import ModelCache
from tzproxy.inference.embedding import EmbeddingCall, EmbeddingCaller, EmbeddingContext, EmbeddingModel
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.types.embedding import EmbeddingRequest, count_inputs
from tzproxy.types.request import CacheOptions

NO_CACHE = CacheOptions()


class EmbeddingsAsked(Struct, frozen=True, kw_only=True):
    """What a client asks for."""

    model_name: str
    request: EmbeddingRequest
    credentials: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    dryrun: bool = False
    cache_options: CacheOptions = NO_CACHE


class EmbeddingModels(Protocol):
    """The embedding models of a configuration."""

    def get(self, name: str) -> EmbeddingModel | None:
        """Return a configured or shorthand model."""
        ...


class Embedder:
    """Serves embeddings. One per gateway process."""

    def __init__(
        self,
        models: EmbeddingModels,
        caller: EmbeddingCaller,
        metrics: GatewayMetrics,
        *,
        cache: ModelCache | None = None,
    ) -> None:
        self._models = models
        self._caller = caller
        self._metrics = metrics
        self._cache = cache

    async def embed(self, asked: EmbeddingsAsked) -> EmbeddingCall:
        """Embed.

        Raises:
            RequestError: for an input without anything in it, or an unknown model.
            TzproxyError: what the model fails with.
        """
        request = asked.request
        if isinstance(request.input, list) and not request.input:
            raise RequestError("Input cannot be empty")
        model = self._models.get(asked.model_name)
        if model is None:
            raise NotFoundError(f"Model not found: {asked.model_name}")
        if not asked.dryrun:
            self._metrics.count_embeddings(model.name, count_inputs(request.input))
        cache = None
        if self._cache is not None and asked.cache_options.enabled != "off":
            cache = self._cache.use(asked.cache_options, dryrun=asked.dryrun)
        context = EmbeddingContext(asked.credentials, cache, tags=asked.tags)
        call = await self._caller.embed(model, request, context)
        if not call.cached:
            usage = call.response.usage
            self._metrics.count_tokens(usage.input_tokens, usage.output_tokens)
        return call
