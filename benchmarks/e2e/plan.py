"""What a run measures: command line, scenarios, requests."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import msgspec
from msgspec import Struct

MARKER = "Lorem"
"""The first word of the mock's filler."""
PLAIN_FUNCTION, STREAM_FUNCTION = "bench", "bench_stream"
ANSWER_BYTES = 1000
STREAM_TOKENS = 50
STREAM_INTERVAL_MS = 5
FUNCTIONS = {
    PLAIN_FUNCTION: f"bytes-{ANSWER_BYTES}",
    STREAM_FUNCTION: f"tokens-{STREAM_TOKENS}+stream-{STREAM_INTERVAL_MS}ms",
}
"""The functions of the gateways' configuration, and the mock's model behind each."""

GATEWAYS = {
    "tzproxy": ("tzproxy", "async"),
    "tzproxy-off": ("tzproxy", "off"),
    "original-off": ("original", "off"),
    "original-batch": ("original", "batch"),
    "original-async": ("original", "async"),
}
"""Name to program and observability mode."""

BACKLOG_REQUESTS = 400
"""A block of the original's `async_writes` ends after so many requests: it inserts row by row, far slower
than it answers, and the run waits until all rows are stored."""

_SYSTEM = "You are a helpful assistant. Answer briefly."
_QUESTION = "Tell me what you know about the weather in this city, number {number}. " * 3
_BODIES = 32


class Scenario(Struct, frozen=True, kw_only=True):
    """One kind of load."""

    name: str
    title: str
    connections: int
    rate: float = 0.0
    """0: closed loop."""
    is_stream: bool = False
    is_core: bool = True
    """Measured for every gateway, those with a backlog included."""


class Plan(Struct, frozen=True, kw_only=True):
    """Everything a run was asked to do."""

    gateways: list[str]
    scenarios: list[Scenario]
    repeats: int
    duration_s: float
    warmup_s: float
    quiet_s: float
    route: str = "openai"
    clickhouse_url: str | None = None
    clickhouse_pids: list[int] = []
    gateway_url: str | None = None
    gateway_pids: list[int] = []
    mock_url: str | None = None
    json_file: str | None = None
    is_quick: bool = False
    is_checked: bool = False
    profiler: str | None = None
    """`auto`, `py-spy` or `perf`; None measures instead of profiling."""
    does_print_config: bool = False


def build_bodies(function: str, *, route: str, is_stream: bool) -> list[str]:
    """Build the request bodies for a gateway: `openai` or the native `inference` route."""
    bodies = []
    for number in range(_BODIES):
        question = _QUESTION.format(number=number).strip()
        if route == "inference":
            message = {"role": "user", "content": question}
            body: dict[str, object] = {
                "function_name": function,
                "input": {"system": _SYSTEM, "messages": [message]},
                "stream": is_stream,
            }
        else:
            body = _chat_body(f"tensorzero::function_name::{function}", question, is_stream=is_stream)
        bodies.append(msgspec.json.encode(body).decode())
    return bodies


def build_direct_bodies(function: str, *, is_stream: bool) -> list[str]:
    """Build the bodies for the mock itself: what a gateway would send it."""
    return [
        msgspec.json.encode(
            _chat_body(FUNCTIONS[function], _QUESTION.format(number=number).strip(), is_stream=is_stream)
        ).decode()
        for number in range(_BODIES)
    ]


def _chat_body(model: str, question: str, *, is_stream: bool) -> dict[str, object]:
    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": question}]
    body: dict[str, object] = {"model": model, "messages": messages, "stream": is_stream}
    if is_stream:
        body["stream_options"] = {"include_usage": True}
    return body


def build_scenarios(*, rates: Sequence[float], connections: Sequence[int]) -> list[Scenario]:
    """Build the scenarios: throughput per number of connections, latency per rate, streaming."""
    scenarios = [
        Scenario(
            name=f"throughput-{count}",
            title=f"closed loop, {count} connections",
            connections=count,
            is_core=count == connections[0],
        )
        for count in connections
    ]
    scenarios += [
        Scenario(
            name=f"latency-{rate:g}",
            title=f"open loop, {rate:g} requests/s",
            connections=64,
            rate=rate,
            is_core=rate == rates[0],
        )
        for rate in rates
    ]
    title = f"streams of {STREAM_TOKENS} tokens, one each {STREAM_INTERVAL_MS} ms, 16 at a time"
    stream = Scenario(name="stream-16", title=title, connections=16, is_stream=True, is_core=False)
    return [*scenarios, stream]


def parse_plan(arguments: Sequence[str]) -> Plan:
    """Read the command line. Exits with a usage message when it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.e2e", description="Measure gateways end to end, side by side."
    )
    add = parser.add_argument
    add(
        "--gateways",
        help="comma-separated, default all, quick tzproxy and original-batch: " + ", ".join(GATEWAYS),
    )
    add("--quick", action="store_true", help="a sanity check of about half a minute")
    add("--check", action="store_true", help="exit with 1 when a target is missed")
    add("--repeats", type=int, help="blocks of each kind (default 3, quick 1)")
    add("--duration", type=float, help="seconds a block (default 3, quick 1.5)")
    add("--rates", default="500,1000", help="requests/s of the open loop, comma-separated")
    add("--connections", default="16,64", help="connections of the closed loop, comma-separated")
    add(
        "--route", choices=("openai", "inference"), default="openai", help="`inference`: tzproxy alone has it"
    )
    add(
        "--clickhouse-url",
        help="a server for all gateways, one database each (default: an embedded store each)",
    )
    add(
        "--clickhouse-pid",
        type=int,
        action="append",
        default=[],
        help="that server's process, to account for it",
    )
    add("--gateway-url", help="measure a gateway that is running, as `running`; see --print-config")
    add(
        "--pid",
        type=int,
        action="append",
        default=[],
        help="a process of that gateway; its children count too",
    )
    add("--mock-url", help="a mock that is running (default: an own one)")
    add("--print-config", action="store_true", help="print the configuration that --gateway-url needs")
    add(
        "--profile",
        nargs="?",
        const="auto",
        choices=("auto", "py-spy", "perf"),
        help="profile the tzproxy worker under load instead of measuring (default py-spy, else perf)",
    )
    add("--json", metavar="FILE", help="write all figures to a file")
    given = parser.parse_args(arguments)
    if given.gateways is None:
        given.gateways = "tzproxy,original-batch" if given.quick and not given.check else ",".join(GATEWAYS)
        if given.route == "inference":
            given.gateways = "tzproxy,tzproxy-off"
    names = [name for name in given.gateways.split(",") if name]
    unknown = [name for name in names if name not in GATEWAYS]
    if unknown:
        parser.error(f"unknown gateways: {', '.join(unknown)}")
    if given.route == "inference" and any(name.startswith("original") for name in names):
        parser.error("the original's wheel does not serve /inference: leave it out with --gateways")
    try:
        rates = [float(rate) for rate in given.rates.split(",") if rate]
        connections = [int(count) for count in given.connections.split(",") if count]
    except ValueError:
        parser.error("--rates and --connections take numbers separated by commas")
    if given.quick:
        rates, connections = rates[:1], connections[:1]
    return Plan(
        gateways=names,
        scenarios=build_scenarios(rates=rates, connections=connections),
        repeats=given.repeats or (1 if given.quick else 3),
        duration_s=given.duration or (1.5 if given.quick else 3.0),
        warmup_s=0.5 if given.quick else 2.0,
        quiet_s=3.0 if given.quick else 10.0,
        route=given.route,
        clickhouse_url=given.clickhouse_url,
        clickhouse_pids=given.clickhouse_pid,
        gateway_url=given.gateway_url,
        gateway_pids=given.pid,
        mock_url=given.mock_url,
        json_file=given.json,
        is_quick=given.quick,
        is_checked=given.check,
        profiler=given.profile,
        does_print_config=given.print_config,
    )
