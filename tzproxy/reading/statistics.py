"""Statistics of functions, variants and models, for pages. Cold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.feedback_series import FeedbackSeries
from tzproxy.clickhouse.queries.function_statistics import FunctionStatistics
from tzproxy.clickhouse.queries.inference_query import FunctionType
from tzproxy.clickhouse.queries.usage import Usage
from tzproxy.clickhouse.schema.types import QUANTILE_LEVELS
from tzproxy.config.functions import MetricConfig
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.inference.function import Function
from tzproxy.inference.plan import DEFAULT_FUNCTION
from tzproxy.types.pages import Nothing
from tzproxy.types.statistics import (
    CacheAsked,
    CountAsked,
    FunctionAsked,
    InferenceCount,
    LatencyAsked,
    MetricCount,
    MetricCountAsked,
    PerformanceAsked,
    SeriesAsked,
    ThroughputAsked,
    UsageAsked,
    VariantTotalsAsked,
    VariantUsageAsked,
)

LEVELS = [float(level) for level in QUANTILE_LEVELS]
DEMONSTRATION = "demonstration"


class StatisticsReader:
    """Answers in the API's form. One per gateway process.

    Every method raises NotFoundError for names that are not configured, RequestError for what cannot be
    asked, and StoreError when the store does not answer or refuses.
    """

    def __init__(
        self,
        store: AsyncStoreClient,
        metrics: Mapping[str, MetricConfig],
        functions: Mapping[str, Function],
    ) -> None:
        """Read from a store, by the metrics and functions of a configuration."""
        self._functions = FunctionStatistics(store)
        self._usage = Usage(store)
        self._series = FeedbackSeries(store)
        self._metrics = metrics
        self._known = functions

    async def inference_counts(self, asked: Nothing) -> object:
        """Count the inferences of every function."""
        return {"functions": await self._functions.counts()}

    async def inference_count(self, asked: CountAsked) -> InferenceCount:
        """Count the inferences of a function, or of one of its variants."""
        kind = self._check(asked.function_name, asked.variant_name)
        found = await self._functions.count_by_variant(asked.function_name, kind, asked.variant_name)
        total = sum(variant.inference_count for variant in found)
        return InferenceCount(total, found if asked.group_by == "variant" else None)

    async def metric_count(self, asked: MetricCountAsked) -> MetricCount:
        """Count the inferences that have a metric's feedback."""
        kind = self._check(asked.function_name, None)
        metric = None if asked.metric_name == DEMONSTRATION else self._metric(asked.metric_name)
        return await self._functions.count_with_metric(
            asked.function_name, kind, asked.metric_name, metric, threshold=asked.threshold
        )

    async def metrics(self, asked: FunctionAsked) -> object:
        """List the metrics that have feedback about a function."""
        found = await self._functions.metrics(asked.function_name, asked.variant_name)
        typed = [msgspec.structs.replace(row, metric_type=self._type(row.metric_name)) for row in found]
        return {"metrics": typed}

    async def performances(self, asked: PerformanceAsked) -> object:
        """Follow a metric over time."""
        self._check(asked.function_name, asked.variant_name)
        found = await self._functions.performance(asked, self._metric(asked.metric_name))
        return {"performances": found}

    async def throughput(self, asked: ThroughputAsked) -> object:
        """Follow the number of inferences over time."""
        return {"throughput": await self._functions.throughput(asked)}

    async def variant_usage(self, asked: VariantUsageAsked) -> object:
        """Follow what a function's variants used."""
        return {"quantiles": LEVELS, "data": await self._usage.variants(asked)}

    async def variant_totals(self, asked: VariantTotalsAsked) -> object:
        """Add up what a function's variants used."""
        found = await self._usage.variant_totals(asked, _names(asked.variant_names))
        return {"quantiles": LEVELS, "data": found}

    async def model_count(self, asked: Nothing) -> object:
        """Count the models that were used."""
        return {"model_count": await self._usage.count_models()}

    async def model_usage(self, asked: UsageAsked) -> object:
        """Follow what models used."""
        return {"data": await self._usage.models(asked)}

    async def model_latency(self, asked: LatencyAsked) -> object:
        """Tell how long models took."""
        return {"quantiles": LEVELS, "data": await self._usage.latency(asked)}

    async def provider_caches(self, asked: CacheAsked) -> object:
        """Follow what the providers' caches served."""
        return {"data": await self._usage.provider_caches(asked)}

    async def feedback_series(self, asked: SeriesAsked) -> object:
        """Follow the mean of a metric as feedback came in."""
        if asked.time_window == "cumulative":
            raise RequestError("Cumulative time window is not supported for feedback timeseries")
        return {"timeseries": await self._series.series(asked, _names(asked.variant_names))}

    def _check(self, function_name: str, variant_name: str | None) -> FunctionType:
        if function_name == DEFAULT_FUNCTION:
            # Its variants are the names of models, which may be any.
            return "chat"
        function = self._known.get(function_name)
        if function is None:
            raise NotFoundError(f"Unknown function: {function_name}")
        if variant_name is not None and variant_name not in function.variants:
            raise NotFoundError(f"Unknown variant: {variant_name}")
        return function.type

    def _metric(self, name: str) -> MetricConfig:
        metric = self._metrics.get(name)
        if metric is None:
            raise NotFoundError(f"Unknown metric: {name}")
        return metric

    def _type(self, name: str) -> str | None:
        if name == DEMONSTRATION:
            return DEMONSTRATION
        metric = self._metrics.get(name)
        return None if metric is None else metric.type


def _names(text: str | None) -> Sequence[str] | None:
    """Take a list with commas apart; an empty text is an empty list."""
    if text is None:
        return None
    return [name for name in text.split(",") if name]
