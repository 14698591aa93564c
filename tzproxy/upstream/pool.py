"""The connections to one origin: idle, busy, being made, and the requests that wait for one. Hot.

Every change of state is synchronous and complete in one method; I/O follows. A slot is counted from the
moment somebody decides to open a connection until that connection is closed, and always has one owner:
an idle list, an exchange, or a request that is about to begin one. So cancellation, wherever it strikes,
finds one owner to free it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf

from msgspec import Struct

from tzproxy.errors import UpstreamConnectError, UpstreamError, UpstreamTimeoutError
from tzproxy.upstream.connection import Connection
from tzproxy.upstream.dial import Connector
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.proxies import Route, Way
from tzproxy.upstream.settings import UpstreamSettings


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
    ) -> None:
        self._endpoint = endpoint
        self._route = route
        self._settings = settings
        self._connector = connector
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        # Which of `Endpoint.request_lines` to send, and what to add for the proxy.
        self.line_form = 1 if route.way is Way.ABSOLUTE else 0
        self.proxy_lines = route.authorization if route.way is Way.ABSOLUTE else b""
        # The last one used is on top: the fewest connections stay warm.
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._dials: set[asyncio.Timeout] = set()
        self._slots = 0
        # A waiter's result is a claimed connection, or None for a slot to fill, or an error.
        self._waiters: deque[asyncio.Future[Connection | UpstreamError | None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def counters(self) -> PoolCounters:
        """The current numbers."""
        return PoolCounters(idle=len(self._idle), slots=self._slots, waiting=len(self._waiters))

    @property
    def is_unused(self) -> bool:
        """Whether nothing is open and nobody waits."""
        return self._slots == 0 and not self._waiters

    # ---- getting a connection

    def take(self, now: float) -> Connection | None:
        """Return the idle connection used last, or nothing."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if now - connection.idle_since <= self._settings.idle_timeout_s:
                return connection
            connection.shut()
        return None

    async def acquire(self, deadline: float, connect_timeout_s: float) -> Connection:
        """Open a connection, or wait for one when all slots are taken. The caller must begin at once.

        Raises:
            UpstreamConnectError: when it cannot be opened or the pool stayed full.
            UpstreamTimeoutError: when the deadline or the connect timeout passed.
        """
        self._check_open()
        if self._slots < self._settings.max_connections_per_origin:
            self._slots += 1
        else:
            connection = await self._wait(deadline)
            if connection is not None and not connection.is_closed:
                try:
                    self._check_open()
                except UpstreamError:
                    self._discard(connection)
                    raise
                return connection
            # A bare slot, or one whose connection died on its way here.
        return await self.fill_slot(deadline, connect_timeout_s)

    def _check_open(self) -> None:
        if self._closed:
            raise _closed_error()

    async def fill_slot(self, deadline: float, connect_timeout_s: float) -> Connection:
        """Open a connection in a slot that the caller already owns; on failure the slot is free.

        Raises:
            UpstreamConnectError: when it cannot be opened.
            UpstreamTimeoutError: when the deadline or the connect timeout passed.
        """
        connection = Connection(self, self._settings, clock=self._clock)
        self._open.add(connection)
        try:
            await self._dial(connection, deadline, connect_timeout_s)
            if connection.is_closed:
                raise UpstreamConnectError("the server closed the connection before the request was sent")
        except BaseException:
            self._discard(connection)
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
            if self._closed:
                raise _closed_error() from exc
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
        self._waiters.append(waiter)
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
        self._waiters.remove(waiter)
        limit = self._settings.max_connections_per_origin
        if is_deadline:
            waiter.set_result(UpstreamTimeoutError("the deadline passed while waiting for a free connection"))
        else:
            waiter.set_result(UpstreamConnectError(f"none of the {limit} connections became free in time"))

    def _unwait(self, waiter: asyncio.Future[Connection | UpstreamError | None]) -> None:
        """Take a cancelled request out of the queue, and pass on what it was given at the last moment."""
        if not waiter.done() or waiter.cancelled():
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            return
        given = waiter.result()
        if given is None:
            self.free_slot()
        elif isinstance(given, Connection):
            if given.is_closed:
                self._discard(given)
            else:
                given.is_claimed = False
                self.release(given, self._clock())

    # ---- giving it back

    def release(self, connection: Connection, now: float) -> None:
        """Give a connection that can serve again to the first request that waits, or keep it warm."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                connection.is_claimed = True
                waiter.set_result(connection)
                return
        if self._closed:
            connection.shut()
            return
        connection.idle_since = now
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._settings.idle_timeout_s, self._sweep)

    def forget(self, connection: Connection) -> None:
        """Drop a closed connection; its slot goes to the first request that waits, or becomes free."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self.free_slot()

    def detach(self, connection: Connection) -> None:
        """Drop a closed connection whose slot stays with the request that claimed or used it."""
        self._open.discard(connection)

    def free_slot(self) -> None:
        """Pass a slot on to the first request that waits, or count it free."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._slots -= 1

    def _discard(self, connection: Connection) -> None:
        """Free the slot of a connection, closed or not, that its owner cannot use."""
        connection.is_claimed = False
        if connection.is_closed:
            self.forget(connection)
        else:
            connection.shut()

    def close_idle(self, now: float) -> None:
        """Close the connections that have been idle for too long."""
        oldest = now - self._settings.idle_timeout_s
        for connection in [each for each in self._idle if each.idle_since <= oldest]:
            connection.shut()

    def _sweep(self) -> None:
        self._sweeper = None
        self.close_idle(self._clock())
        if self._idle:
            wait = self._idle[0].idle_since + self._settings.idle_timeout_s - self._clock()
            self._sweeper = self._loop.call_later(max(wait, 0.001), self._sweep)

    def close(self) -> None:
        """Close everything; running and waiting requests fail."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(_closed_error())
        for timeout in self._dials:
            timeout.reschedule(self._loop.time())
        for connection in list(self._open):
            # A claimed one belongs to a request that finds out when it goes on.
            if not connection.is_claimed:
                connection.fail(_closed_error())


def _closed_error() -> UpstreamError:
    return UpstreamConnectError("the upstream client was closed")
