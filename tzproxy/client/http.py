"""Calls over HTTP, by httpx. Connections are opened by the first call and kept.

A client may be used from threads, from one event loop after another and after a fork: connections belong to
the process, and to the loop, that opened them.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import httpx
from msgspec import Struct

from tzproxy import __version__
from tzproxy.client.calls import Call
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.reading import stream_error
from tzproxy.client.streams import AsyncInferenceStream, InferenceStream, timed_out
from tzproxy.client.transport import FIRST_ERROR_STATUS, refused

T = TypeVar("T")
# Programs ask many things at once; who limits that is the gateway or the program, not the client.
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)


class Address(Struct, frozen=True, kw_only=True):
    """Where the gateway is, and how long to wait for it (seconds, a whole request; None: for ever)."""

    url: str
    timeout_s: float | None = None
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"Address(url={self.url!r})"


def address_of(gateway_url: str, timeout: float | None, api_key: str | None) -> Address:
    """Check what a program says of its gateway.

    Raises:
        ValueError: for what is no HTTP URL, or no time.
    """
    try:
        url = httpx.URL(gateway_url)
    except httpx.InvalidURL as exc:
        raise ValueError(f"Invalid gateway URL: {exc}") from exc
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"Invalid gateway URL: {gateway_url!r} is no http:// or https:// URL")
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"Invalid timeout: {timeout!r} seconds")
    return Address(url=gateway_url.rstrip("/"), timeout_s=timeout, api_key=api_key)


def _settings(address: Address) -> dict[str, Any]:
    headers = {"user-agent": f"tzproxy-python/{__version__}"}
    if address.api_key is not None:
        headers["authorization"] = f"Bearer {address.api_key}"
    timeout = httpx.Timeout(address.timeout_s, pool=None)
    return {"headers": headers, "timeout": timeout, "limits": LIMITS, "follow_redirects": True}


def _request(address: Address, call: Call[Any], *, is_stream: bool = False) -> dict[str, Any]:
    headers = dict(call.headers)
    if call.body is not None:
        headers.setdefault("content-type", "application/json")
    if is_stream:
        headers.setdefault("accept", "text/event-stream")
    return {"method": call.method, "url": address.url + call.path, "content": call.body, "headers": headers}


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what httpx raises into the client's errors."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as exc:
        raise timed_out() from exc
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as exc:
        reason = str(exc) or type(exc).__name__
        raise TensorZeroInternalError(f"Internal TensorZero Error: Error from server: {reason}") from exc


@contextmanager
def _broken_streams() -> Iterator[None]:
    """Turn what httpx raises in the middle of a stream into the error that ends it."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError) as exc:
        raise stream_error("Error in streaming response: request timed out") from exc
    except (httpx.HTTPError, httpx.StreamError) as exc:
        reason = str(exc) or type(exc).__name__
        raise stream_error(f"Error in streaming response: {reason}") from exc


class HttpTransport:
    """Blocking calls."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client: httpx.Client | None = None
        self._opening = threading.Lock()
        self._pid = os.getpid()

    def _opened(self) -> httpx.Client:
        if self._pid != os.getpid():
            # A thread of the parent may have held the lock when this process was made.
            self._client, self._opening, self._pid = None, threading.Lock(), os.getpid()
        with self._opening:
            if self._client is None:
                self._client = httpx.Client(**_settings(self._address))
            return self._client

    def send(self, call: Call[T]) -> T:
        """As `Transport.send`."""
        with _failures():
            response = self._opened().request(**_request(self._address, call))
        if response.status_code >= FIRST_ERROR_STATUS:
            raise refused(response.status_code, response.content)
        return call.read(response.content)

    def stream(self, call: Call[object]) -> InferenceStream:
        """As `Transport.stream`."""
        deadline = _deadline(self._address)
        client = self._opened()
        with _failures():
            request = client.build_request(**_request(self._address, call, is_stream=True))
            response = client.send(request, stream=True)
            if response.status_code >= FIRST_ERROR_STATUS:
                raise refused(response.status_code, response.read())
        parts = response.iter_bytes()

        def receive() -> bytes:
            with _broken_streams():
                if time.monotonic() > deadline:
                    raise TimeoutError
                return next(parts, b"")

        return InferenceStream(receive, response.close)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()


class AsyncHttpTransport:
    """Calls for running loops."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )
        self._pid = os.getpid()

    def _opened(self) -> httpx.AsyncClient:
        if self._pid != os.getpid():
            self._clients = weakref.WeakKeyDictionary()
            self._pid = os.getpid()
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = self._clients[loop] = httpx.AsyncClient(**_settings(self._address))
        return client

    @asynccontextmanager
    async def _in_time(self, seconds: float | None) -> AsyncIterator[None]:
        with _failures():
            async with asyncio.timeout(seconds):
                yield

    async def send(self, call: Call[T]) -> T:
        """As `Transport.send`."""
        async with self._in_time(self._address.timeout_s):
            response = await self._opened().request(**_request(self._address, call))
        if response.status_code >= FIRST_ERROR_STATUS:
            raise refused(response.status_code, response.content)
        return call.read(response.content)

    async def stream(self, call: Call[object]) -> AsyncInferenceStream:
        """As `Transport.stream`."""
        deadline = _deadline(self._address)
        client = self._opened()
        async with self._in_time(self._address.timeout_s):
            request = client.build_request(**_request(self._address, call, is_stream=True))
            response = await client.send(request, stream=True)
            if response.status_code >= FIRST_ERROR_STATUS:
                raise refused(response.status_code, await response.aread())
        parts = response.aiter_bytes()

        async def receive() -> bytes:
            with _broken_streams():
                left = None if self._address.timeout_s is None else max(0.0, deadline - time.monotonic())
                async with asyncio.timeout(left):
                    return await anext(parts, b"")

        def forget() -> None:
            # Nobody waits any more, so the loop has to; without one the connection goes with its objects.
            try:
                asyncio.get_running_loop().create_task(response.aclose())
            except RuntimeError:
                pass

        return AsyncInferenceStream(receive, response.aclose, forget)

    async def close(self) -> None:
        """Close this loop's connections; a later call opens new ones."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


def _deadline(address: Address) -> float:
    return float("inf") if address.timeout_s is None else time.monotonic() + address.timeout_s
