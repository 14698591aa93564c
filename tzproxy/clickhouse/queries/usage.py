"""Use and latency of models and variants, from the tables that add them up. Cold."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.clickhouse.queries.times import written
from tzproxy.clickhouse.queries.windows import back, interval, usage_period_of
from tzproxy.clickhouse.schema.types import QUANTILES
from tzproxy.types.statistics import (
    CacheAsked,
    CacheUse,
    LatencyAsked,
    ModelLatency,
    ModelUsage,
    TimeWindow,
    UsageAsked,
    VariantTotals,
    VariantTotalsAsked,
    VariantUsage,
    VariantUsageAsked,
)

_MERGE_QUANTILES = QUANTILES.replace("quantilesTDigest", "quantilesTDigestMerge", 1)
_USED = (
    "toInt64(sumMerge(s.total_input_tokens)) AS input_tokens,"
    " toInt64(sumMerge(s.total_output_tokens)) AS output_tokens, countMerge(s.count) AS count,"
    " toFloat64(sumMerge(s.total_cost)) AS cost, countMerge(s.count_with_cost) AS count_with_cost"
)
_NUMBERS = {"output_format_json_quote_64bit_integers": 0}


class Usage:
    """Adds up. Every method raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def count_models(self) -> int:
        """Return how many models have ever been used."""
        rows = await self._store.query(
            "SELECT toString(uniqExact(model_name)) AS n FROM ModelProviderStatistics"
        )
        return int(rows[0]["n"])

    async def models(self, asked: UsageAsked) -> list[ModelUsage]:
        """Return the use of models, the newest period first."""
        period, where = _window(asked, "ModelProviderStatistics", "true")
        sql = (
            f"SELECT {written('period')} AS period_start, name AS model_name, * EXCEPT (period, name) FROM"
            f" (SELECT {period} AS period, toString(s.model_name) AS name, {_USED}"
            f" FROM ModelProviderStatistics AS s WHERE {where} GROUP BY period, name)"
            " ORDER BY period DESC, name"
        )
        rows = await self._store.query(sql, settings=_NUMBERS)
        return [msgspec.convert(row, ModelUsage) for row in rows]

    async def variants(self, asked: VariantUsageAsked) -> list[VariantUsage]:
        """Return the use of models by a function's variants, the newest period first."""
        parameters = Parameters()
        function = f"s.function_name = {parameters.bind(asked.function_name, 'String')}"
        period, where = _window(asked, "VariantStatistics", function)
        sql = (
            f"SELECT {written('period')} AS period_start, name AS variant_name, * EXCEPT (period, name) FROM"
            f" (SELECT {period} AS period, toString(s.variant_name) AS name, {_USED},"
            f" {_quantiles('processing_time_ms')}, {_quantiles('ttft_ms')}"
            f" FROM VariantStatistics AS s WHERE {where} GROUP BY period, name) ORDER BY period DESC, name"
        )
        rows = await self._store.query(sql, parameters.values, settings=_NUMBERS)
        return [msgspec.convert(row, VariantUsage) for row in rows]

    async def latency(self, asked: LatencyAsked) -> list[ModelLatency]:
        """Return how long each model took during the last period, up to its newest use of any model."""
        where = "true"
        if asked.time_window != "cumulative":
            newest = "(SELECT max(minute) FROM ModelProviderStatistics)"
            where = f"s.minute >= {newest} - {interval(asked.time_window, '1')}"
        sql = (
            f"SELECT toString(s.model_name) AS model_name, {_quantiles('response_time_ms')},"
            f" {_quantiles('ttft_ms')}, countMerge(s.count) AS count"
            f" FROM ModelProviderStatistics AS s WHERE {where} GROUP BY s.model_name ORDER BY model_name"
        )
        rows = await self._store.query(sql, settings=_NUMBERS)
        return [msgspec.convert(row, ModelLatency) for row in rows]

    async def provider_caches(self, asked: CacheAsked) -> list[CacheUse]:
        """Return what the providers' caches served, the newest period first."""
        parameters = Parameters()
        conditions = [
            f"s.{column} = {parameters.bind(value, 'String')}"
            for column, value in (
                ("model_name", asked.model_name),
                ("model_provider_name", asked.model_provider_name),
            )
            if value is not None
        ]
        wanted = " AND ".join(["true", *conditions])
        period, where = _window(asked, "ModelProviderStatistics", wanted)
        sql = (
            f"SELECT {written('period')} AS period_start, model AS model_name,"
            " provider AS model_provider_name, * EXCEPT (period, model, provider),"
            " if(input_tokens > 0, cache_read_input_tokens / input_tokens, NULL) AS cache_read_ratio FROM"
            f" (SELECT {period} AS period, toString(s.model_name) AS model,"
            " toString(s.model_provider_name) AS provider,"
            " toInt64(sumMerge(s.total_input_tokens)) AS input_tokens,"
            " toInt64(sumMerge(s.total_provider_cache_read_input_tokens)) AS cache_read_input_tokens,"
            " toInt64(sumMerge(s.total_provider_cache_write_input_tokens)) AS cache_write_input_tokens,"
            " countMerge(s.count) AS count"
            f" FROM ModelProviderStatistics AS s WHERE {where} GROUP BY period, model, provider)"
            " ORDER BY period DESC, model, provider"
        )
        rows = await self._store.query(sql, parameters.values, settings=_NUMBERS)
        return [msgspec.convert(row, CacheUse) for row in rows]

    async def variant_totals(
        self, asked: VariantTotalsAsked, variants: Sequence[str] | None
    ) -> list[VariantTotals]:
        """Return all that a function's variants used; `variants` None: all of them."""
        parameters = Parameters()
        conditions = [f"s.function_name = {parameters.bind(asked.function_name, 'String')}"]
        if variants is not None:
            conditions.append(f"s.variant_name IN {parameters.bind(list(variants), 'Array(String)')}")
        for operator, moment in ((">=", asked.after), ("<", asked.before)):
            if moment is not None:
                seconds = parameters.bind(int(moment.timestamp()), "Int64")
                conditions.append(f"toInt64(toUnixTimestamp(s.minute)) {operator} {seconds}")
        totals = ("input_tokens", "output_tokens")
        cached = ("provider_cache_read_input_tokens", "provider_cache_write_input_tokens")
        sums = ", ".join(f"toInt64(sumMerge(s.total_{name})) AS total_{name}" for name in (*totals, *cached))
        sql = (
            "SELECT toString(s.function_name) AS function_name, toString(s.variant_name) AS variant_name,"
            f" countMerge(s.count) AS inference_count, {sums},"
            " toFloat64(sumMerge(s.total_cost)) AS total_cost,"
            " countMerge(s.count_with_cost) AS count_with_cost,"
            f" {_quantiles('processing_time_ms')}, {_quantiles('ttft_ms')}"
            f" FROM VariantStatistics AS s WHERE {' AND '.join(conditions)}"
            " GROUP BY s.function_name, s.variant_name ORDER BY variant_name"
        )
        rows = await self._store.query(sql, parameters.values, settings=_NUMBERS)
        return [msgspec.convert(row, VariantTotals) for row in rows]


def _quantiles(column: str) -> str:
    return f"{_MERGE_QUANTILES}(s.{column}_quantiles) AS {column}_quantiles"


def _window(asked: UsageAsked, table: str, wanted: str) -> tuple[str, str]:
    """Return the period of a row, and the condition that it is one of the last."""
    window: TimeWindow = asked.time_window
    period = usage_period_of(window, "s.minute")
    if window == "cumulative":
        return period, wanted
    begin = back(window, f"max({period})", asked.max_periods)
    return period, f"{wanted} AND s.minute >= (SELECT {begin} FROM {table} AS s WHERE {wanted})"
