"""An embedding model's routing: its providers in order, each attempt once, until one answers.

Beside `model`, which does the same for models that talk. There are no retries and no streams.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from time import perf_counter

import msgspec
from msgspec import Raw, Struct, field

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.cache import CachedReply, CacheKey
from tzproxy.errors import NotFoundError, TzproxyError, UpstreamError
from tzproxy.inference.cache import CacheUse
from tzproxy.inference.cache_key import embedding_key
from tzproxy.inference.cost import Price, cost_of
from tzproxy.inference.deadlines import bounded
from tzproxy.inference.errors import AllProvidersFailedError
from tzproxy.inference.extra import NO_CHANGES, Changes, changed_body, changed_headers
from tzproxy.providers.driving import error_response, send_failure
from tzproxy.providers.dummy.embeddings import DummyEmbeddings
from tzproxy.providers.embeddings import EmbeddingProvider
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.protocol import ProviderSpec, WireRequest
from tzproxy.types.embedding import EmbeddingRequest, EmbeddingResponse, count_inputs
from tzproxy.types.usage import Usage
from tzproxy.upstream import Upstream


class EmbeddingEntry(Struct, frozen=True, kw_only=True):
    """One entry of the routing. `provider` None: the configuration names none of that name.

    Units: milliseconds.
    """

    name: str
    provider: EmbeddingProvider | DummyEmbeddings | None
    timeout_ms: int | None = None
    changes: Changes = NO_CHANGES
    prices: tuple[Price, ...] = ()


class EmbeddingModel(Struct, frozen=True, kw_only=True):
    """An embedding model. Units: milliseconds."""

    name: str
    entries: tuple[EmbeddingEntry, ...]
    timeout_ms: int | None = None


class EmbeddingCall(Struct, kw_only=True):
    """One successful call of an embedding model.

    Units: milliseconds, dollars. `failures` are the attempts before it that reached no answer.
    """

    model_name: str
    provider_name: str
    spec: ProviderSpec
    response: EmbeddingResponse
    raw_request: str
    raw_response: str
    response_time_ms: int
    cost: float | None = None
    cached: bool = False
    failures: Sequence[TzproxyError] = ()
    id: str = field(default_factory=new_uuid7)


class EmbeddingContext:
    """What the attempts of one call share. `provider_seconds` grows by the time spent waiting.

    `tags`: rate limits go by them.
    """

    __slots__ = ("cache", "credentials", "provider_seconds", "tags")

    def __init__(
        self, credentials: Mapping[str, str], cache: CacheUse | None = None, *, tags: Mapping[str, str]
    ) -> None:
        self.tags = tags
        self.credentials = credentials
        self.cache = cache
        self.provider_seconds = 0.0


class EmbeddingCaller:
    """Calls embedding models."""

    __slots__ = ("_global_timeout_s", "_upstream")

    def __init__(self, upstream: Upstream, *, global_timeout_s: float) -> None:
        self._upstream = upstream
        self._global_timeout_s = global_timeout_s

    def embed(
        self, model: EmbeddingModel, request: EmbeddingRequest, context: EmbeddingContext
    ) -> Awaitable[EmbeddingCall]:
        """Call the providers in order until one answers.

        Raises:
            AllProvidersFailedError: with every provider's failure.
            DeadlineError: when the model's own timeout passes.
            NotFoundError: when the routing names a provider that is not there.
        """
        walk = self._walk(model, request, context)
        timeout_ms = model.timeout_ms
        return walk if timeout_ms is None else bounded(walk, timeout_ms, f"Model {model.name}")

    async def _walk(
        self, model: EmbeddingModel, request: EmbeddingRequest, context: EmbeddingContext
    ) -> EmbeddingCall:
        failures: list[tuple[str, TzproxyError]] = []
        for entry in model.entries:
            if entry.provider is None:
                raise NotFoundError(f"Provider not found: {entry.name}")
            attempt: Awaitable[EmbeddingCall] = (
                self._exchange(model, entry, request, context)
                if context.cache is None or count_inputs(request.input) != 1
                else self._through_cache(model, entry, request, context, context.cache)
            )
            if entry.timeout_ms is not None:
                attempt = bounded(attempt, entry.timeout_ms, f"Model provider {entry.name}")
            try:
                call = await attempt
            except TzproxyError as exc:
                if isinstance(exc, ProviderError):
                    exc.origin = (entry.provider.spec.type, entry.provider.spec.api_type)
                failures.append((entry.name, exc))
                continue
            call.failures = [exc for _, exc in failures]
            return call
        raise AllProvidersFailedError(failures)

    async def _through_cache(
        self,
        model: EmbeddingModel,
        entry: EmbeddingEntry,
        request: EmbeddingRequest,
        context: EmbeddingContext,
        cache: CacheUse,
    ) -> EmbeddingCall:
        assert entry.provider is not None
        key = embedding_key((model.name, entry.name), request)
        kept = await _kept(cache, key)
        if kept is not None:
            reply, response = kept
            return EmbeddingCall(
                model_name=model.name,
                provider_name=entry.name,
                spec=entry.provider.spec,
                response=response,
                raw_request=reply.raw_request,
                raw_response=reply.raw_response,
                response_time_ms=0,
                cost=0.0,
                cached=True,
            )
        call = await self._exchange(model, entry, request, context)
        if len(call.response.vectors) == 1:
            cache.keep(
                key,
                output=msgspec.json.format(bytes(call.response.vectors[0]), indent=-1),
                raw=(call.raw_request, call.raw_response),
                usage=call.response.usage,
                finish_reason=None,
            )
        return call

    async def _exchange(
        self,
        model: EmbeddingModel,
        entry: EmbeddingEntry,
        request: EmbeddingRequest,
        context: EmbeddingContext,
    ) -> EmbeddingCall:
        """Ask one provider, whatever the cache knows."""
        provider = entry.provider
        assert provider is not None
        started = perf_counter()
        if isinstance(provider, DummyEmbeddings):
            response, raw_request, raw_response = await provider.embed(request, context.credentials)
            context.provider_seconds += perf_counter() - started
        else:
            wire = changed(provider.build_request(request, context.credentials), entry.changes)
            response, raw_response = await self._send(provider, wire, context)
            raw_request = wire.raw_request or ""
        return EmbeddingCall(
            model_name=model.name,
            provider_name=entry.name,
            spec=provider.spec,
            response=response,
            raw_request=raw_request,
            raw_response=raw_response,
            response_time_ms=int((perf_counter() - started) * 1000),
            cost=cost_of(entry.prices, [raw_response], streamed=False) if entry.prices else None,
        )

    async def _send(
        self, provider: EmbeddingProvider, wire: WireRequest, context: EmbeddingContext
    ) -> tuple[EmbeddingResponse, str]:
        waiting = perf_counter()
        try:
            answer = await self._upstream.send(
                wire.endpoint, wire.headers, wire.body, timeout_s=self._global_timeout_s
            )
        except UpstreamError as exc:
            raise send_failure(provider.spec, exc, raw_request=wire.raw_request) from exc
        finally:
            context.provider_seconds += perf_counter() - waiting
        if not 200 <= answer.status < 300:
            raise error_response(
                provider.spec, answer.status, answer.headers, answer.body, raw_request=wire.raw_request
            )
        try:
            response = provider.parse_response(answer.body)
        except ProviderError as exc:
            exc.raw_request = wire.raw_request
            raise
        return response, answer.body.decode(errors="replace")


def changed(wire: WireRequest, changes: Changes) -> WireRequest:
    """Apply the provider's `extra_body` and `extra_headers`; what is stored stays as it was.

    Raises:
        ProviderError: when a change does not fit the request.
    """
    if not changes:
        return wire
    return msgspec.structs.replace(
        wire,
        body=changed_body(wire.body, changes.body) if changes.body else wire.body,
        headers=changed_headers(wire.headers, changes.headers) if changes.headers else wire.headers,
    )


async def _kept(cache: CacheUse, key: CacheKey) -> tuple[CachedReply, EmbeddingResponse] | None:
    reply = await cache.find(key)
    if reply is None or reply.output[:1] not in ("[", '"'):
        return None
    usage = Usage(reply.input_tokens, reply.output_tokens)
    return reply, EmbeddingResponse(vectors=[Raw(reply.output.encode())], usage=usage)
