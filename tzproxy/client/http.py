"""Carries calls over HTTP, by the client that the gateway has for its providers. On the engine's loop.

Connections are opened by the first call and kept, until the client is closed or collected. They belong to the
process: a forked child opens its own.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from tzproxy import __version__
from tzproxy.client.calls import Call
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.loop import EngineLoop, engine_loop
from tzproxy.client.reading import stream_error
from tzproxy.client.streams import timed_out
from tzproxy.client.surroundings import environment
from tzproxy.client.transport import FIRST_ERROR_STATUS, refused
from tzproxy.errors import UpstreamError, UpstreamTimeoutError
from tzproxy.upstream import Endpoint, HeaderBlock, Upstream, UpstreamResponse, UpstreamSettings
from tzproxy.upstream.stream import UpstreamStream

A = TypeVar("A", UpstreamResponse, UpstreamStream)
USER_AGENT = f"tzproxy-python/{__version__}"
# Programs ask many things at once; who limits that is the gateway or the program, not the client.
MOST_CONNECTIONS = 10_000
MOST_BYTES = 1 << 32
REDIRECTS = frozenset({307, 308})
"""Those that ask for the same request elsewhere; the others would make another request of it."""

MOST_REDIRECTS = 10
EVENTS = "text/event-stream"


class Address(Struct, frozen=True, kw_only=True):
    """Where the gateway is, and how long to wait for it (seconds, a whole request; None: for ever)."""

    url: str
    timeout_s: float | None = None
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"Address(url={self.url!r})"


def address_of(gateway_url: str, timeout: float | None, api_key: str | None) -> Address:
    """Check what a program says of its gateway; of the URL, blanks around it, query and fragment are dropped.

    Raises:
        ValueError: for what is no HTTP URL, or no time.
    """
    try:
        Endpoint.parse(gateway_url)
    except ValueError as exc:
        raise ValueError(f"Invalid gateway URL: {exc}") from exc
    url = urlunsplit(urlsplit(gateway_url.strip())._replace(query="", fragment="")).rstrip("/")
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"Invalid timeout: {timeout!r} seconds")
    return Address(url=url, timeout_s=timeout, api_key=api_key)


class HttpCarrier:
    """Carries the calls of one client."""

    def __init__(self, address: Address) -> None:
        """Check the key.

        Raises:
            TensorZeroInternalError: when no header can hold it. The key is not in the message.
        """
        self._address = address
        self._upstream: Upstream | None = None
        self._forgotten: weakref.finalize[[int, EngineLoop, Upstream], HttpCarrier] | None = None
        self._pid = os.getpid()
        keys = {} if address.api_key is None else {"authorization": f"Bearer {address.api_key}"}
        try:
            self._headers = HeaderBlock.of(keys.items())
        except ValueError as exc:
            raise TensorZeroInternalError(f"Failed to construct TensorZero client: {exc}") from exc

    @property
    def loop(self) -> EngineLoop:
        """As `Carrier.loop`."""
        return engine_loop()

    def _opened(self) -> Upstream:
        if self._upstream is None or self._pid != os.getpid():
            settings = UpstreamSettings.from_environ(environment(), user_agent=USER_AGENT)
            self._upstream = Upstream(_with_room(settings))
            self._pid = os.getpid()
            self._forgotten = weakref.finalize(self, _abandon, self._pid, self.loop, self._upstream)
            self._forgotten.atexit = False
        return self._upstream

    async def whole(self, call: Call[Any]) -> tuple[int, bytes]:
        """As `Carrier.whole`."""
        upstream = self._opened()

        def send(endpoint: Endpoint, headers: HeaderBlock) -> Awaitable[UpstreamResponse]:
            timeout_s = self._address.timeout_s
            return upstream.send(endpoint, headers, call.body or b"", method=call.method, timeout_s=timeout_s)

        response = await self._asked(call, send)
        return response.status, response.body

    async def begun(self, call: Call[Any]) -> HttpSource:
        """As `Carrier.begun`."""
        upstream = self._opened()

        def send(endpoint: Endpoint, headers: HeaderBlock) -> Awaitable[UpstreamStream]:
            return upstream.open(
                endpoint,
                headers.replaced([("accept", EVENTS)]),
                call.body or b"",
                method=call.method,
                first_byte_timeout_s=None,
                timeout_s=self._address.timeout_s,
            )

        stream = await self._asked(call, send)
        if stream.status >= FIRST_ERROR_STATUS:
            with _failures():
                raise refused(stream.status, await stream.read_all())
        kind = stream.headers.get("content-type") or "nothing said"
        if not kind.lower().startswith(EVENTS):
            # A page of something in between would look like a stream that ended at once.
            stream.abort()
            raise TensorZeroInternalError(
                f"Internal TensorZero Error: Error in streaming response: expected {EVENTS}, got {kind}"
            )
        return HttpSource(stream, self.loop)

    async def _asked(self, call: Call[Any], send: Callable[[Endpoint, HeaderBlock], Awaitable[A]]) -> A:
        url = self._address.url + call.path
        own = {} if call.body is None else {"content-type": "application/json"}
        with _failures():
            headers = self._headers.replaced(own.items()).replaced(call.headers.items())
            for _ in range(MOST_REDIRECTS):
                answer = await send(Endpoint.parse(url), headers)
                elsewhere = answer.headers.get("location") if answer.status in REDIRECTS else None
                if elsewhere is None:
                    break
                if isinstance(answer, UpstreamStream):
                    answer.abort()
                before, url = url, urljoin(url, elsewhere)
                if urlsplit(before).netloc != urlsplit(url).netloc:
                    # A key is for the gateway that it was given for.
                    headers = HeaderBlock.of(
                        pair for pair in headers.pairs if pair[0].lower() != "authorization"
                    )
        if 300 <= answer.status < FIRST_ERROR_STATUS:
            raise TensorZeroInternalError(f"Internal TensorZero Error: {self._address.url} redirects in vain")
        return answer

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._pid == os.getpid() and self._upstream is not None:
            self.loop.run(self._close())

    async def _close(self) -> None:
        upstream, self._upstream = self._upstream, None
        if self._forgotten is not None:
            self._forgotten.detach()
        if upstream is not None:
            await upstream.aclose()


def _abandon(pid: int, loop: EngineLoop, upstream: Upstream) -> None:
    """Close the connections of a client that was collected without having been closed."""
    if pid == os.getpid():
        loop.submit(upstream.aclose())


class HttpSource:
    """The stream of one answer."""

    def __init__(self, stream: UpstreamStream, loop: EngineLoop) -> None:
        self._stream = stream
        self._loop = loop

    async def read(self) -> bytes:
        """As `Source.read`."""
        try:
            return await self._stream.next_bytes() or b""
        except UpstreamTimeoutError as exc:
            raise stream_error("Error in streaming response: request timed out") from exc
        except UpstreamError as exc:
            raise stream_error(f"Error in streaming response: {exc.message}") from exc

    def leave(self, was_read: bool) -> None:
        """As `Source.leave`. A stream that was read leaves its connection to the next request."""
        self._loop.call(self._stream.finish if was_read else self._stream.abort)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what breaks into the client's errors."""
    try:
        yield
    except UpstreamTimeoutError as exc:
        raise timed_out() from exc
    except ValueError as exc:
        # Of a header, or of where a redirection leads.
        raise TensorZeroInternalError(f"Internal TensorZero Error: {exc}") from exc
    except UpstreamError as exc:
        raise TensorZeroInternalError(f"Internal TensorZero Error: Error from server: {exc.message}") from exc


def _with_room(settings: UpstreamSettings) -> UpstreamSettings:
    return replace(settings, max_connections_per_origin=MOST_CONNECTIONS, max_response_bytes=MOST_BYTES)
