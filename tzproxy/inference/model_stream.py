"""A model's routing for streams: the first provider whose stream gives a first piece serves it. Hot.

After the first piece nothing falls back any more: failures are handed on as items of the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import cast

from tzproxy._speedups.ids import new_uuid7
from tzproxy.errors import TzproxyError, UpstreamError
from tzproxy.inference.addressee import addressed, check_provider_tools
from tzproxy.inference.cached_stream import KeptSource, replayed
from tzproxy.inference.cost import cost_of
from tzproxy.inference.deadlines import Deadline, begin_by
from tzproxy.inference.errors import AllProvidersFailedError, DeadlineError
from tzproxy.inference.model import (
    CallContext,
    Model,
    ModelCall,
    ModelCaller,
    ModelProvider,
    attributed,
    built,
    changes_for,
    local_extras,
    prepare,
    raw_request_of,
)
from tzproxy.inference.stream_sources import FramedSource, LocalSource, Source, StreamItem, WireSource
from tzproxy.providers.driving import empty_stream, is_stream, send_failure, stream_refusal
from tzproxy.providers.errors import FatalStreamError
from tzproxy.providers.protocol import FramedProvider, ProviderSpec
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.upstream import UpstreamStream


class ModelStream:
    """An open stream of one model.

    `is_over`: `take` gives None next, as far as that is known; who listens has to look.
    """

    __slots__ = (
        "_ended",
        "_first",
        "_heard_at",
        "_source",
        "call_id",
        "deadlines",
        "failures",
        "is_over",
        "model_name",
        "prices",
        "provider_name",
        "raw_request",
        "request",
        "spec",
        "started",
        "ttft_ms",
    )

    def __init__(self, source: Source, model: Model, entry: ModelProvider, request: ModelRequest) -> None:
        self._source = source
        self._first: list[StreamItem] | None = None
        self._ended = False
        self.is_over = False
        self._heard_at = source.started
        self.model_name = model.name
        self.provider_name = entry.name
        self.spec: ProviderSpec = entry.spec
        self.prices = entry.prices
        self.request = request
        self.raw_request = source.raw_request
        self.started = source.started
        self.ttft_ms = 0
        self.failures: Sequence[TzproxyError] = ()
        self.deadlines: list[Deadline] = []
        self.call_id = new_uuid7()

    async def open(self) -> None:
        """Wait for the first piece.

        Raises:
            ProviderError: when the stream begins with a failure or ends before it began.
        """
        items = await self._source.items()
        if items is None:
            raise empty_stream(self.spec, self.provider_name, self.raw_request)
        if items[0].error is not None:
            raise items[0].error
        self._first = items
        self.ttft_ms = int((perf_counter() - self.started) * 1000)

    def take(self) -> list[StreamItem] | None:
        """Return the pieces that are there by now, perhaps none; None at the end."""
        if self._first is not None:
            items: list[StreamItem] | None = self._first
            self._first = None
        elif self._ended:
            return None
        else:
            source = self._source
            items = source.take()
            self.is_over = source.is_over
        if items:
            self._heard_at = perf_counter()
            error = items[-1].error
            if error is not None and isinstance(error, FatalStreamError | DeadlineError):
                self._ended = self.is_over = True
        return items

    def more(self) -> Awaitable[None]:
        """Return what is done when there may be more to take; who gives up waiting closes the stream."""
        return self.in_time(self._source.more())

    def listen(self, listener: Callable[[], None]) -> bool:
        """Have `listener` called whenever there may be more to take; False where only `more` tells so."""
        return self._source.listen(listener)

    def in_time(self, waiting: Awaitable[None]) -> Awaitable[None]:
        """Wait until the nearest deadline; when it passes, its error is what there is to take."""
        return self._bounded(waiting) if self.deadlines else waiting

    async def _bounded(self, waiting: Awaitable[None]) -> None:
        nearest = min(self.deadlines, key=lambda deadline: deadline.at)
        try:
            async with asyncio.timeout_at(nearest.at):
                await waiting
        except TimeoutError:
            await self.close()
            self._first = [StreamItem(None, nearest.error, "")]

    async def close(self) -> None:
        """Let go of the connection; an unfinished stream is cancelled at the provider."""
        self._ended = True
        await self._source.close()

    def finished(self, response: ProviderResponse, raws: Sequence[str]) -> ModelCall:
        """Return the call that this stream was, from its pieces put together and the provider's texts."""
        source = self._source
        if source.cached:
            cost: float | None = 0.0
        else:
            cost = cost_of(self.prices, raws, streamed=True) if self.prices else None
        return ModelCall(
            model_name=self.model_name,
            provider_name=self.provider_name,
            spec=self.spec,
            request=self.request,
            response=response,
            raw_request=self.raw_request,
            raw_response="\n".join(raws) if source.raw_response is None else source.raw_response,
            response_time_ms=int((self._heard_at - self.started) * 1000),
            ttft_ms=self.ttft_ms,
            cost=cost,
            cached=source.cached,
            failures=self.failures,
            id=self.call_id,
        )


class ModelStreamer:
    """Opens streams of models over a caller's connections."""

    __slots__ = ("caller",)

    def __init__(self, caller: ModelCaller) -> None:
        self.caller = caller

    async def open(self, model: Model, request: ModelRequest, context: CallContext) -> ModelStream:
        """Open the stream of the first provider in order whose stream begins.

        Raises:
            AllProvidersFailedError: with every provider's failure.
            DeadlineError: when the model's own timeout passes before the first piece.
        """
        async with begin_by(model.timeouts, f"Model {model.name}") as rest:
            stream = await self._walk(model, request, context)
        stream.deadlines.extend(rest)
        return stream

    async def _walk(self, model: Model, request: ModelRequest, context: CallContext) -> ModelStream:
        failures: list[tuple[str, TzproxyError]] = []
        for entry in model.providers:
            try:
                async with begin_by(entry.timeouts, f"Model provider {entry.name}") as rest:
                    stream = await self._attempt(model, entry, request, context)
            except TzproxyError as exc:
                failures.append((entry.name, attributed(exc, entry)))
                continue
            stream.deadlines.extend(rest)
            stream.failures = [exc for _, exc in failures]
            return stream
        raise AllProvidersFailedError(failures)

    async def _attempt(
        self, model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
    ) -> ModelStream:
        request = addressed(request, model, entry, filtered=context.filtered)
        check_provider_tools(request, model, entry)
        cache = context.cache
        if cache is None:
            source = await self._source(model, entry, request, context)
        else:
            key = cache.key(model.name, entry.name, request, context)
            kept = await replayed(cache, key)
            source = kept or KeptSource(await self._source(model, entry, request, context), cache, key)
        stream = ModelStream(source, model, entry, request)
        try:
            await stream.open()
        except BaseException:
            await stream.close()
            raise
        return stream

    async def _source(
        self, model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
    ) -> Source:
        if entry.wire is None:
            assert entry.local is not None
            extras = local_extras(changes_for(model, entry, context))
            return LocalSource(await entry.local.stream(request, context.credentials, extras))
        if entry.spec.prepares:
            await prepare(entry.wire, context)
        if context.files is not None:
            request = await context.files.ready(request, entry.spec.forwards_url)
        wire = built(entry.wire, model, entry, request, context)
        raw_request = raw_request_of(wire)
        started = perf_counter()
        try:
            opened = await self.caller.upstream.open(
                wire.endpoint,
                wire.headers,
                wire.body,
                wants_events=entry.spec.stream_format == "sse",
                first_byte_timeout_s=None,
                timeout_s=self.caller.global_timeout_s,
            )
            if is_stream(opened.status, opened.headers, entry.spec):
                source = _wire_source(opened, entry, request, raw_request, context)
                source.started = started
                return source
            body = await opened.read_all()
        except UpstreamError as exc:
            raise send_failure(entry.spec, exc, raw_request) from exc
        finally:
            context.provider_seconds += perf_counter() - started
        raise stream_refusal(entry.spec, opened.status, opened.headers, body, raw_request)


def _wire_source(
    opened: UpstreamStream,
    entry: ModelProvider,
    request: ModelRequest,
    raw_request: str,
    context: CallContext,
) -> WireSource:
    wire, spec = entry.wire, entry.spec
    assert wire is not None
    parser = wire.stream_parser(request, opened.headers)
    if spec.stream_format == "sse":
        return WireSource(opened, parser, spec, raw_request, context)
    cutter = cast("FramedProvider", wire).stream_cutter()
    return FramedSource(opened, parser, spec, raw_request, context, cutter)
