"""A model's routing: its providers in order, each attempt once, until one answers. Hot.

The one place that drives providers: it sends what they build and hands them what comes back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from time import perf_counter
from types import MappingProxyType
from typing import Protocol, cast

from msgspec import Raw, Struct, field

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.dicl import LearningExample
from tzproxy.errors import TzproxyError, UpstreamError
from tzproxy.inference.addressee import addressed, check_provider_tools
from tzproxy.inference.cache import CacheUse, answer_of
from tzproxy.inference.cost import Price, cost_of
from tzproxy.inference.deadlines import NO_TIMEOUTS, Timeouts, bounded
from tzproxy.inference.embedding import EmbeddingCaller
from tzproxy.inference.errors import AllProvidersFailedError
from tzproxy.inference.extra import NO_CHANGES, Changes, changed_body, changed_headers, matching
from tzproxy.inference.files.keep import InferenceFiles
from tzproxy.providers.batches import BatchApi
from tzproxy.providers.driving import error_response, send_failure
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.files import stored_body
from tzproxy.providers.protocol import (
    NO_EXTRAS,
    LocalExtras,
    LocalProvider,
    PreparedProvider,
    Provider,
    ProviderSpec,
    SigningProvider,
    WireRequest,
)
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.request import ExtraBody, ExtraHeader
from tzproxy.upstream import NO_HEADERS, Upstream


class ModelProvider(Struct, frozen=True, kw_only=True):
    """One entry of a model's routing: a provider with a wire, or one that answers in this process.

    `batch` is set where the provider takes many requests at once, to be asked for later.
    """

    name: str
    spec: ProviderSpec
    wire: Provider | None
    local: LocalProvider | None = None
    timeouts: Timeouts = NO_TIMEOUTS
    changes: Changes = NO_CHANGES
    prices: tuple[Price, ...] = ()
    batch: BatchApi | None = None
    batch_prices: tuple[Price, ...] = ()


class Model(Struct, frozen=True, kw_only=True):
    """A model: what the configuration or a shorthand name made of it."""

    name: str
    providers: tuple[ModelProvider, ...]
    timeouts: Timeouts = NO_TIMEOUTS
    namespace: str | None = None


NO_TAGS: Mapping[str, str] = MappingProxyType({})


class CallContext(Struct, kw_only=True, eq=False):
    """What the attempts of one inference share. `provider_seconds` grows by the time spent waiting.

    `cache` is set for a request that asks for the cache, `files` for one with files that are elsewhere.
    `tags` are the inference's: rate limits go by them.
    """

    variant_name: str
    credentials: Mapping[str, str]
    tags: Mapping[str, str] = NO_TAGS
    changes: Changes = NO_CHANGES
    extra_body: Sequence[ExtraBody] = ()
    extra_headers: Sequence[ExtraHeader] = ()
    filtered: bool = False
    cache: CacheUse | None = None
    files: InferenceFiles | None = None
    provider_seconds: float = 0.0

    # What is shown of a Struct would be the credentials too.
    __repr__ = object.__repr__


class ModelCall(Struct, kw_only=True):
    """One successful call of a model, as it is answered and recorded.

    Units: milliseconds, dollars. `failures` are the attempts before it that reached no answer.
    """

    model_name: str
    provider_name: str
    spec: ProviderSpec
    request: ModelRequest
    response: ProviderResponse
    raw_request: str
    raw_response: str
    response_time_ms: int
    ttft_ms: int | None = None
    cost: float | None = None
    cached: bool = False
    failures: Sequence[TzproxyError] = ()
    id: str = field(default_factory=new_uuid7)
    """Of the row, and of the raw parts of the answer."""


class ExampleLookup(Protocol):
    """Finds examples. See `tzproxy.clickhouse.queries.dicl.LearningExamples`."""

    async def nearest(
        self, vector: Sequence[float], *, function_name: str, variant_name: str, k: int
    ) -> list[LearningExample]:
        """Return up to `k` examples of a variant, the nearest first.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        ...


class ModelCaller:
    """Calls models. One per gateway process; holds the connections, and the way to learning examples.

    `embedder` calls embedding models over the same connections.
    """

    __slots__ = ("embedder", "examples", "global_timeout_s", "upstream")

    def __init__(
        self, upstream: Upstream, *, global_timeout_s: float, examples: ExampleLookup | None = None
    ) -> None:
        self.upstream = upstream
        self.examples = examples
        self.global_timeout_s = global_timeout_s
        self.embedder = EmbeddingCaller(upstream, global_timeout_s=global_timeout_s)

    def infer(self, model: Model, request: ModelRequest, context: CallContext) -> Awaitable[ModelCall]:
        """Call the providers in order until one answers.

        Raises:
            AllProvidersFailedError: with every provider's failure.
            DeadlineError: when the model's own timeout passes.
        """
        # PERF: no coroutine of its own where there is nothing to add (test_100_requests).
        walk = self._walk(model, request, context)
        total_ms = model.timeouts.total_ms
        return walk if total_ms is None else bounded(walk, total_ms, f"Model {model.name}")

    async def _walk(self, model: Model, request: ModelRequest, context: CallContext) -> ModelCall:
        failures: list[tuple[str, TzproxyError]] = []
        for entry in model.providers:
            # PERF: what asks for no cache goes straight to the provider (test_100_requests).
            attempt: Awaitable[ModelCall] = (
                self._exchange(model, entry, request, context)
                if context.cache is None
                else self._through_cache(model, entry, request, context, context.cache)
            )
            total_ms = entry.timeouts.total_ms
            if total_ms is not None:
                attempt = bounded(attempt, total_ms, f"Model provider {entry.name}")
            try:
                call = await attempt
            except TzproxyError as exc:
                failures.append((entry.name, attributed(exc, entry)))
                continue
            if failures:
                call.failures = [exc for _, exc in failures]
            return call
        raise AllProvidersFailedError(failures)

    async def _through_cache(
        self,
        model: Model,
        entry: ModelProvider,
        request: ModelRequest,
        context: CallContext,
        cache: CacheUse,
    ) -> ModelCall:
        request = addressed(request, model, entry, filtered=context.filtered)
        check_provider_tools(request, model, entry)
        key = cache.key(model.name, entry.name, request, context)
        kept = await cache.find(key)
        answer = None if kept is None else answer_of(kept)
        if kept is not None and answer is not None:
            return ModelCall(
                model_name=model.name,
                provider_name=entry.name,
                spec=entry.spec,
                request=request,
                response=answer,
                raw_request=kept.raw_request,
                raw_response=kept.raw_response,
                response_time_ms=0,
                cost=0.0,
                cached=True,
            )
        call = await self._exchange(model, entry, request, context)
        cache.keep_answer(key, request, call.response, raw=(call.raw_request, call.raw_response))
        return call

    async def _exchange(
        self, model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
    ) -> ModelCall:
        """Ask one provider, whatever the cache knows."""
        # The same names, mostly; equal ones that are not the same are found out there.
        if (
            context.filtered
            or request.provider_name is not entry.name
            or request.model_name is not model.name
        ):
            request = addressed(request, model, entry, filtered=context.filtered)
        if request.tool_config is not None:
            check_provider_tools(request, model, entry)
        provider = entry.wire
        if provider is None:
            return await _exchange_inside(model, entry, request, context)
        whole = request
        if context.files is not None:
            whole = await context.files.ready(request, entry.spec.forwards_url)
        started = perf_counter()
        if entry.spec.prepares:
            await prepare(provider, context)
        wire = built(provider, model, entry, whole, context)
        waiting = perf_counter()
        try:
            answer = await self.upstream.send(
                wire.endpoint, wire.headers, wire.body, timeout_s=self.global_timeout_s
            )
        except UpstreamError as exc:
            raise send_failure(entry.spec, exc, raw_request_of(wire)) from exc
        finally:
            context.provider_seconds += perf_counter() - waiting
        raw_request = raw_request_of(wire)
        if not 200 <= answer.status < 300:
            raise error_response(entry.spec, answer.status, answer.headers, answer.body, raw_request)
        try:
            response = provider.parse_response(answer.body, answer.headers, whole)
        except ProviderError as exc:
            complete_raw(exc, entry.spec, raw_request)
            raise
        raw_response = answer.body.decode("utf-8", "replace")
        return ModelCall(
            model_name=model.name,
            provider_name=entry.name,
            spec=entry.spec,
            request=request,
            response=response,
            raw_request=raw_request,
            raw_response=raw_response,
            response_time_ms=int((perf_counter() - started) * 1000),
            cost=_cost(entry, raw_response) if entry.prices else None,
        )


async def _exchange_inside(
    model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
) -> ModelCall:
    """Ask a provider that answers in this process."""
    assert entry.local is not None
    started = perf_counter()
    extras = local_extras(changes_for(model, entry, context))
    answer = await entry.local.infer(request, context.credentials, extras)
    context.provider_seconds += perf_counter() - started
    return ModelCall(
        model_name=model.name,
        provider_name=entry.name,
        spec=entry.spec,
        request=request,
        response=answer.response,
        raw_request=answer.raw_request,
        raw_response=answer.raw_response,
        response_time_ms=int((perf_counter() - started) * 1000),
        cost=_cost(entry, answer.raw_response) if entry.prices else None,
    )


def _cost(entry: ModelProvider, raw_response: str) -> float | None:
    return cost_of(entry.prices, [raw_response], streamed=False)


def attributed(error: TzproxyError, entry: ModelProvider) -> TzproxyError:
    """Note on a provider's failure which provider it was, for `raw_response` entries."""
    if isinstance(error, ProviderError):
        error.origin = (entry.spec.type, entry.spec.api_type)
    return error


def raw_request_of(wire: WireRequest) -> str:
    """Return what is stored as the request: the body, or the provider's redacted form of it."""
    return wire.body.decode() if wire.raw_request is None else wire.raw_request


def complete_raw(error: ProviderError, spec: ProviderSpec, raw_request: str) -> None:
    """Give an error of a parser the request it did not know, if this provider keeps it."""
    if error.raw_request is None and spec.keeps_raw_request_on_error:
        error.raw_request = raw_request


def changes_for(model: Model, entry: ModelProvider, context: CallContext) -> Changes:
    """Collect the changes of all levels for one attempt; later levels win. None at all are `NO_CHANGES`."""
    if context.changes is NO_CHANGES and entry.changes is NO_CHANGES:
        changes = NO_CHANGES
    else:
        changes = context.changes.then(entry.changes)
    if not context.extra_body and not context.extra_headers:
        return changes
    return changes.then(
        matching(
            context.extra_body,
            context.extra_headers,
            variant=context.variant_name,
            model=model.name,
            provider=entry.name,
        )
    )


async def prepare(provider: Provider, context: CallContext) -> None:
    """Let a provider fetch what its requests need, such as a token; at once when it still has it."""
    await cast(PreparedProvider, provider).prepare(context.credentials)


def built(
    provider: Provider, model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
) -> WireRequest:
    """Build the provider's request with all changes applied, signed if the provider signs.

    Raises:
        ProviderError: when it cannot be built, or a change does not fit it.
    """
    wire = provider.build_request(request, context.credentials)
    changes = changes_for(model, entry, context)
    if changes is not NO_CHANGES:
        body = changed_body(wire.body, changes.body) if changes.body else wire.body
        wire = WireRequest(
            wire.endpoint,
            changed_headers(wire.headers, changes.headers) if changes.headers else wire.headers,
            body,
            wire.raw_request
            if wire.raw_request is None or not changes.body
            else stored_body(body, request.messages),
        )
    if entry.spec.signs:
        wire = cast(SigningProvider, provider).sign(wire, context.credentials)
    return wire


def local_extras(changes: Changes) -> LocalExtras:
    """Apply changes to an empty body, for a provider without a wire."""
    if not changes:
        return NO_EXTRAS
    headers = changed_headers(NO_HEADERS, changes.headers)
    return LocalExtras(body=Raw(changed_body(b"{}", changes.body)), headers=tuple(headers.pairs))
