"""Carries the requests of OpenAI's client to an embedded gateway, as a transport of httpx: without a socket.

OpenAI's client keeps its HTTP client in `_client`, of httpx or of a successor; it takes one of httpx instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, NoReturn, TypeVar

import httpx

from tzproxy.client.embedded.exchange import LocalExchange, LocalRequest
from tzproxy.client.embedded.gateway import EmbeddedGateway
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.loop import EngineLoop

T = TypeVar("T")
BASE_URL = "http://tzproxy.invalid/openai/v1/"
"""Never resolved: a reserved name, should a request ever leave the transport."""

AWAIT_FIRST = "await the result of `patch_openai_client` before you use the OpenAI client"


class _NotReady(httpx.Client):
    """Asks nobody anything."""

    def build_request(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(AWAIT_FIRST)


class _AsyncNotReady(httpx.AsyncClient):
    """Asks nobody anything."""

    def build_request(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(AWAIT_FIRST)


def refuse_until_ready(client: Any) -> None:
    """Have a client refuse requests: none must reach OpenAI because the program forgot to wait.

    Raises:
        TypeError: for what is no client of OpenAI's library.
    """
    before = getattr(client, "_client", None)
    if not hasattr(client, "base_url") or not hasattr(before, "build_request"):
        raise TypeError(f"expected an OpenAI or AsyncOpenAI client, got {type(client).__name__}")
    # The client's own httpx client may be shared with others: it is left as it was.
    kept = _kept(before)
    client._client = _AsyncNotReady(**kept) if hasattr(before, "aclose") else _NotReady(**kept)
    client.base_url = BASE_URL


def attach(client: Any, gateway: EmbeddedGateway) -> None:
    """Have a client that was told to refuse requests ask a gateway."""
    waiting: httpx.Client | httpx.AsyncClient = client._client
    kept = _kept(waiting)
    if isinstance(waiting, httpx.AsyncClient):
        transport = AsyncLocalTransport(gateway)
        client._client = httpx.AsyncClient(transport=transport, follow_redirects=True, **kept)
    else:
        client._client = httpx.Client(transport=LocalTransport(gateway), follow_redirects=True, **kept)


def _kept(before: Any) -> dict[str, Any]:
    """Return what the program may have told its HTTP client, and a gateway or the program would miss."""
    return {"event_hooks": before.event_hooks, "headers": before.headers.multi_items()}


class _Carrier:
    """What both transports do."""

    def __init__(self, gateway: EmbeddedGateway) -> None:
        self._gateway = gateway

    async def _in_time(self, work: Callable[[], Coroutine[Any, Any, T]], request: httpx.Request) -> T:
        limits = request.extensions.get("timeout") or {}
        try:
            async with asyncio.timeout(limits.get("read")):
                return await work()
        except TimeoutError as exc:
            raise httpx.ReadTimeout("the gateway did not answer in time", request=request) from exc
        except TensorZeroInternalError as exc:
            raise httpx.ConnectError(exc.msg, request=request) from exc

    def _begin(self, request: httpx.Request, body: bytes) -> Coroutine[Any, Any, LocalExchange]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode("ascii")
        local = LocalRequest(request.method, target, headers, body)
        return self._in_time(lambda: self._gateway.begin(local), request)

    def _loop(self, work: Coroutine[Any, Any, T], request: httpx.Request) -> EngineLoop:
        try:
            return self._gateway.loop
        except TensorZeroInternalError as exc:
            work.close()
            raise httpx.ConnectError(exc.msg, request=request) from exc


class LocalTransport(_Carrier, httpx.BaseTransport):
    """For clients that block."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Serve a request."""
        exchange = self._wait(self._begin(request, request.read()), request)
        stream = _Stream(
            lambda: self._wait(self._in_time(exchange.read, request), request),
            lambda: self._gateway.leave(exchange),
        )
        return httpx.Response(exchange.status, headers=exchange.headers, stream=stream)

    def _wait(self, work: Coroutine[Any, Any, T], request: httpx.Request) -> T:
        return self._loop(work, request).run(work)


class _Stream(httpx.SyncByteStream):
    def __init__(self, read: Callable[[], bytes], leave: Callable[[], None]) -> None:
        self._read = read
        self._leave = leave

    def __iter__(self) -> Iterator[bytes]:
        while part := self._read():
            yield part

    def close(self) -> None:
        self._leave()


class AsyncLocalTransport(_Carrier, httpx.AsyncBaseTransport):
    """For clients with an event loop, whichever it is."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Serve a request."""
        exchange = await self._wait(self._begin(request, await request.aread()), request)
        stream = _AsyncStream(
            lambda: self._wait(self._in_time(exchange.read, request), request),
            lambda: self._gateway.leave(exchange),
        )
        return httpx.Response(exchange.status, headers=exchange.headers, stream=stream)

    async def _wait(self, work: Coroutine[Any, Any, T], request: httpx.Request) -> T:
        return await asyncio.wrap_future(self._loop(work, request).submit(work))


class _AsyncStream(httpx.AsyncByteStream):
    def __init__(self, read: Callable[[], Coroutine[Any, Any, bytes]], leave: Callable[[], None]) -> None:
        self._read = read
        self._leave = leave

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while part := await self._read():
            yield part

    async def aclose(self) -> None:
        self._leave()
