# cython: language_level=3
"""The slots of one origin: who holds each, which connections are idle, who waits. Hot.

Every change of state is synchronous and complete in one method; I/O follows. A slot is counted from the
moment somebody decides to open a connection until that connection is closed, and always has one holder:
an idle list, an exchange, or a request that is about to begin one. So cancellation, wherever it strikes,
finds one holder to free it. Opens nothing and waits for nothing; the pool does.
"""

from collections import deque

cimport cython

from tzproxy._speedups.connection cimport Connection, Owner

from tzproxy.errors import UpstreamConnectError


cpdef closed_error():
    """Make the error of requests that find the client closed."""
    return UpstreamConnectError("the upstream client was closed")


@cython.final
cdef class Slots(Owner):
    """All connections to one origin and the queue for them."""

    cdef readonly bint is_closed
    # Slots that are held: connections that are open or being made.
    cdef readonly Py_ssize_t held
    # Futures in the order in which they asked; the result is a claimed connection, or None for a slot to
    # fill, or an error.
    cdef readonly object waiters
    # The last one used is on top: the fewest connections stay warm.
    cdef list _idle
    cdef set _open
    cdef object _loop, _clock, _sweeper
    cdef double _idle_timeout_s

    def __init__(self, double idle_timeout_s, *, loop, clock):
        self._idle_timeout_s = idle_timeout_s
        self._loop = loop
        self._clock = clock
        self.waiters = deque()
        self._idle = []
        self._open = set()

    @property
    def idle(self):
        """How many connections are kept and not in use."""
        return len(self._idle)

    def take(self, double now):
        """Return the idle connection used last, or nothing."""
        cdef Connection connection
        while self._idle:
            connection = self._idle.pop()
            if now - connection.idle_since <= self._idle_timeout_s:
                return connection
            connection.shut()
        return None

    def try_hold(self, Py_ssize_t limit):
        """Count one more slot unless `limit` are held; say whether it was."""
        if self.held >= limit:
            return False
        self.held += 1
        return True

    def add(self, Connection connection not None):
        """Note a connection that is about to be made in a slot its maker holds."""
        self._open.add(connection)

    def give_back(self, Connection connection not None):
        """Take an open connection back from a request that was given it and does not want it."""
        connection.is_claimed = False
        self.release(connection, self._clock())

    def discard(self, Connection connection not None):
        """Free the slot of a connection, closed or not, that its holder cannot use."""
        connection.is_claimed = False
        if connection.is_closed:
            self.forget(connection)
        else:
            connection.shut()

    # ---- the connections' side

    cdef int release(self, Connection connection, double now) except -1:
        """Give a connection that can serve again to the first request that waits, or keep it warm."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                connection.is_claimed = True
                waiter.set_result(connection)
                return 0
        if self.is_closed:
            connection.shut()
            return 0
        connection.idle_since = now
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._idle_timeout_s, self._sweep)
        return 0

    cdef int forget(self, Connection connection) except -1:
        """Drop a closed connection; its slot goes to the first request that waits, or becomes free."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self.free()
        return 0

    cdef int detach(self, Connection connection) except -1:
        """Drop a closed connection whose slot stays with the request that claimed or used it."""
        self._open.discard(connection)
        return 0

    cpdef free(self):
        """Pass a slot on to the first request that waits, or count it free."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.held -= 1

    # ---- closing

    cpdef close_idle(self, double now):
        """Close the connections that have been idle for too long."""
        cdef Connection connection
        for connection in self._idle.copy():
            if connection.idle_since <= now - self._idle_timeout_s:
                connection.shut()

    def _sweep(self):
        cdef Connection oldest
        cdef double now = self._clock()
        self._sweeper = None
        self.close_idle(now)
        if self._idle:
            oldest = self._idle[0]
            wait = max(oldest.idle_since + self._idle_timeout_s - now, 0.001)
            self._sweeper = self._loop.call_later(wait, self._sweep)

    def close(self):
        """Close everything; running and waiting requests fail."""
        cdef Connection connection
        self.is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(closed_error())
        for connection in list(self._open):
            # A claimed one belongs to a request that finds out when it goes on.
            if not connection.is_claimed:
                connection.fail(closed_error())
