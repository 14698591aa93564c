"""Tests of `tzproxy.http.operations`: status, health, metrics."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from in_process import CHAT, MODEL, Conversation, Reply, StartGateway
from tzproxy.errors import StoreError, StoreUnavailableError
from tzproxy.http.app import App, Handler
from tzproxy.http.asgi import AsgiExchange
from tzproxy.http.operations import HealthRoute, MetricsRoute, RecordingCollector
from tzproxy.recording.counters import RecordingCounters, TableCounters

HEALTHY = {"gateway": "ok", "clickhouse": "ok", "postgres": "ok", "valkey": "ok", "valkey_cache": "ok"}


async def ask(route: Handler) -> Reply:
    """Ask a route."""
    app = App({("GET", "/x"): route})

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await app.serve(AsgiExchange(scope, receive, send))

    return await Conversation(asgi, "GET", "/x").finish()


async def test_status(start: StartGateway) -> None:
    """Version and configuration are told, in this order."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.get("/status")
    assert list(reply.json()) == ["status", "version", "config_hash"]
    assert (reply.json()["status"], reply.json()["version"]) == ("ok", "2026.6.0")
    assert int(reply.json()["config_hash"]) > 0


async def test_the_hash_is_the_one_of_the_rows(start: StartGateway) -> None:
    """What status tells is what rows are stored with."""
    gateway = await start()
    told = (await gateway.get("/status")).json()["config_hash"]
    await gateway.infer(model_name="dummy::echo")
    assert gateway.chat_rows[0]["snapshot_hash"] == told


class Store:
    """A store that answers, fails or is silent."""

    def __init__(self, failure: Exception | None = None, *, is_silent: bool = False) -> None:
        self.failure = failure
        self.is_silent = is_silent

    async def ping(self, *, timeout_s: float) -> None:
        """Answer."""
        if self.is_silent:
            await asyncio.get_running_loop().create_future()
        if self.failure is not None:
            raise self.failure


async def test_health_without_and_with_a_store() -> None:
    """Dependencies that are not used are well, as is a store that answers."""
    store: Any = Store()
    for reply in (await ask(HealthRoute(None)), await ask(HealthRoute(store))):
        assert (reply.status, reply.json()) == (200, HEALTHY)


@pytest.mark.parametrize(
    "store",
    [Store(StoreUnavailableError("away")), Store(StoreError("refused")), Store(is_silent=True)],
    ids=["away", "refused", "silent"],
)
async def test_health_with_a_store_that_does_not_answer(store: Any) -> None:
    """A store that fails or is silent for long makes the gateway unhealthy; nothing is told but that."""
    reply = await ask(HealthRoute(store))
    assert (reply.status, reply.json()) == (503, {**HEALTHY, "clickhouse": "error"})


async def test_metrics_are_prometheus_text(start: StartGateway) -> None:
    """The exposition has its type and can be read."""
    gateway = await start()
    await gateway.infer(model_name="dummy::echo")
    reply = await gateway.get("/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name for family in text_string_to_metric_families(reply.body.decode())}
    assert {"tensorzero_requests", "tensorzero_inferences", "tensorzero_input_tokens"} <= names


async def test_buckets_are_configurable(start: StartGateway) -> None:
    """The configured buckets are those of the histogram; without any there is a summary."""
    key = "tensorzero_inference_latency_overhead_seconds_buckets"
    gateway = await start(f"[gateway.metrics]\n{key} = [0.5]\n")
    await gateway.infer(model_name="dummy::echo")
    edges = [name for name in await gateway.metrics if "_bucket" in name]
    assert [name.partition('le="')[2].partition('"')[0] for name in edges] == ["0.5", "+Inf"]
    gateway = await start(f"[gateway.metrics]\n{key} = []\n")
    await gateway.infer(model_name="dummy::echo")
    assert b"seconds summary" in (await gateway.get("/metrics")).body


async def test_recording_counters() -> None:
    """Rows handed over, stored, lost and waiting are told by table, losses by reason."""
    table = TableCounters(accepted=10, stored=5, lost=4, pending=1, refused=2, rejected=1, damaged=1)
    counters = RecordingCounters(tables={"ChatInference": table}, spooled=3, recorder_age_s=1.5)
    asked: list[Path] = []

    def read(data_dir: Path) -> RecordingCounters:
        asked.append(data_dir)
        return counters

    route = MetricsRoute([RecordingCollector(Path("/data"), read)])
    assert asked == [], "nothing is read before the first scrape"
    lines = (await ask(route)).body.decode().splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert asked == [Path("/data")]
    assert samples == [
        'tzproxy_recording_rows_accepted_total{table="ChatInference"} 10.0',
        'tzproxy_recording_rows_stored_total{table="ChatInference"} 5.0',
        'tzproxy_recording_rows_lost_total{table="ChatInference",why="refused"} 2.0',
        'tzproxy_recording_rows_lost_total{table="ChatInference",why="rejected"} 1.0',
        'tzproxy_recording_rows_lost_total{table="ChatInference",why="damaged"} 1.0',
        'tzproxy_recording_rows_pending{table="ChatInference"} 1.0',
        "tzproxy_recording_rows_spooled 3.0",
        "tzproxy_recording_recorder_age_seconds 1.5",
    ]
