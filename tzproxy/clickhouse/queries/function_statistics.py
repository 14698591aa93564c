"""Counts, throughput and metrics of functions. Cold."""

from __future__ import annotations

import msgspec

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.client import Settings
from tzproxy.clickhouse.queries.filters import LATEST
from tzproxy.clickhouse.queries.inference_query import FunctionType
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.clickhouse.queries.times import FORMAT_MILLISECONDS, time_of, written
from tzproxy.clickhouse.queries.windows import SECONDS, period_of
from tzproxy.config.functions import MetricConfig
from tzproxy.types.statistics import (
    FunctionCount,
    MetricCount,
    MetricWithFeedback,
    Performance,
    PerformanceAsked,
    Throughput,
    ThroughputAsked,
    VariantCount,
)

TABLES: dict[FunctionType, str] = {"chat": "ChatInference", "json": "JsonInference"}
SETTINGS: Settings = {"optimize_aggregation_in_order": 1, "output_format_json_quote_64bit_integers": 0}
# All feedback of a metric meets all inferences of a function: both are sorted, on the server's disk where
# they are many. A table of either in memory is a hundred bytes a row.
JOIN_SETTINGS: Settings = {
    **SETTINGS,
    "join_algorithm": "full_sorting_merge",
    "max_bytes_before_external_sort": 32 << 20,
    "max_bytes_before_external_group_by": 32 << 20,
}
_FEEDBACK = {"float": "FloatMetricFeedback", "boolean": "BooleanMetricFeedback"}
_TIME = written("max(timestamp)", FORMAT_MILLISECONDS)


class FunctionStatistics:
    """Counts. Every method raises StoreError when that fails. Names are taken as they are, known or not."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def counts(self) -> list[FunctionCount]:
        """Return the inferences of every function, the one used last first."""
        arms = " UNION ALL ".join(
            f"SELECT function_name, timestamp FROM {table}" for table in TABLES.values()
        )
        sql = (
            f"SELECT toString(function_name) AS function_name, {_TIME} AS last_inference_timestamp,"
            f" count() AS inference_count FROM ({arms}) GROUP BY function_name"
            " ORDER BY max(timestamp) DESC, function_name"
        )
        return [
            msgspec.convert(row, FunctionCount) for row in await self._store.query(sql, settings=SETTINGS)
        ]

    async def count_by_variant(
        self, function_name: str, kind: FunctionType, variant_name: str | None
    ) -> list[VariantCount]:
        """Return the inferences of a function's variants, the most used first."""
        parameters = Parameters()
        where = _where(parameters, function_name, variant_name)
        sql = (
            "SELECT toString(variant_name) AS variant_name, count() AS inference_count,"
            f" {_TIME} AS last_used_at FROM {TABLES[kind]} WHERE {where}"
            " GROUP BY variant_name ORDER BY inference_count DESC, variant_name"
        )
        rows = await self._store.query(sql, parameters.values, settings=SETTINGS)
        return [msgspec.convert(row, VariantCount) for row in rows]

    async def count_with_metric(
        self,
        function_name: str,
        kind: FunctionType,
        metric_name: str,
        metric: MetricConfig | None,
        *,
        threshold: float,
    ) -> MetricCount:
        """Return how many inferences have a metric's feedback, and how many have any that is good.

        Args:
            function_name: whose inferences.
            kind: of the function.
            metric_name: the metric.
            metric: its configuration; None for demonstrations, all of which are good.
            threshold: floats beyond it, in the metric's direction, are good.
        """
        parameters = Parameters()
        where = _where(parameters, function_name, None)
        if metric is None:
            sql = (
                f"SELECT count() AS n FROM {TABLES[kind]} WHERE {where}"
                " AND id IN (SELECT inference_id FROM DemonstrationFeedback)"
            )
            (row,) = await self._store.query(sql, parameters.values, settings=SETTINGS)
            return MetricCount(int(row["n"]), int(row["n"]))
        if metric.type == "boolean":
            good = f"value = {int(metric.optimize == 'max')}"
        else:
            operator = ">" if metric.optimize == "max" else "<"
            good = f"value {operator} {parameters.bind(threshold, 'Float64')}"
        column = "id" if metric.level == "inference" else "episode_id"
        targets = (
            f"SELECT target_id, max({good}) AS is_good FROM {_FEEDBACK[metric.type]}"
            f" WHERE metric_name = {parameters.bind(metric_name, 'String')} GROUP BY target_id"
        )
        sql = (
            "SELECT count() AS feedback_count, countIf(f.is_good) AS inference_count FROM"
            f" (SELECT {column} AS subject FROM {TABLES[kind]} WHERE {where}) AS i"
            f" INNER JOIN ({targets}) AS f ON f.target_id = i.subject"
        )
        (row,) = await self._store.query(sql, parameters.values, settings=JOIN_SETTINGS)
        return msgspec.convert(row, MetricCount)

    async def metrics(self, function_name: str, variant_name: str | None) -> list[MetricWithFeedback]:
        """Return the metrics that have feedback about a function, by name; their types are not looked up."""
        parameters = Parameters()
        where = _where(parameters, function_name, variant_name)
        sql = (
            f"SELECT {parameters.bind(function_name, 'String')} AS function_name, metric_name, feedback_count"
            " FROM (SELECT toString(metric_name) AS metric_name, sum(count) AS feedback_count"
            f" FROM FeedbackByVariantStatistics WHERE {where} GROUP BY metric_name"
            " UNION ALL SELECT 'demonstration' AS metric_name, sum(d.n) AS feedback_count"
            " FROM InferenceById AS i INNER JOIN"
            " (SELECT toUInt128(inference_id) AS target, count() AS n FROM DemonstrationFeedback"
            f" GROUP BY inference_id) AS d ON d.target = i.id_uint WHERE {where})"
            " WHERE feedback_count > 0 ORDER BY metric_name"
        )
        rows = await self._store.query(sql, parameters.values, settings=JOIN_SETTINGS)
        return [msgspec.convert(row, MetricWithFeedback) for row in rows]

    async def performance(self, asked: PerformanceAsked, metric: MetricConfig) -> list[Performance]:
        """Return a metric's means, the oldest period first. The newest feedback of a target counts.

        The period is the inference's. Feedback about an episode counts once in each period and variant of it.
        """
        parameters = Parameters()
        where = _where(parameters, asked.function_name, asked.variant_name)
        name = parameters.bind(asked.metric_name, "String")
        latest = (
            f"SELECT toUInt128(target_id) AS target, toFloat64({LATEST}) AS latest"
            f" FROM {_FEEDBACK[metric.type]} WHERE metric_name = {name} GROUP BY target_id"
        )
        period = period_of(asked.time_window, time_of("id_uint"))
        once = metric.level == "episode"
        # PERF: an episode's inferences lie together in the second table (benchmarks.lists).
        table, subject = ("InferenceByEpisodeId", "episode_id_uint") if once else ("InferenceById", "id_uint")
        subjects = (
            f"SELECT {period} AS period, toString(variant_name) AS variant, {subject} AS subject"
            f" FROM {table} WHERE {where}{' GROUP BY subject, period, variant' if once else ''}"
        )
        found = (
            "SELECT i.period AS period, i.variant AS variant, f.latest AS value"
            f" FROM ({subjects}) AS i INNER JOIN ({latest}) AS f ON f.target = i.subject"
        )
        sql = (
            f"SELECT {written('period')} AS period_start, variant AS variant_name, count() AS count,"
            " avg(value) AS avg_metric, stddevSamp(value) AS stdev, 1.96 * stdev / sqrt(count()) AS ci_error"
            f" FROM ({found}) GROUP BY period, variant ORDER BY period, variant"
        )
        rows = await self._store.query(sql, parameters.values, settings=JOIN_SETTINGS)
        return [msgspec.convert(row, Performance) for row in rows]

    async def throughput(self, asked: ThroughputAsked) -> list[Throughput]:
        """Return a function's inferences by period and variant, the newest period first.

        The window reaches back from the function's newest inference.
        """
        parameters = Parameters()
        where = _where(parameters, asked.function_name, None)
        window = asked.time_window
        if window != "cumulative":
            back_ms = SECONDS[window] * (asked.max_periods + 1) * 1000
            bound = parameters.bind(back_ms, "UInt64")
            newest = f"(SELECT max(bitShiftRight(id_uint, 80)) FROM InferenceById WHERE {where})"
            where += f" AND bitShiftRight(id_uint, 80) + {bound} >= {newest}"
        period = period_of(window, time_of("id_uint"))
        sql = (
            f"SELECT {written('period', FORMAT_MILLISECONDS)} AS period_start, variant AS variant_name,"
            " n AS count FROM"
            f" (SELECT {period} AS period, toString(variant_name) AS variant, count() AS n FROM InferenceById"
            f" WHERE {where} GROUP BY period, variant) ORDER BY period DESC, variant DESC"
        )
        rows = await self._store.query(sql, parameters.values, settings=SETTINGS)
        return [msgspec.convert(row, Throughput) for row in rows]


def _where(parameters: Parameters, function_name: str, variant_name: str | None) -> str:
    condition = f"function_name = {parameters.bind(function_name, 'String')}"
    if variant_name is not None:
        condition += f" AND variant_name = {parameters.bind(variant_name, 'String')}"
    return condition
