"""The connections to one origin: opening them, and waiting while none is free. Hot.

What is counted and who holds which connection is kept by `tzproxy._speedups.slots`; here is what takes time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from msgspec import Struct

from tzproxy._speedups.connection import Connection
from tzproxy._speedups.request import RequestWriter
from tzproxy._speedups.slots import Slots, closed_error
from tzproxy.errors import UpstreamConnectError, UpstreamError, UpstreamTimeoutError
from tzproxy.upstream.dial import Connector
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.proxies import Route, Way
from tzproxy.upstream.settings import UpstreamSettings
from tzproxy.upstream.stream import UpstreamStream


class PoolCounters(Struct, frozen=True):
    """A snapshot of one pool."""

    idle: int
    """Kept-alive connections nobody uses."""
    slots: int
    """Connections that are open or being made."""
    waiting: int
    """Requests that wait for a connection."""


class OriginPool:
    """All connections to one origin."""

    def __init__(
        self,
        endpoint: Endpoint,
        route: Route,
        settings: UpstreamSettings,
        *,
        connector: Connector,
        clock: Callable[[], float],
        user_agent: bytes,
    ) -> None:
        self._endpoint = endpoint
        self._route = route
        self._settings = settings
        self._connector = connector
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        is_absolute = route.way is Way.ABSOLUTE
        proxy_lines = route.authorization if is_absolute else b""
        self.writer = RequestWriter(is_absolute, proxy_lines, user_agent)
        self.slots = Slots(settings.idle_timeout_s, loop=self._loop, clock=clock)
        self._dials: set[asyncio.Timeout] = set()

    @property
    def counters(self) -> PoolCounters:
        """The current numbers."""
        slots = self.slots
        return PoolCounters(idle=slots.idle, slots=slots.held, waiting=len(slots.waiters))

    @property
    def is_unused(self) -> bool:
        """Whether nothing is open and nobody waits."""
        return self.slots.held == 0 and not self.slots.waiters

    async def acquire(self, deadline: float, connect_timeout_s: float) -> Connection:
        """Open a connection, or wait for one when all slots are taken. The caller must begin at once.

        Raises:
            UpstreamConnectError: when it cannot be opened or the pool stayed full.
            UpstreamTimeoutError: when the deadline or the connect timeout passed.
        """
        self._check_open()
        if not self.slots.try_hold(self._settings.max_connections_per_origin):
            connection = await self._wait(deadline)
            if connection is not None and not connection.is_closed:
                try:
                    self._check_open()
                except UpstreamError:
                    self.slots.discard(connection)
                    raise
                return connection
            # A bare slot, or one whose connection died on its way here.
        return await self.fill_slot(deadline, connect_timeout_s)

    def _check_open(self) -> None:
        if self.slots.is_closed:
            raise closed_error()

    async def fill_slot(self, deadline: float, connect_timeout_s: float) -> Connection:
        """Open a connection in a slot that the caller already owns; on failure the slot is free.

        Raises:
            UpstreamConnectError: when it cannot be opened.
            UpstreamTimeoutError: when the deadline or the connect timeout passed.
        """
        connection = Connection(
            self.slots, self._settings, loop=self._loop, clock=self._clock, stream_class=UpstreamStream
        )
        self.slots.add(connection)
        try:
            await self._dial(connection, deadline, connect_timeout_s)
            if connection.is_closed:
                raise UpstreamConnectError("the server closed the connection before the request was sent")
        except BaseException:
            self.slots.discard(connection)
            raise
        return connection

    async def _dial(self, connection: Connection, deadline: float, connect_timeout_s: float) -> None:
        left = deadline - self._clock()
        timeout = asyncio.timeout(max(min(left, connect_timeout_s), 0.0))
        try:
            async with timeout:
                self._dials.add(timeout)
                await self._connector.connect(connection, self._endpoint, self._route)
        except TimeoutError as exc:
            if self.slots.is_closed:
                raise closed_error() from exc
            place = f"{self._route.host}:{self._route.port}"
            reason = f"the deadline passed while connecting to {place}"
            if connect_timeout_s < left:
                reason = f"connecting to {place} took longer than {connect_timeout_s:g} s"
            raise UpstreamTimeoutError(reason) from exc
        finally:
            self._dials.discard(timeout)

    async def _wait(self, deadline: float) -> Connection | None:
        now = self._clock()
        limit = self._settings.queue_timeout_s
        until = deadline if limit is None else min(deadline, now + limit)
        waiter: asyncio.Future[Connection | UpstreamError | None] = self._loop.create_future()
        self.slots.waiters.append(waiter)
        timer = None
        if until < inf:
            timer = self._loop.call_later(
                max(until - now, 0.0), self._give_up_waiting, waiter, until == deadline
            )
        try:
            outcome = await waiter
        except BaseException:
            self._unwait(waiter)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if isinstance(outcome, UpstreamError):
            raise outcome
        return outcome

    def _give_up_waiting(
        self, waiter: asyncio.Future[Connection | UpstreamError | None], is_deadline: bool
    ) -> None:
        if waiter.done():
            return
        self.slots.waiters.remove(waiter)
        limit = self._settings.max_connections_per_origin
        if is_deadline:
            waiter.set_result(UpstreamTimeoutError("the deadline passed while waiting for a free connection"))
        else:
            waiter.set_result(UpstreamConnectError(f"none of the {limit} connections became free in time"))

    def _unwait(self, waiter: asyncio.Future[Connection | UpstreamError | None]) -> None:
        """Take a cancelled request out of the queue, and pass on what it was given at the last moment."""
        if not waiter.done() or waiter.cancelled():
            if waiter in self.slots.waiters:
                self.slots.waiters.remove(waiter)
            return
        given = waiter.result()
        if given is None:
            self.slots.free()
        elif isinstance(given, Connection):
            if given.is_closed:
                self.slots.discard(given)
            else:
                self.slots.give_back(given)

    def close(self) -> None:
        """Close everything; running and waiting requests fail."""
        for timeout in self._dials:
            timeout.reschedule(self._loop.time())
        self.slots.close()
