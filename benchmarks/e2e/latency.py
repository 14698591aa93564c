"""Latency distributions: HDR histograms in microseconds, and what is reported of them."""

from __future__ import annotations

from collections.abc import Iterable

from hdrh.histogram import HdrHistogram
from msgspec import Struct

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 60_000_000, 3


class Distribution(Struct, frozen=True):
    """Percentiles of one measurement, in microseconds."""

    count: int = 0
    mean_us: float = 0.0
    max_us: float = 0.0
    percentiles_us: dict[str, float] = {}
    """By name: `p50`, `p90`, `p99`, `p99.9`."""


def percentile_name(percentile: float) -> str:
    """Name a percentile: `p50`, `p99.9`."""
    return f"p{percentile:g}"


def summarize_ns(values_ns: Iterable[int]) -> Distribution:
    """Summarise latencies given in nanoseconds."""
    histogram = HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)
    for value in values_ns:
        histogram.record_value(max(_LOWEST_US, min(_HIGHEST_US, (value + 500) // 1000)))
    count = int(histogram.get_total_count())
    if not count:
        return Distribution()
    return Distribution(
        count=count,
        mean_us=float(histogram.get_mean_value()),
        max_us=float(histogram.get_max_value()),
        percentiles_us={
            percentile_name(entry): float(histogram.get_value_at_percentile(entry)) for entry in PERCENTILES
        },
    )
