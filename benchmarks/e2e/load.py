"""The load generator: closed loop (throughput) and open loop (latency), on raw protocols and uvloop.

Owns nothing but its connections. Runs in a process of its own (`load_process`). Every answer is checked:
status, a marker in the body, for streams the `[DONE]` and the number of events; anything else is an error,
never a latency.

Closed loop: each of N connections sends its next request when it has its answer.
Open loop: requests are due at a constant rate; a latency counts from when the request was DUE, whether or
not a connection was free, so a stalled gateway cannot hide the requests it delayed.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import deque
from itertools import cycle
from typing import cast

from msgspec import Struct

from benchmarks.e2e.latency import Distribution, summarize_ns
from benchmarks.e2e.timer import PeriodicTimer
from benchmarks.e2e.wire import ResponseReader, WireError, build_request

_DRAIN_S = 15.0
_RECONNECT_S = 0.05
_EVENT = b"data: "
_DONE = b"data: [DONE]"


class LoadSpec(Struct, frozen=True, kw_only=True):
    """One block of load."""

    host: str
    port: int
    path: str
    bodies: list[str]
    """Sent in turn."""
    marker: str
    """What every answer must hold; in a stream its first piece, which makes the time to first token."""
    connections: int = 16
    duration_s: float = 5.0
    rate: float = 0.0
    """Requests per second of the open loop; 0 runs the closed loop."""
    is_stream: bool = False
    most_requests: int = 0
    """The block ends early after so many requests; 0: no limit."""
    least_events: int = 0
    """A stream must have so many events."""


class LoadResult(Struct, frozen=True, kw_only=True):
    """What came of a block."""

    answers: int
    """Right answers."""
    errors: dict[str, int]
    elapsed_s: float
    latency: Distribution
    lateness: Distribution = Distribution()
    """Open loop: how late the generator itself was in sending; what it adds to the latencies."""
    first_token: Distribution = Distribution()
    gaps: Distribution = Distribution()
    """Between successive reads of a stream that brought events, after the first token."""
    generator_cpu_s: float = 0.0

    @property
    def per_second(self) -> float:
        """Right answers per second."""
        return self.answers / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def error_count(self) -> int:
        """Requests without a right answer."""
        return sum(self.errors.values())


class _Connection(asyncio.Protocol):
    """One connection of the generator; at most one request in flight."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._reader = ResponseReader()
        self._transport: asyncio.Transport | None = None
        self._due_ns = 0
        self._last_ns = 0
        self._events = 0
        self._has_token = False
        self.is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self.is_busy:
            self._fail("connection lost")
        self._load.on_lost(self)

    def send(self, request: bytes, due_ns: int) -> None:
        """Send a request that was due at the given time."""
        assert self._transport is not None
        self._reader.reset()
        self._due_ns, self._events, self._has_token, self.is_busy = due_ns, 0, False, True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        if not self.is_busy:
            self._load.count_error("bytes nobody asked for")
            self.close()
            return
        try:
            is_complete = self._reader.feed(data)
        except WireError as exc:
            self._fail(str(exc))
            self.close()
            return
        if self._load.spec.is_stream:
            self._note_events(data, now_ns)
        if is_complete:
            self._finish(now_ns)

    def _note_events(self, data: bytes, now_ns: int) -> None:
        events = data.count(_EVENT)
        if not events:
            return
        self._events += events
        if self._has_token:
            self._load.gaps_ns.append(now_ns - self._last_ns)
        elif self._load.marker in self._reader.data:
            self._has_token = True
            self._load.first_token_ns.append(now_ns - self._due_ns)
        self._last_ns = now_ns

    def _finish(self, now_ns: int) -> None:
        reader, spec = self._reader, self._load.spec
        problem = ""
        if reader.status != 200:
            problem = f"status {reader.status}"
        elif self._load.marker not in reader.data:
            problem = "no marker"
        elif spec.is_stream and _DONE not in reader.data:
            problem = "no [DONE]"
        elif spec.is_stream and self._events < spec.least_events:
            problem = "events missing"
        if problem:
            self._fail(problem)
            return
        self.is_busy = False
        self._load.on_answer(self, now_ns - self._due_ns, now_ns)

    def _fail(self, problem: str) -> None:
        self.is_busy = False
        self._load.count_error(problem)
        if self._transport is not None and not self._transport.is_closing():
            self._load.on_free(self, time.monotonic_ns())

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    @property
    def is_usable(self) -> bool:
        """Tell whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing() and not self.is_busy


class Load:
    """One run of a `LoadSpec`."""

    def __init__(self, spec: LoadSpec) -> None:
        self.spec = spec
        self.marker = spec.marker.encode()
        self.gaps_ns = array("q")
        self.first_token_ns = array("q")
        host = f"{spec.host}:{spec.port}"
        self._requests = cycle([build_request(host, spec.path, body.encode()) for body in spec.bodies])
        self._latencies_ns = array("q")
        self._lateness_ns = array("q")
        self._errors: dict[str, int] = {}
        self._answers = 0
        self._idle: list[_Connection] = []
        self._connections: set[_Connection] = set()
        self._waiting: deque[int] = deque()
        self._deadline_ns = 0
        self._last_answer_ns = 0
        self._sent = 0
        self._is_over = asyncio.Event()
        self._is_spent = asyncio.Event()
        self._reconnects: set[asyncio.Task[None]] = set()

    async def run(self) -> LoadResult:
        """Send the load and return what came of it.

        Raises: OSError when the target refuses the first connections.
        """
        for _ in range(self.spec.connections):
            self._idle.append(await self._connect())
        cpu_s = time.process_time()
        start_ns = time.monotonic_ns()
        self._last_answer_ns = start_ns
        self._deadline_ns = start_ns + int(self.spec.duration_s * 1e9)
        if self.spec.rate:
            await self._run_open(start_ns)
        else:
            idle, self._idle = self._idle, []
            for connection in idle[: self.spec.most_requests or None]:
                self._send_now(connection, time.monotonic_ns())
            await self._sleep_until_deadline()
        await self._drain()
        return LoadResult(
            answers=self._answers,
            errors=self._errors,
            elapsed_s=(self._last_answer_ns - start_ns) / 1e9,
            latency=summarize_ns(self._latencies_ns),
            lateness=summarize_ns(self._lateness_ns),
            first_token=summarize_ns(self.first_token_ns),
            gaps=summarize_ns(self.gaps_ns),
            generator_cpu_s=time.process_time() - cpu_s,
        )

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(self), self.spec.host, self.spec.port
        )
        self._connections.add(connection)
        return connection

    async def _run_open(self, start_ns: int) -> None:
        loop = asyncio.get_running_loop()
        interval_ns = int(1e9 / self.spec.rate)
        total = int(self.spec.rate * self.spec.duration_s)
        total = min(total, self.spec.most_requests or total)
        first_ns = start_ns + interval_ns
        timer = PeriodicTimer(first_ns, interval_ns)
        sent = 0
        all_sent = loop.create_future()

        def tick() -> None:
            nonlocal sent
            for _ in range(min(timer.read_expirations(), total - sent)):
                self._send_due(first_ns + sent * interval_ns)
                sent += 1
            if sent >= total and not all_sent.done():
                all_sent.set_result(None)

        loop.add_reader(timer.fileno(), tick)
        try:
            await all_sent
        finally:
            loop.remove_reader(timer.fileno())
            timer.close()

    async def _sleep_until_deadline(self) -> None:
        try:
            await asyncio.wait_for(self._is_spent.wait(), self.spec.duration_s)
        except TimeoutError:
            return

    def _send_now(self, connection: _Connection, now_ns: int) -> None:
        self._sent += 1
        connection.send(next(self._requests), now_ns)
        if self._sent == self.spec.most_requests:
            self._deadline_ns = now_ns
            self._is_spent.set()

    def _send_due(self, due_ns: int) -> None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                self._lateness_ns.append(time.monotonic_ns() - due_ns)
                connection.send(next(self._requests), due_ns)
                return
        self._waiting.append(due_ns)

    def on_answer(self, connection: _Connection, latency_ns: int, now_ns: int) -> None:
        """Count a right answer and go on with the connection."""
        self._answers += 1
        self._last_answer_ns = now_ns
        self._latencies_ns.append(latency_ns)
        self.on_free(connection, now_ns)

    def on_free(self, connection: _Connection, now_ns: int) -> None:
        """Give a free connection its next request, if there is one."""
        if self.spec.rate:
            if self._waiting:
                connection.send(next(self._requests), self._waiting.popleft())
            else:
                self._idle.append(connection)
                self._check_over()
        elif now_ns < self._deadline_ns and self._sent != self.spec.most_requests:
            self._send_now(connection, now_ns)
        else:
            self._check_over()

    def on_lost(self, connection: _Connection) -> None:
        """Replace a lost connection while there is something left to send."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if time.monotonic_ns() < self._deadline_ns:
            task = asyncio.get_running_loop().create_task(self._reconnect())
            self._reconnects.add(task)
            task.add_done_callback(self._reconnects.discard)
        self._check_over()

    async def _reconnect(self) -> None:
        while time.monotonic_ns() < self._deadline_ns:
            await asyncio.sleep(_RECONNECT_S)
            try:
                connection = await self._connect()
            except OSError:
                self.count_error("connection refused")
                continue
            self.on_free(connection, time.monotonic_ns())
            return

    def count_error(self, problem: str) -> None:
        """Count a request without a right answer."""
        self._errors[problem] = self._errors.get(problem, 0) + 1

    def _check_over(self) -> None:
        if not self._waiting and not any(connection.is_busy for connection in self._connections):
            self._is_over.set()

    async def _drain(self) -> None:
        """Wait for the answers under way; what does not come is an error."""
        for task in list(self._reconnects):
            task.cancel()
        self._is_over.clear()
        self._check_over()
        try:
            await asyncio.wait_for(self._is_over.wait(), _DRAIN_S)
        except TimeoutError:
            missing = sum(connection.is_busy for connection in self._connections) + len(self._waiting)
            self._errors["no answer"] = self._errors.get("no answer", 0) + missing
        for connection in list(self._connections):
            connection.is_busy = False
            connection.close()
        await asyncio.sleep(0)
