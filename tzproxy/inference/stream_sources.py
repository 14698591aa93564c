"""Where the pieces of a model's stream come from: a provider's answer, or a provider in this process. Hot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any

from msgspec import Struct

from tzproxy.errors import TzproxyError, UpstreamError, UpstreamProtocolError
from tzproxy.inference.model import CallContext, complete_raw
from tzproxy.providers.driving import broken_stream
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.protocol import LocalStream, ProviderSpec, StreamCutter, StreamParser, WireEvent
from tzproxy.types.model import ProviderChunk
from tzproxy.upstream import UpstreamStream


class StreamItem(Struct, frozen=True):
    """One piece, or one failure, of a stream; `raw` is the provider's own text of it."""

    chunk: ProviderChunk | None
    error: TzproxyError | None
    raw: str


class Source:
    """Where the items of one stream come from.

    Units: `started` in seconds of `time.perf_counter`. `cached`: nobody was asked, the items were kept
    earlier. `raw_response` is set where it is not what the items say.
    """

    raw_request: str
    started: float
    cached = False
    raw_response: str | None = None

    async def items(self) -> list[StreamItem] | None:
        """Return the next pieces (at least one), or None at the end."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of what the items come from."""
        raise NotImplementedError


class WireSource(Source):
    """A provider's answer as it arrives."""

    __slots__ = ("_context", "_next", "_parser", "_spec", "_stream", "raw_request", "started")

    def __init__(
        self,
        stream: UpstreamStream,
        parser: StreamParser,
        spec: ProviderSpec,
        raw_request: str,
        context: CallContext,
    ) -> None:
        self._stream = stream
        self._next: Callable[[], Awaitable[Sequence[Any] | None]] = stream.next_events
        self._parser = parser
        self._spec = spec
        self._context = context
        self.raw_request = raw_request
        self.started = perf_counter()

    async def items(self) -> list[StreamItem] | None:
        """Wait for events that say something."""
        parser = self._parser
        while not parser.done:
            waiting = perf_counter()
            try:
                events = await self._next()
            except UpstreamError as exc:
                error = broken_stream(self._spec, exc, self.raw_request, self._stream.headers)
                return [StreamItem(None, error, "")]
            finally:
                self._context.provider_seconds += perf_counter() - waiting
            if events is None:
                return None
            items = self._items(events)
            if items:
                return items
        self._stream.finish()
        return None

    def _items(self, events: Sequence[Any]) -> list[StreamItem]:
        return [item for event in events if (item := self._item(event)) is not None]

    def _item(self, data: bytes, event: str = "") -> StreamItem | None:
        if self._parser.done:
            return None
        try:
            chunk = self._parser.feed(data, event)
        except ProviderError as exc:
            complete_raw(exc, self._spec, self.raw_request)
            return StreamItem(None, exc, data.decode(errors="replace"))
        return None if chunk is None else StreamItem(chunk, None, data.decode(errors="replace"))

    async def close(self) -> None:
        """Give the connection back, or cancel what still comes."""
        await self._stream.close()


class FramedSource(WireSource):
    """A provider's answer in a format of its own, which its cutter knows."""

    __slots__ = ("_cutter",)

    def __init__(
        self,
        stream: UpstreamStream,
        parser: StreamParser,
        spec: ProviderSpec,
        raw_request: str,
        context: CallContext,
        cutter: StreamCutter,
    ) -> None:
        super().__init__(stream, parser, spec, raw_request, context)
        self._cutter = cutter
        self._next = self._cut

    async def _cut(self) -> Sequence[WireEvent] | None:
        data = await self._stream.next_bytes()
        try:
            if data is not None:
                return self._cutter.feed(data)
            self._cutter.end()
        except ValueError as exc:
            raise UpstreamProtocolError(str(exc)) from exc
        return None

    def _items(self, events: Sequence[WireEvent]) -> list[StreamItem]:
        return [item for event in events if (item := self._item(event.data, event.event)) is not None]


class LocalSource(Source):
    """The stream of a provider without a wire."""

    __slots__ = ("_events", "raw_request", "started")

    def __init__(self, local: LocalStream) -> None:
        self._events = local.events
        self.raw_request = local.raw_request
        self.started = perf_counter()

    async def items(self) -> list[StreamItem] | None:
        """Wait for the provider's next event."""
        async for event in self._events:
            chunk = event.chunk
            if isinstance(chunk, TzproxyError):
                return [StreamItem(None, chunk, event.raw)]
            return [StreamItem(chunk, None, event.raw)]
        return None

    async def close(self) -> None:
        """Have nothing to let go of."""
