"""Tests of `tzproxy.clickhouse.queries.function_statistics`; what pages get is tested in `tests/reading`."""

from __future__ import annotations

from typing import Any, get_args

from clickhouse.rows import chat_inference, float_feedback, lines
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.function_statistics import FunctionStatistics
from tzproxy.config.functions import MetricConfig
from tzproxy.types.statistics import MetricCount, PerformanceAsked, ThroughputAsked, TimeWindow

ODD = "it's {p0:String} \\"
METRIC = MetricConfig(type="float", optimize="max", level="inference")


async def test_names_are_values_and_nothing_is_nothing(migrated: StoreClient) -> None:
    """Every statistic of an unknown function is empty; names that look like SQL are compared, not run."""
    store = AsyncStoreClient(migrated.url, threads=1)
    found = FunctionStatistics(store)
    assert await found.counts() == []
    for window in get_args(TimeWindow):
        assert await found.throughput(ThroughputAsked(function_name=ODD, time_window=window)) == []
        asked = PerformanceAsked(function_name=ODD, metric_name=ODD, time_window=window, variant_name=ODD)
        assert await found.performance(asked, METRIC) == []
    assert await found.metrics(ODD, ODD) == []
    assert await found.count_by_variant(ODD, "json", ODD) == []
    assert await found.count_with_metric(ODD, "chat", ODD, METRIC, threshold=0.5) == MetricCount(0, 0)
    inference = new_uuid7()
    row = chat_inference(id=inference, function_name=ODD, variant_name=ODD)
    migrated.insert_json("ChatInference", lines(row, chat_inference()))
    migrated.insert_json("FloatMetricFeedback", lines(float_feedback(inference, metric_name=ODD, value=1)))
    asked = PerformanceAsked(function_name=ODD, metric_name=ODD, time_window="day", variant_name=ODD)
    (performance,) = await found.performance(asked, METRIC)
    assert (performance.variant_name, performance.count, performance.stdev) == (ODD, 1, None)
    assert await found.count_with_metric(ODD, "chat", ODD, METRIC, threshold=0.5) == MetricCount(1, 1)
    assert [metric.metric_name for metric in await found.metrics(ODD, ODD)] == [ODD]
    await store.close()


class FrugalStore(AsyncStoreClient):
    """Allows a statement 120 MB."""

    async def query(
        self, sql: str, params: Any = None, *, settings: Any = None, **_: Any
    ) -> list[dict[str, Any]]:
        """As that of a store."""
        return await super().query(
            sql, params, settings={**(settings or {}), "max_memory_usage": 120_000_000}
        )


async def test_feedback_without_end(migrated: StoreClient) -> None:
    """A metric with a million values is followed within bounds; each inference counts once."""
    many = 1_000_000
    # Ids of one millisecond each: version 7, variant 2.
    id_ = f"bitShiftLeft(toUInt128(1767225600000 + number), 80) + toUInt128('{(7 << 76) | (2 << 62)}')"
    migrated.command(
        "INSERT INTO InferenceById (id_uint, function_name, variant_name, episode_id, function_type)"
        f" SELECT {id_}, 'busy', 'v', uint_to_uuid({id_}), 'chat' FROM numbers({many})"
    )
    for step, value in ((1, "0"), (2, "1")):
        migrated.command(
            "INSERT INTO FloatMetricFeedback (id, target_id, metric_name, value, tags)"
            f" SELECT uint_to_uuid({id_} + {step}), uint_to_uuid({id_}), 'm', {value}, map()"
            f" FROM numbers({many // step})"
        )
    store = FrugalStore(migrated.url, threads=1)
    asked = PerformanceAsked(function_name="busy", metric_name="m", time_window="cumulative")
    (found,) = await FunctionStatistics(store).performance(asked, METRIC)
    await store.close()
    assert (found.count, found.avg_metric) == (many, 0.5)
