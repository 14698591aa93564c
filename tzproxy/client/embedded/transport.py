"""Calls that stay inside of the process: from a client's thread or loop to the engine's loop and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from tzproxy.client.calls import Call
from tzproxy.client.embedded.exchange import LocalExchange, LocalRequest
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.reading import stream_error
from tzproxy.client.streams import AsyncInferenceStream, InferenceStream, timed_out
from tzproxy.client.transport import FIRST_ERROR_STATUS, refused
from tzproxy.config import LoadedConfig

if TYPE_CHECKING:
    from tzproxy.client.embedded.gateway import EmbeddedGateway

T = TypeVar("T")


class _Calls:
    """What both kinds of clients do on the engine's loop."""

    def __init__(self, gateway: EmbeddedGateway, timeout_s: float | None) -> None:
        self._gateway = gateway
        self._timeout_s = timeout_s

    @property
    def loaded(self) -> LoadedConfig:
        """The configuration of the gateway."""
        return self._gateway.loaded

    async def _whole(self, call: Call[T]) -> tuple[int, bytes]:
        exchange: LocalExchange | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                exchange = await self._gateway.begin(_request(call))
                return exchange.status, await _rest(exchange)
        except TimeoutError as exc:
            raise timed_out() from exc
        finally:
            if exchange is not None:
                exchange.leave()

    async def _begun(self, call: Call[object]) -> LocalExchange:
        try:
            async with asyncio.timeout(self._timeout_s):
                exchange = await self._gateway.begin(_request(call))
                if exchange.status >= FIRST_ERROR_STATUS:
                    raise refused(exchange.status, await _rest(exchange))
                return exchange
        except TimeoutError as exc:
            raise timed_out() from exc

    async def _next(self, exchange: LocalExchange, deadline: float | None) -> bytes:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            async with asyncio.timeout(left):
                return await exchange.read()
        except TimeoutError as exc:
            raise stream_error("Error in streaming response: request timed out") from exc

    def _deadline(self) -> float | None:
        return None if self._timeout_s is None else time.monotonic() + self._timeout_s


def _read(call: Call[T], status: int, body: bytes) -> T:
    if status >= FIRST_ERROR_STATUS:
        raise refused(status, body)
    return call.read(body)


def _request(call: Call[Any]) -> LocalRequest:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return LocalRequest(call.method, call.path, headers, call.body or b"")


async def _rest(exchange: LocalExchange) -> bytes:
    parts = []
    while part := await exchange.read():
        parts.append(part)
    return b"".join(parts)


class EmbeddedTransport(_Calls):
    """Calls that block a thread, which may have a running loop of its own."""

    def send(self, call: Call[T]) -> T:
        """As `Transport.send`."""
        return _read(call, *self._run(self._whole(call)))

    def stream(self, call: Call[object]) -> InferenceStream:
        """As `Transport.stream`."""
        deadline = self._deadline()
        exchange = self._run(self._begun(call))
        return InferenceStream(
            lambda: self._run(self._next(exchange, deadline)), lambda: self._gateway.leave(exchange)
        )

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            loop = self._gateway.loop
        except TensorZeroInternalError:
            work.close()
            raise
        return loop.run(work)

    def close(self) -> None:
        """Close the gateway."""
        self._gateway.close()


class AsyncEmbeddedTransport(_Calls):
    """Calls from a running loop, whichever it is; cancelling the caller ends the request."""

    async def send(self, call: Call[T]) -> T:
        """As `Transport.send`."""
        return _read(call, *await self._run(self._whole(call)))

    async def stream(self, call: Call[object]) -> AsyncInferenceStream:
        """As `Transport.stream`."""
        deadline = self._deadline()
        exchange = await self._run(self._begun(call))

        async def leave() -> None:
            self._gateway.leave(exchange)

        return AsyncInferenceStream(
            lambda: self._run(self._next(exchange, deadline)), leave, lambda: self._gateway.leave(exchange)
        )

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            loop = self._gateway.loop
        except TensorZeroInternalError:
            work.close()
            raise
        return await asyncio.wrap_future(loop.submit(work))

    async def close(self) -> None:
        """Close the gateway; the caller's loop goes on meanwhile."""
        await asyncio.to_thread(self._gateway.close)
