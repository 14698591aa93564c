"""Starts everything, runs the blocks interleaved, ends everything."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.e2e.accounting import read_threads
from benchmarks.e2e.blocks import Bench, Block
from benchmarks.e2e.gateways import (
    Gateway,
    GatewayFailed,
    OriginalGateway,
    RunningGateway,
    TzproxyGateway,
    build_config,
)
from benchmarks.e2e.load_process import LoadProcess
from benchmarks.e2e.plan import BACKLOG_REQUESTS, FUNCTIONS, GATEWAYS, Plan
from benchmarks.e2e.profiling import find_profiler, format_profile, format_threads, start_profiler
from benchmarks.e2e.store import EmbeddedStore, ServerStore, Store
from tzproxy.mock import MockProcess

_PROFILE_S = 8


class Started:
    """What a run has started: mock, generator, gateways with their stores."""

    def __init__(self, plan: Plan, stack: ExitStack) -> None:
        self.notes: list[str] = []
        self.gateways: list[Gateway] = []
        self._plan = plan
        self._stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tzproxy-bench-")))
        mock_pids: list[int] = []
        if plan.mock_url:
            self.mock_url = plan.mock_url.rstrip("/")
        else:
            mock = stack.enter_context(MockProcess())
            self.mock_url, mock_pids = mock.url, [mock.pid]
        load = stack.enter_context(LoadProcess())
        self.bench = Bench(plan, load, mock_url=self.mock_url, mock_pids=mock_pids)

    def start_gateways(self) -> None:
        """Start the gateways of the plan.

        Raises: GatewayFailed, StoreFailed.
        """
        for name in self._plan.gateways:
            program, mode = GATEWAYS[name]
            store = None if mode == "off" else self._start_store(name)
            start = TzproxyGateway if program == "tzproxy" else OriginalGateway
            try:
                config = build_config(mode, self.mock_url, FUNCTIONS)
                gateway: Gateway = start(name, config, self.folder / name, store)
            except GatewayFailed as exc:
                raise GatewayFailed(f"{name}: {exc}") from exc
            self._stack.callback(gateway.stop)
            if name == "original-async":
                gateway.most_requests = BACKLOG_REQUESTS
            self.gateways.append(gateway)
        if self._plan.gateway_url:
            store = None
            if self._plan.clickhouse_url:
                store = Store(self._plan.clickhouse_url, self._plan.clickhouse_pids)
            self.gateways.append(
                RunningGateway("running", self._plan.gateway_url, self._plan.gateway_pids, store)
            )
        for gateway in self.gateways:
            self.bench.warm_up(gateway)
            if gateway.store:
                gateway.store.freeze()

    def _start_store(self, name: str) -> Store:
        store: Store
        if self._plan.clickhouse_url:
            database = "bench_" + name.replace("-", "_") + self.folder.name.rsplit("-", 1)[-1]
            store = ServerStore(self._plan.clickhouse_url, database, self._plan.clickhouse_pids)
            self.notes.append(f"store of {name}: database {database} on the given server")
        else:
            store = EmbeddedStore(self.folder / f"store-{name}")
            self.notes.append(
                f"store of {name}: an embedded engine of its own, fresh, frozen while others are measured"
            )
        self._stack.callback(store.stop)
        return store


def run_blocks(plan: Plan, started: Started) -> list[Block]:
    """Run all blocks: the repeats interleaved, every second one in reverse order."""
    blocks: list[Block] = []
    for repeat in range(plan.repeats):
        for scenario in plan.scenarios:
            _tell(f"repeat {repeat + 1}/{plan.repeats}, {scenario.name}")
            blocks.append(started.bench.run_direct(scenario, repeat))
            gateways = started.gateways if repeat % 2 == 0 else started.gateways[::-1]
            for gateway in gateways:
                if gateway.most_requests and not scenario.is_core:
                    continue
                blocks.append(started.bench.run(scenario, gateway, repeat))
    return blocks


def run_profile(plan: Plan, wanted: str, started: Started) -> str:
    """Load the tzproxy gateway and profile its worker meanwhile."""
    profiler = find_profiler(wanted)
    if profiler is None:
        return "the profiler is not installed"
    gateway = next(entry for entry in started.gateways if entry.name.startswith(("tzproxy", "running")))
    worker = next(pid for pid, role in gateway.processes().items() if role == "worker")
    output = started.folder / "profile"
    process = start_profiler(profiler, worker, output, _PROFILE_S)
    threads, answers = read_threads(worker), 0
    for _ in range(int(_PROFILE_S // plan.duration_s) + 1):
        answers += started.bench.run(plan.scenarios[0], gateway, 0).load.answers
    used = format_threads(threads, read_threads(worker), answers)
    _, errors = process.communicate()
    if not output.exists():
        return f"the profiler failed: {errors.decode(errors='replace')}"
    return f"{used}\n\n{format_profile(profiler, output)}"


def _tell(text: str) -> None:
    sys.stderr.write(f"[{text}]\n")
