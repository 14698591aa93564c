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
from tzproxy.providers.protocol import (
    LocalEvent,
    LocalStream,
    ProviderSpec,
    StreamCutter,
    StreamParser,
    WireEvent,
)
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
    earlier. `raw_response` is set where it is not what the items say. `is_over`: `take` gives None next, as
    far as that is known; who listens has to look.
    """

    raw_request: str
    started: float
    cached = False
    is_over = False
    raw_response: str | None = None

    def take(self) -> list[StreamItem] | None:
        """Return the pieces that are there by now, perhaps none; None at the end."""
        raise NotImplementedError

    def more(self) -> Awaitable[None]:
        """Return what is done when there may be more to take; who gives up waiting closes the source."""
        raise NotImplementedError

    def listen(self, listener: Callable[[], None]) -> bool:
        """Have `listener` called whenever there may be more to take; False where only `more` tells so."""
        return False

    async def items(self) -> list[StreamItem] | None:
        """Wait for the next pieces (at least one), or return None at the end."""
        while True:
            items = self.take()
            if items is None or items:
                return items
            await self.more()

    async def close(self) -> None:
        """Let go of what the items come from."""
        raise NotImplementedError


class WireSource(Source):
    """A provider's answer as it arrives."""

    __slots__ = (
        "_context",
        "_is_listened",
        "_next",
        "_parser",
        "_spec",
        "_stream",
        "_waiting_since",
        "is_over",
        "raw_request",
        "started",
    )

    def __init__(
        self,
        stream: UpstreamStream,
        parser: StreamParser,
        spec: ProviderSpec,
        raw_request: str,
        context: CallContext,
    ) -> None:
        self._stream = stream
        self._next: Callable[[], Sequence[Any] | None] = stream.take_events
        self._parser = parser
        self._spec = spec
        self._context = context
        self.raw_request = raw_request
        self.started = perf_counter()
        self._waiting_since = 0.0
        self._is_listened = False
        self.is_over = False

    def take(self) -> list[StreamItem] | None:
        """Return the events that have come and say something."""
        since = self._waiting_since
        if since:
            self._waiting_since = 0.0
            self._context.provider_seconds += perf_counter() - since
        parser = self._parser
        if not parser.done:
            try:
                events = self._next()
            except UpstreamError as exc:
                error = broken_stream(self._spec, exc, self.raw_request, self._stream.headers)
                return [StreamItem(None, error, "")]
            if events is None:
                return None
            items = self._items(events)
            self.is_over = parser.done
            if not self.is_over and (self._is_listened or not items):
                self._waiting_since = perf_counter()
                return items
            if items:
                return items
        self._stream.finish()
        return None

    def more(self) -> Awaitable[None]:
        """Wait for the provider."""
        return self._stream.more()

    def listen(self, listener: Callable[[], None]) -> bool:
        """Listen to the connection."""
        self._is_listened = True
        self._stream.listen(listener)
        return True

    def _items(self, events: Sequence[Any]) -> list[StreamItem]:
        parser = self._parser
        items: list[StreamItem] = []
        for data in events:
            try:
                chunk = parser.feed(data)
                if chunk is not None:
                    items.append(StreamItem(chunk, None, data.decode(errors="replace")))
            except ProviderError as exc:
                items.append(self._unreadable(exc, data))
            if parser.done:
                break
        return items

    def _unreadable(self, error: ProviderError, data: bytes) -> StreamItem:
        complete_raw(error, self._spec, self.raw_request)
        return StreamItem(None, error, data.decode(errors="replace"))

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

    def _cut(self) -> Sequence[WireEvent] | None:
        data = self._stream.take_bytes()
        try:
            if data is not None:
                return self._cutter.feed(data)
            self._cutter.end()
        except ValueError as exc:
            raise UpstreamProtocolError(str(exc)) from exc
        return None

    def _items(self, events: Sequence[WireEvent]) -> list[StreamItem]:
        return [item for event in events if (item := self._item(event.data, event.event)) is not None]

    def _item(self, data: bytes, event: str) -> StreamItem | None:
        if self._parser.done:
            return None
        try:
            chunk = self._parser.feed(data, event)
        except ProviderError as exc:
            return self._unreadable(exc, data)
        return None if chunk is None else StreamItem(chunk, None, data.decode(errors="replace"))


class LocalSource(Source):
    """The stream of a provider without a wire."""

    __slots__ = ("_event", "_events", "_is_over", "raw_request", "started")

    def __init__(self, local: LocalStream) -> None:
        self._events = local.events
        self._event: LocalEvent | None = None
        self._is_over = False
        self.raw_request = local.raw_request
        self.started = perf_counter()

    def take(self) -> list[StreamItem] | None:
        """Return the event that was waited for."""
        event, self._event = self._event, None
        if event is None:
            return None if self._is_over else []
        chunk = event.chunk
        if isinstance(chunk, TzproxyError):
            return [StreamItem(None, chunk, event.raw)]
        return [StreamItem(chunk, None, event.raw)]

    async def more(self) -> None:
        """Wait for the provider's next event."""
        self._event = await anext(self._events, None)
        self._is_over = self._event is None

    async def close(self) -> None:
        """Have nothing to let go of."""
