"""`/status`, `/health` and `/metrics`. Cold."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tzproxy.clickhouse import AsyncStoreClient
from tzproxy.errors import StoreError
from tzproxy.http.exchange import Exchange, ResponseHeaders
from tzproxy.recording.counters import RecordingCounters, read_counters
from tzproxy.services.settings import API_VERSION

logger = logging.getLogger(__name__)
ENCODER = msgspec.json.Encoder()
HEALTH_TIMEOUT_S = 10.0
TEXT_HEADERS = ResponseHeaders(("content-type", "text/plain; version=0.0.4; charset=utf-8"))
DEPENDENCIES = ("gateway", "clickhouse", "postgres", "valkey", "valkey_cache")


class StatusRoute:
    """Says that the process lives and what it runs. Touches no dependency."""

    def __init__(self, config_hash: str) -> None:
        self._body = ENCODER.encode({"status": "ok", "version": API_VERSION, "config_hash": config_hash})

    async def __call__(self, exchange: Exchange) -> None:
        """Answer."""
        await exchange.answer(200, self._body)


class HealthRoute:
    """Says whether the dependencies answer. Those that are not used count as well."""

    def __init__(self, store: AsyncStoreClient | None) -> None:
        self._store = store

    async def __call__(self, exchange: Exchange) -> None:
        """Answer 200, or 503 naming what does not answer."""
        report = dict.fromkeys(DEPENDENCIES, "ok")
        if self._store is not None:
            try:
                await asyncio.wait_for(self._store.ping(timeout_s=HEALTH_TIMEOUT_S), HEALTH_TIMEOUT_S)
            except (StoreError, TimeoutError) as exc:
                logger.warning("the store does not answer: %s", exc)
                report["clickhouse"] = "error"
        healthy = "error" not in report.values()
        await exchange.answer(200 if healthy else 503, ENCODER.encode(report))


class MetricsRoute:
    """Prometheus text of this worker and of the recording behind it."""

    def __init__(self, collectors: Iterable[Collector]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in collectors:
            self._registry.register(collector)

    async def __call__(self, exchange: Exchange) -> None:
        """Answer."""
        text = await asyncio.get_running_loop().run_in_executor(None, generate_latest, self._registry)
        await exchange.answer(200, text, TEXT_HEADERS)


class RecordingCollector(Collector):
    """Rows accepted, stored, lost and pending: accepted = stored + lost + pending at any time."""

    def __init__(self, data_dir: Path, read: Callable[[Path], RecordingCounters] = read_counters) -> None:
        self._data_dir = data_dir
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Promise no fixed set of samples; nothing is read before the first scrape."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Read the counters and give them by table."""
        counters = self._read(self._data_dir)
        accepted = CounterMetricFamily(
            "tzproxy_recording_rows_accepted", "Rows handed over.", labels=["table"]
        )
        stored = CounterMetricFamily("tzproxy_recording_rows_stored", "Rows acknowledged.", labels=["table"])
        lost = CounterMetricFamily(
            "tzproxy_recording_rows_lost", "Rows lost for good.", labels=["table", "why"]
        )
        pending = GaugeMetricFamily(
            "tzproxy_recording_rows_pending", "Rows not yet stored.", labels=["table"]
        )
        for name, table in counters.tables.items():
            accepted.add_metric([name], table.accepted)
            stored.add_metric([name], table.stored)
            lost.add_metric([name, "refused"], table.refused)
            lost.add_metric([name, "rejected"], table.rejected)
            lost.add_metric([name, "damaged"], table.damaged)
            pending.add_metric([name], table.pending)
        yield from (accepted, stored, lost, pending)
        yield GaugeMetricFamily("tzproxy_recording_rows_spooled", "Rows on disk.", value=counters.spooled)
        if counters.recorder_age_s is not None:
            yield GaugeMetricFamily(
                "tzproxy_recording_recorder_age_seconds",
                "Seconds since the recorder was last seen.",
                value=counters.recorder_age_s,
            )
