"""What the statistics for pages take and answer. Cold.

Field order is the wire's. What is unknown is null; `stdev` and `ci_error` are left out then.
Units: tokens, US dollars, milliseconds. Periods begin in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tzproxy.types.params import U32

Moment = Annotated[datetime, Meta(tz=True)]

TimeWindow = Literal["minute", "hour", "day", "week", "month", "cumulative"]
"""The length of a period; `cumulative`: all time is one."""


class FunctionAsked(Struct, frozen=True, kw_only=True):
    """A function, perhaps one of its variants."""

    function_name: str
    variant_name: str | None = None


class CountAsked(FunctionAsked, frozen=True, kw_only=True):
    """How many inferences."""

    group_by: Literal["variant"] | None = None


class MetricCountAsked(Struct, frozen=True, kw_only=True):
    """How many inferences with a metric's feedback, and with a good one."""

    function_name: str
    metric_name: str
    threshold: float = 0.0


class PerformanceAsked(FunctionAsked, frozen=True, kw_only=True):
    """A metric over time."""

    metric_name: str
    time_window: TimeWindow


class ThroughputAsked(Struct, frozen=True, kw_only=True):
    """Inferences over time."""

    function_name: str
    time_window: TimeWindow
    max_periods: U32 = 10


class UsageAsked(Struct, frozen=True, kw_only=True):
    """Use of models over time."""

    time_window: TimeWindow
    max_periods: U32


class VariantUsageAsked(UsageAsked, frozen=True, kw_only=True):
    """Use of models by a function's variants over time."""

    function_name: str


class LatencyAsked(Struct, frozen=True, kw_only=True):
    """How long models took."""

    time_window: TimeWindow


class CacheAsked(UsageAsked, frozen=True, kw_only=True):
    """What the providers' own caches saved."""

    model_name: str | None = None
    model_provider_name: str | None = None


class VariantTotalsAsked(Struct, frozen=True, kw_only=True):
    """Totals of a function's variants. `variant_names` is a list with commas."""

    function_name: str
    variant_names: str | None = None
    after: Moment | None = None
    before: Moment | None = None


class SeriesAsked(Struct, frozen=True, kw_only=True):
    """A metric's growing mean over time. `variant_names` is a list with commas."""

    function_name: str
    metric_name: str
    time_window: TimeWindow
    max_periods: U32
    variant_names: str | None = None


class FunctionCount(Struct, frozen=True):
    """Inferences of one function."""

    function_name: str
    last_inference_timestamp: str
    inference_count: int


class VariantCount(Struct, frozen=True):
    """Inferences of one variant."""

    variant_name: str
    inference_count: int
    last_used_at: str


class InferenceCount(Struct, frozen=True, omit_defaults=True):
    """Inferences of a function."""

    inference_count: int
    count_by_variant: list[VariantCount] | None = None


class MetricCount(Struct, frozen=True):
    """Inferences with feedback, and with feedback that passes."""

    feedback_count: int
    inference_count: int


class MetricWithFeedback(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A metric and how much feedback it has."""

    function_name: str
    metric_name: str
    metric_type: str | None = None
    feedback_count: int


class Performance(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A metric's mean in one period; null where a value is infinite."""

    period_start: str
    variant_name: str
    count: int
    avg_metric: float | None
    stdev: float | None = None
    ci_error: float | None = None


class Throughput(Struct, frozen=True):
    """Inferences of a variant in one period."""

    period_start: str
    variant_name: str
    count: int


class ModelUsage(Struct, frozen=True, kw_only=True):
    """A model's use in one period."""

    period_start: str
    model_name: str
    input_tokens: int | None
    output_tokens: int | None
    count: int
    cost: float | None
    count_with_cost: int


class VariantUsage(Struct, frozen=True, kw_only=True):
    """A variant's use of models in one period. Quantiles stand in the order of `QUANTILE_LEVELS`."""

    period_start: str
    variant_name: str
    input_tokens: int | None
    output_tokens: int | None
    count: int
    cost: float | None
    count_with_cost: int
    processing_time_ms_quantiles: list[float | None]
    ttft_ms_quantiles: list[float | None]


class ModelLatency(Struct, frozen=True, kw_only=True):
    """How long a model took. Quantiles stand in the order of `QUANTILE_LEVELS`."""

    model_name: str
    response_time_ms_quantiles: list[float | None]
    ttft_ms_quantiles: list[float | None]
    count: int


class CacheUse(Struct, frozen=True, kw_only=True):
    """What a provider's cache served in one period."""

    period_start: str
    model_name: str
    model_provider_name: str
    input_tokens: int | None
    cache_read_input_tokens: int | None
    cache_write_input_tokens: int | None
    count: int
    cache_read_ratio: float | None


class VariantTotals(Struct, frozen=True, kw_only=True):
    """All that a variant used."""

    function_name: str
    variant_name: str
    inference_count: int
    total_input_tokens: int | None
    total_output_tokens: int | None
    total_cost: float | None
    count_with_cost: int
    total_provider_cache_read_input_tokens: int | None
    total_provider_cache_write_input_tokens: int | None
    processing_time_ms_quantiles: list[float | None]
    ttft_ms_quantiles: list[float | None]


class SeriesPoint(Struct, frozen=True, kw_only=True):
    """A variant's mean of all feedback up to a moment, with its confidence sequence."""

    period_end: str
    variant_name: str
    mean: float
    variance: float | None
    count: int
    alpha: float
    cs_lower: float | None
    cs_upper: float | None
