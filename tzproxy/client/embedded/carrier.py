"""Carries calls to a gateway in the same process. On the engine's loop."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from tzproxy.client.calls import Call
from tzproxy.client.embedded.exchange import LocalExchange, LocalRequest
from tzproxy.client.loop import EngineLoop
from tzproxy.client.reading import stream_error
from tzproxy.client.streams import timed_out
from tzproxy.client.transport import FIRST_ERROR_STATUS, refused
from tzproxy.config import LoadedConfig

if TYPE_CHECKING:
    from tzproxy.client.embedded.gateway import EmbeddedGateway


class EmbeddedCarrier:
    """Owns its gateway: closing it closes that."""

    def __init__(self, gateway: EmbeddedGateway, timeout_s: float | None) -> None:
        self.gateway = gateway
        self._timeout_s = timeout_s

    @property
    def loaded(self) -> LoadedConfig:
        """The configuration of the gateway."""
        return self.gateway.loaded

    @property
    def loop(self) -> EngineLoop:
        """As `Carrier.loop`."""
        return self.gateway.loop

    async def whole(self, call: Call[Any]) -> tuple[int, bytes]:
        """As `Carrier.whole`."""
        exchange: LocalExchange | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                exchange = await self.gateway.begin(_request(call))
                return exchange.status, await _rest(exchange)
        except TimeoutError as exc:
            raise timed_out() from exc
        finally:
            if exchange is not None:
                exchange.leave()

    async def begun(self, call: Call[Any]) -> EmbeddedSource:
        """As `Carrier.begun`."""
        deadline = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        try:
            async with asyncio.timeout(self._timeout_s):
                exchange = await self.gateway.begin(_request(call))
                if exchange.status >= FIRST_ERROR_STATUS:
                    raise refused(exchange.status, await _rest(exchange))
        except TimeoutError as exc:
            raise timed_out() from exc
        return EmbeddedSource(self.gateway, exchange, deadline)

    def close(self) -> None:
        """Close the gateway."""
        self.gateway.close()


class EmbeddedSource:
    """The stream of one exchange."""

    def __init__(self, gateway: EmbeddedGateway, exchange: LocalExchange, deadline: float | None) -> None:
        self._gateway = gateway
        self._exchange = exchange
        self._deadline = deadline

    async def read(self) -> bytes:
        """As `Source.read`."""
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        try:
            async with asyncio.timeout(left):
                return await self._exchange.read()
        except TimeoutError as exc:
            raise stream_error("Error in streaming response: request timed out") from exc

    def leave(self, was_read: bool) -> None:
        """As `Source.leave`."""
        self._gateway.leave(self._exchange)


def _request(call: Call[Any]) -> LocalRequest:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return LocalRequest(call.method, call.path, headers, call.body or b"")


async def _rest(exchange: LocalExchange) -> bytes:
    parts = []
    while part := await exchange.read():
        parts.append(part)
    return b"".join(parts)
