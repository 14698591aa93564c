"""Tests of `tzproxy.clickhouse.queries.usage`; what pages get is tested in `tests/reading`."""

from __future__ import annotations

from typing import get_args

from clickhouse.rows import lines, model_inference
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.usage import Usage
from tzproxy.types.statistics import (
    CacheAsked,
    LatencyAsked,
    TimeWindow,
    UsageAsked,
    VariantTotalsAsked,
    VariantUsageAsked,
)

ODD = "it's {p0:String} \\"


async def test_names_are_values_and_nothing_is_nothing(migrated: StoreClient) -> None:
    """An empty store has no usage in any window; names that look like SQL are compared, not run."""
    store = AsyncStoreClient(migrated.url, threads=1)
    usage = Usage(store)
    assert await usage.count_models() == 0
    for window in get_args(TimeWindow):
        assert await usage.models(UsageAsked(time_window=window, max_periods=3)) == []
        assert await usage.latency(LatencyAsked(time_window=window)) == []
        asked = VariantUsageAsked(function_name=ODD, time_window=window, max_periods=3)
        assert await usage.variants(asked) == []
    migrated.insert_json(
        "ModelInference",
        lines(
            model_inference(model_name=ODD, model_provider_name=ODD, function_name=ODD, variant_name=ODD),
            model_inference(),
        ),
    )
    cache = CacheAsked(time_window="day", max_periods=1, model_name=ODD, model_provider_name=ODD)
    (found,) = await usage.provider_caches(cache)
    assert (found.model_name, found.model_provider_name, found.count) == (ODD, ODD, 1)
    (total,) = await usage.variant_totals(VariantTotalsAsked(function_name=ODD), [ODD, "x"])
    assert (total.variant_name, total.total_input_tokens, total.total_cost) == (ODD, 10, 0.000125)
    assert await usage.variant_totals(VariantTotalsAsked(function_name=ODD), []) == []
    await store.close()
