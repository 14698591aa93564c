"""The upstream client: one request out, one answer or stream back. Hot.

Owns the pools. Does not know providers, JSON, retries on purpose or redirects (a 3xx is an answer).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from math import inf

from tzproxy._speedups.connection import Connection, Ending
from tzproxy._speedups.response import UpstreamResponse
from tzproxy.errors import UpstreamConnectError, UpstreamError
from tzproxy.upstream.dial import Connector, Dialer
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.header_block import HeaderBlock
from tzproxy.upstream.pool import OriginPool, PoolCounters
from tzproxy.upstream.proxies import ProxyRules
from tzproxy.upstream.settings import UpstreamSettings
from tzproxy.upstream.stream import UpstreamStream

# Above this many origins, pools without connections are dropped when a new one is made.
_MANY_ORIGINS = 256


class Upstream:
    """Connections to model providers, pooled by origin. Make it inside the running loop that will use it."""

    def __init__(
        self,
        settings: UpstreamSettings,
        *,
        connector: Connector | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            settings: Limits, deadlines, proxies, trust.
            connector: What opens connections; the real network unless given.
            clock: Seconds that only grow; the `_at` fields of answers are its readings.
        """
        asyncio.get_running_loop()
        self._settings = settings
        self._connector = connector or Dialer(settings)
        self._clock = clock
        self._rules = ProxyRules(settings)
        self._pools: dict[str, OriginPool] = {}
        self._is_closed = False
        self._user_agent = HeaderBlock.of([("user-agent", settings.user_agent)]).encoded

    @staticmethod
    def endpoint(url: str) -> Endpoint:
        """Take a URL apart once, for many requests.

        Raises:
            ValueError: when it is not an absolute http or https URL.
        """
        return Endpoint.parse(url)

    async def send(
        self,
        endpoint: Endpoint,
        headers: HeaderBlock,
        body: bytes,
        *,
        method: str = "POST",
        timeout_s: float | None,
        connect_timeout_s: float | None = None,
    ) -> UpstreamResponse:
        """Send a request and return the complete answer, whatever its status.

        Units: `timeout_s` covers everything from waiting for a connection to the last byte.

        Raises:
            UpstreamConnectError: when there is no connection.
            UpstreamTimeoutError: when a deadline passed.
            UpstreamProtocolError: when the answer is not HTTP/1.1, too large, or was cut off.
        """
        started_at = self._clock()
        pool = self._pools.get(endpoint.origin) or self._make_pool(endpoint)
        request = pool.writer.write(endpoint, headers, body, method, False)
        deadline = inf if timeout_s is None else started_at + timeout_s
        if connect_timeout_s is None:
            connect_timeout_s = self._settings.connect_timeout_s
        connection, sent_at = pool.slots.take(started_at), started_at
        if connection is None:
            connection, sent_at = await pool.acquire(deadline, connect_timeout_s), self._clock()
        while True:
            waiter = connection.begin(
                request, started_at, sent_at, deadline, deadline, False, method == "HEAD"
            )
            try:
                outcome = await waiter
            except BaseException:
                if connection.abandon(waiter):
                    pool.slots.free()
                raise
            if type(outcome) is UpstreamResponse:
                return outcome
            connection = await self._recover(pool, outcome, deadline, connect_timeout_s)
            sent_at = self._clock()

    async def open(
        self,
        endpoint: Endpoint,
        headers: HeaderBlock,
        body: bytes,
        *,
        method: str = "POST",
        wants_events: bool = False,
        first_byte_timeout_s: float | None,
        timeout_s: float | None,
    ) -> UpstreamStream:
        """Send a request and return once the head of the answer has arrived, whatever its status.

        `wants_events` tells the server that the answer should be a stream of events, unless the headers
        say already what is accepted.

        Units: both timeouts begin now. `first_byte_timeout_s` ends with the first thing the stream
        delivers (an event, or bytes when it is read as bytes), not with the head;
        `timeout_s` ends with the last byte.

        Raises:
            UpstreamConnectError: when there is no connection.
            UpstreamTimeoutError: when a deadline passed.
            UpstreamProtocolError: when the answer is not HTTP/1.1 or was cut off.
        """
        started_at = self._clock()
        pool = self._pools.get(endpoint.origin) or self._make_pool(endpoint)
        request = pool.writer.write(endpoint, headers, body, method, wants_events)
        deadline = inf if timeout_s is None else started_at + timeout_s
        first = deadline if first_byte_timeout_s is None else min(deadline, started_at + first_byte_timeout_s)
        connection, sent_at = pool.slots.take(started_at), started_at
        if connection is None:
            connection, sent_at = await pool.acquire(first, self._settings.connect_timeout_s), self._clock()
        while True:
            waiter = connection.begin(request, started_at, sent_at, first, deadline, True, method == "HEAD")
            try:
                outcome = await waiter
            except BaseException:
                if connection.abandon(waiter):
                    pool.slots.free()
                raise
            if type(outcome) is UpstreamStream:
                return outcome
            connection = await self._recover(pool, outcome, first, self._settings.connect_timeout_s)
            sent_at = self._clock()

    async def _recover(
        self, pool: OriginPool, outcome: object, deadline: float, connect_timeout_s: float
    ) -> Connection:
        """Raise an exchange's error, or replace the connection that turned out to be dead."""
        if outcome is Ending.STALE:
            # A fresh connection is never stale, so this happens once per request.
            return await pool.fill_slot(deadline, connect_timeout_s)
        assert isinstance(outcome, UpstreamError)
        raise outcome

    def _make_pool(self, endpoint: Endpoint) -> OriginPool:
        if self._is_closed:
            raise UpstreamConnectError("the upstream client was closed")
        if len(self._pools) >= _MANY_ORIGINS:
            self._pools = {origin: pool for origin, pool in self._pools.items() if not pool.is_unused}
        pool = OriginPool(
            endpoint,
            self._rules.route(endpoint),
            self._settings,
            connector=self._connector,
            clock=self._clock,
            user_agent=self._user_agent,
        )
        self._pools[endpoint.origin] = pool
        return pool

    def counters(self, endpoint: Endpoint) -> PoolCounters:
        """Return the numbers of the pool that serves an endpoint."""
        pool = self._pools.get(endpoint.origin)
        return pool.counters if pool is not None else PoolCounters(idle=0, slots=0, waiting=0)

    @property
    def origins(self) -> int:
        """How many origins have a pool."""
        return len(self._pools)

    def close_idle(self) -> None:
        """Close the connections that have been idle for too long; a timer does this by itself."""
        now = self._clock()
        for pool in self._pools.values():
            pool.slots.close_idle(now)

    async def aclose(self) -> None:
        """Close every connection. Requests that still run fail with `UpstreamConnectError`."""
        self._is_closed = True
        for pool in self._pools.values():
            pool.close()
        # Transports report their end in the next rounds of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
