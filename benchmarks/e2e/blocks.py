"""One block: load on one target, with its CPU and its rows accounted for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

from benchmarks.e2e.accounting import cpu_between, read_cpu, read_resident_mb
from benchmarks.e2e.gateways import Gateway
from benchmarks.e2e.load import LoadResult, LoadSpec
from benchmarks.e2e.load_process import LoadProcess
from benchmarks.e2e.plan import (
    MARKER,
    PLAIN_FUNCTION,
    STREAM_FUNCTION,
    STREAM_TOKENS,
    Plan,
    Scenario,
    build_bodies,
    build_direct_bodies,
)

DIRECT = "mock alone"
_ROWS_DEADLINE_S = 120.0
_PATHS = {"openai": "/openai/v1/chat/completions", "inference": "/inference"}


class Block(Struct, frozen=True, kw_only=True):
    """The figures of one block. CPU in microseconds a right answer."""

    scenario: str
    target: str
    repeat: int
    load: LoadResult
    cpu_us: float = 0.0
    """All processes of the gateway."""
    cpu_by_role_us: dict[str, float] = {}
    store_cpu_us: float = 0.0
    mock_cpu_us: float = 0.0
    resident_mb: dict[str, float] = {}
    rows: dict[str, int] = {}
    """Rows stored during the block, by table; empty without a store."""
    stored_after_s: float = 0.0
    """From the last answer until the last row was stored."""
    was_quiet: bool = True
    """The store was quiet before the block."""

    @property
    def stored_per_second(self) -> float:
        """Answers by the time from the first request until the last row was stored."""
        return self.load.answers / (self.load.elapsed_s + self.stored_after_s) if self.load.answers else 0.0

    @property
    def problems(self) -> list[str]:
        """What makes the block's figures worthless."""
        found = [f"{count} x {problem}" for problem, count in self.load.errors.items()]
        if not self.load.answers:
            found.append("no right answer at all")
        least, most = self.load.answers, self.load.answers + self.load.error_count
        found += [
            f"{table} got {stored} rows for {least} answers"
            for table, stored in self.rows.items()
            if not least <= stored <= most
        ]
        return found


class Bench:
    """Runs blocks with one load generator and one mock."""

    def __init__(self, plan: Plan, load: LoadProcess, *, mock_url: str, mock_pids: list[int]) -> None:
        self._plan = plan
        self._load = load
        self._mock_url = mock_url
        self._mock_pids = mock_pids

    def run_direct(self, scenario: Scenario, repeat: int) -> Block:
        """Measure the mock itself: what is left when there is no gateway."""
        function = STREAM_FUNCTION if scenario.is_stream else PLAIN_FUNCTION
        bodies = build_direct_bodies(function, is_stream=scenario.is_stream)
        mock = read_cpu(self._mock_pids)
        result = self._load.run(self._spec(scenario, self._mock_url, "/v1/chat/completions", bodies))
        return Block(
            scenario=scenario.name,
            target=DIRECT,
            repeat=repeat,
            load=result,
            mock_cpu_us=_per_answer(cpu_between(mock, read_cpu(self._mock_pids)), result),
        )

    def warm_up(self, gateway: Gateway) -> None:
        """Load a gateway for a moment so that pools, caches and tables are there, and wait for its rows."""
        store = gateway.store
        before = store.count_rows() if store else {}
        for is_stream in (False, True):
            scenario = Scenario(name="warm-up", title="", connections=16, is_stream=is_stream)
            result = self._load.run(self._gateway_spec(scenario, gateway, duration_s=self._plan.warmup_s))
            before = {table: count + result.answers for table, count in before.items()}
        if store:
            store.wait_rows(before, _ROWS_DEADLINE_S)

    def run(self, scenario: Scenario, gateway: Gateway, repeat: int) -> Block:
        """Measure a gateway. Its CPU counts until the last row is stored."""
        store = gateway.store
        was_quiet, before = True, {}
        if store:
            store.thaw()
            was_quiet, before = store.wait_quiet(self._plan.quiet_s), store.count_rows()
        roles = gateway.processes()
        pids, store_pids = list(roles), store.pids if store else []
        cpu, store_cpu, mock_cpu = read_cpu(pids), read_cpu(store_pids), read_cpu(self._mock_pids)
        result = self._load.run(self._gateway_spec(scenario, gateway))
        mock_after = read_cpu(self._mock_pids)
        rows: dict[str, int] = {}
        answered = time.monotonic()
        if store:
            expected = {table: count + result.answers for table, count in before.items()}
            stored = store.wait_rows(expected, _ROWS_DEADLINE_S)
            rows = {table: stored[table] - count for table, count in before.items()}
        stored_after_s = time.monotonic() - answered if store else 0.0
        roles |= gateway.processes()
        after = read_cpu(roles)
        store_after = read_cpu(store_pids)
        by_role = {
            role: _per_answer(cpu_between(cpu, _only(after, roles, role)), result)
            for role in set(roles.values())
        }
        resident: dict[str, float] = {}
        for pid, role in roles.items():
            resident[role] = resident.get(role, 0.0) + read_resident_mb(pid)
        if store:
            store.freeze()
        return Block(
            scenario=scenario.name,
            target=gateway.name,
            repeat=repeat,
            load=result,
            cpu_us=_per_answer(cpu_between(cpu, after), result),
            cpu_by_role_us=by_role,
            store_cpu_us=_per_answer(cpu_between(store_cpu, store_after), result),
            mock_cpu_us=_per_answer(cpu_between(mock_cpu, mock_after), result),
            resident_mb=resident,
            rows=rows,
            stored_after_s=stored_after_s,
            was_quiet=was_quiet,
        )

    def _gateway_spec(self, scenario: Scenario, gateway: Gateway, *, duration_s: float = 0.0) -> LoadSpec:
        function = STREAM_FUNCTION if scenario.is_stream else PLAIN_FUNCTION
        bodies = build_bodies(function, route=self._plan.route, is_stream=scenario.is_stream)
        return self._spec(
            scenario,
            gateway.url,
            _PATHS[self._plan.route],
            bodies,
            duration_s=duration_s,
            most_requests=gateway.most_requests,
        )

    def _spec(
        self,
        scenario: Scenario,
        url: str,
        path: str,
        bodies: Iterable[str],
        *,
        duration_s: float = 0.0,
        most_requests: int = 0,
    ) -> LoadSpec:
        parts = urlsplit(url)
        return LoadSpec(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 80,
            path=path,
            bodies=list(bodies),
            marker=MARKER,
            connections=scenario.connections,
            duration_s=duration_s or self._plan.duration_s,
            most_requests=most_requests,
            rate=scenario.rate,
            is_stream=scenario.is_stream,
            least_events=STREAM_TOKENS if scenario.is_stream else 0,
        )


def _per_answer(cpu_s: float, result: LoadResult) -> float:
    return cpu_s / result.answers * 1e6 if result.answers else 0.0


def _only(cpu: dict[int, float], roles: dict[int, str], role: str) -> dict[int, float]:
    return {pid: cpu_s for pid, cpu_s in cpu.items() if roles.get(pid) == role}
