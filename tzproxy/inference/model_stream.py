"""A model's routing for streams: the first provider whose stream gives a first piece serves it. Hot.

After the first piece nothing falls back any more: failures are handed on as items of the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter

from msgspec import Struct

from tzproxy.errors import TzproxyError, UpstreamError
from tzproxy.inference.errors import AllProvidersFailedError, DeadlineError
from tzproxy.inference.model import (
    CallContext,
    Model,
    ModelCaller,
    ModelProvider,
    Timeouts,
    addressed,
    attributed,
    built,
    changes_for,
    check_provider_tools,
    complete_raw,
    local_extras,
    prepare,
    raw_request_of,
    timed_out,
)
from tzproxy.providers.driving import (
    broken_stream,
    empty_stream,
    is_stream,
    send_failure,
    stream_refusal,
)
from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.providers.protocol import LocalStream, ProviderSpec, StreamParser
from tzproxy.types.model import ModelRequest, ProviderChunk
from tzproxy.upstream import UpstreamStream


class StreamItem(Struct, frozen=True):
    """One piece, or one failure, of a stream; `raw` is the provider's own text of it."""

    chunk: ProviderChunk | None
    error: TzproxyError | None
    raw: str


class Deadline(Struct, frozen=True):
    """A moment after which a stream is over. Units: `at` in seconds of the event loop's clock."""

    at: float
    error: DeadlineError


class ModelStream:
    """An open stream of one model. `first` are the items that came before it was handed over."""

    __slots__ = (
        "_ended",
        "_first",
        "_source",
        "deadlines",
        "failures",
        "model_name",
        "prices",
        "provider_name",
        "raw_request",
        "request",
        "response_time_ms",
        "spec",
        "started",
        "ttft_ms",
    )

    def __init__(self, source: _Source, model: Model, entry: ModelProvider, request: ModelRequest) -> None:
        self._source = source
        self._first: list[StreamItem] | None = None
        self._ended = False
        self.model_name = model.name
        self.provider_name = entry.name
        self.spec: ProviderSpec = entry.spec
        self.prices = entry.prices
        self.request = request
        self.raw_request = source.raw_request
        self.started = source.started
        self.ttft_ms = 0
        self.response_time_ms = 0
        self.failures: Sequence[TzproxyError] = ()
        self.deadlines: list[Deadline] = []

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

    async def items(self) -> list[StreamItem] | None:
        """Return the next pieces (at least one), or None at the end."""
        if self._first is not None:
            items: list[StreamItem] | None = self._first
            self._first = None
        elif self._ended:
            return None
        else:
            items = await self._bounded()
        if items is not None:
            self.response_time_ms = int((perf_counter() - self.started) * 1000)
            if isinstance(items[-1].error, FatalStreamError | DeadlineError):
                self._ended = True
        return items

    async def _bounded(self) -> list[StreamItem] | None:
        if not self.deadlines:
            return await self._source.items()
        nearest = min(self.deadlines, key=lambda deadline: deadline.at)
        try:
            async with asyncio.timeout_at(nearest.at):
                return await self._source.items()
        except TimeoutError:
            await self.close()
            return [StreamItem(None, nearest.error, "")]

    async def close(self) -> None:
        """Let go of the connection; an unfinished stream is cancelled at the provider."""
        self._ended = True
        await self._source.close()


class _Source:
    """Where the items of one stream come from."""

    raw_request: str
    started: float

    async def items(self) -> list[StreamItem] | None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class _WireSource(_Source):
    __slots__ = ("_context", "_parser", "_spec", "_stream", "raw_request", "started")

    def __init__(
        self,
        stream: UpstreamStream,
        parser: StreamParser,
        spec: ProviderSpec,
        raw_request: str,
        context: CallContext,
    ) -> None:
        self._stream = stream
        self._parser = parser
        self._spec = spec
        self._context = context
        self.raw_request = raw_request
        self.started = perf_counter()

    async def items(self) -> list[StreamItem] | None:
        parser = self._parser
        while not parser.done:
            waiting = perf_counter()
            try:
                events = await self._stream.next_events()
            except UpstreamError as exc:
                error = broken_stream(self._spec, exc, self.raw_request, self._stream.headers)
                return [StreamItem(None, error, "")]
            finally:
                self._context.provider_seconds += perf_counter() - waiting
            if events is None:
                return None
            items = [item for event in events if (item := self._item(event)) is not None]
            if items:
                return items
        self._stream.finish()
        return None

    def _item(self, event: bytes) -> StreamItem | None:
        if self._parser.done:
            return None
        try:
            chunk = self._parser.feed(event)
        except ProviderError as exc:
            complete_raw(exc, self._spec, self.raw_request)
            return StreamItem(None, exc, event.decode(errors="replace"))
        return None if chunk is None else StreamItem(chunk, None, event.decode(errors="replace"))

    async def close(self) -> None:
        await self._stream.close()


class _LocalSource(_Source):
    __slots__ = ("_events", "raw_request", "started")

    def __init__(self, local: LocalStream) -> None:
        self._events = local.events
        self.raw_request = local.raw_request
        self.started = perf_counter()

    async def items(self) -> list[StreamItem] | None:
        async for event in self._events:
            chunk = event.chunk
            if isinstance(chunk, TzproxyError):
                return [StreamItem(None, chunk, event.raw)]
            return [StreamItem(chunk, None, event.raw)]
        return None

    async def close(self) -> None:
        return None


class ModelStreamer:
    """Opens streams of models over a caller's connections."""

    __slots__ = ("_caller",)

    def __init__(self, caller: ModelCaller) -> None:
        self._caller = caller

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
        source = await self._source(model, entry, request, context)
        stream = ModelStream(source, model, entry, request)
        try:
            await stream.open()
        except BaseException:
            await stream.close()
            raise
        return stream

    async def _source(
        self, model: Model, entry: ModelProvider, request: ModelRequest, context: CallContext
    ) -> _Source:
        if entry.wire is None:
            assert entry.local is not None
            extras = local_extras(changes_for(model, entry, context))
            return _LocalSource(await entry.local.stream(request, context.credentials, extras))
        if entry.spec.prepares:
            await prepare(entry.wire, context)
        wire = built(entry.wire, model, entry, request, context)
        raw_request = raw_request_of(wire)
        started = perf_counter()
        try:
            opened = await self._caller.upstream.open(
                wire.endpoint,
                wire.headers,
                wire.body,
                first_byte_timeout_s=None,
                timeout_s=self._caller.global_timeout_s,
            )
            if is_stream(opened.status, opened.headers):
                parser = entry.wire.stream_parser(request, opened.headers)
                source = _WireSource(opened, parser, entry.spec, raw_request, context)
                source.started = started
                return source
            body = await opened.read_all()
        except UpstreamError as exc:
            raise send_failure(entry.spec, exc, raw_request) from exc
        finally:
            context.provider_seconds += perf_counter() - started
        raise stream_refusal(entry.spec, opened.status, opened.headers, body, raw_request)


class begin_by:
    """Bound the time to a stream's first piece; yields the deadlines that go on after it."""

    __slots__ = ("_limit", "_owner", "_rest", "_timeouts")

    def __init__(self, timeouts: Timeouts, owner: str) -> None:
        self._timeouts = timeouts
        self._owner = owner
        self._limit: asyncio.Timeout | None = None
        self._rest: list[Deadline] = []

    async def __aenter__(self) -> list[Deadline]:
        """Start the clock."""
        timeouts = self._timeouts
        if timeouts.stream_ttft_ms is None and timeouts.stream_total_ms is None:
            return self._rest
        if timeouts.stream_total_ms is not None:
            at = asyncio.get_running_loop().time() + timeouts.stream_total_ms / 1000
            error = timed_out(self._owner, "streaming.total_ms", timeouts.stream_total_ms)
            self._rest.append(Deadline(at, error))
        self._limit = asyncio.timeout(self._first_ms() / 1000)
        await self._limit.__aenter__()
        return self._rest

    def _first_ms(self) -> int:
        return min(
            ms for ms in (self._timeouts.stream_ttft_ms, self._timeouts.stream_total_ms) if ms is not None
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: object
    ) -> None:
        """Stop the clock.

        Raises:
            DeadlineError: when it ran out.
        """
        if self._limit is None:
            return
        try:
            await self._limit.__aexit__(kind, exc, trace)  # type: ignore[arg-type]
        except TimeoutError as late:
            milliseconds = self._first_ms()
            key = "ttft_ms" if milliseconds == self._timeouts.stream_ttft_ms else "total_ms"
            raise timed_out(self._owner, f"streaming.{key}", milliseconds) from late
