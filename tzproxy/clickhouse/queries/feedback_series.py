"""How a metric's mean grew with all feedback up to each moment. Cold.

Variants that got nothing during the window stand in it once, with what they had before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.clickhouse.queries.windows import back, interval, period_of
from tzproxy.types.statistics import SeriesAsked, SeriesPoint

ALPHA = 0.05
_NUMBERS = {"output_format_json_quote_64bit_integers": 0}
_RHO_SQUARED = (-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA)) + 1) / 100


class _Moments(Struct):
    """Count, mean and sum of squared deviations of everything so far."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, count: int, mean: float, variance: float | None) -> None:
        """Add a group of values by its sample variance (unknown for one value)."""
        total = self.count + count
        delta = mean - self.mean
        self.squares += (variance or 0.0) * (count - 1) + delta * delta * self.count * count / total
        self.mean += delta * count / total
        self.count = total

    @property
    def variance(self) -> float | None:
        """The sample variance; None for a single value."""
        return None if self.count < 2 else self.squares / (self.count - 1)


class FeedbackSeries:
    """Computes series. Every method raises StoreError when the store fails."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def series(self, asked: SeriesAsked, variants: Sequence[str] | None) -> list[SeriesPoint]:
        """Return the points of a window that is not cumulative, the oldest first; `variants` None: all."""
        if variants is not None and not variants:
            return []
        parameters = Parameters()
        where = (
            f"function_name = {parameters.bind(asked.function_name, 'String')}"
            f" AND metric_name = {parameters.bind(asked.metric_name, 'String')}"
        )
        if variants is not None:
            where += f" AND variant_name IN {parameters.bind(list(variants), 'Array(String)')}"
        end = f"{period_of(asked.time_window, 'minute')} + {interval(asked.time_window, '1')}"
        begin = back(asked.time_window, f"max({end})", asked.max_periods)
        begin_s = f"(SELECT {_seconds(begin)} FROM FeedbackByVariantStatistics WHERE {where})"
        # All that was before the window is one group: a year has half a million minutes.
        sql = (
            f"SELECT toString(variant_name) AS variant, greatest({_seconds(end)}, {begin_s} - 1) AS ended_s,"
            f" {begin_s} AS begin_s, sum(count) AS n, avgMerge(feedback_mean) AS mean,"
            " varSampStableMerge(feedback_variance) AS variance"
            f" FROM FeedbackByVariantStatistics WHERE {where} GROUP BY variant, ended_s"
            " ORDER BY ended_s, variant"
        )
        rows = await self._store.query(sql, parameters.values, settings=_NUMBERS)
        return grown([_group(row) for row in rows])


class _Group(Struct, frozen=True):
    variant: str
    ended_s: int
    begin_s: int
    count: int
    mean: float
    variance: float | None


def _group(row: dict[str, Any]) -> _Group:
    # A value beyond what 32 bits hold is stored as infinite, and JSON has no word for that.
    mean = math.nan if row["mean"] is None else row["mean"]
    return _Group(row["variant"], row["ended_s"], row["begin_s"], row["n"], mean, row["variance"])


def _seconds(time: str) -> str:
    return f"intDiv(toUnixTimestamp64Milli(toDateTime64({time}, 3, 'UTC')), 1000)"


def grown(groups: Sequence[_Group]) -> list[SeriesPoint]:
    """Turn groups of feedback, the oldest first, into what was known at the end of each."""
    known: dict[str, _Moments] = {}
    before: dict[str, SeriesPoint] = {}
    points: dict[tuple[int, str], SeriesPoint] = {}
    for group in groups:
        moments = known.setdefault(group.variant, _Moments())
        moments.add(group.count, group.mean, group.variance)
        at = max(group.ended_s, group.begin_s)
        point = _point(group.variant, at, moments)
        if group.ended_s < group.begin_s:
            before[group.variant] = point
        else:
            points[group.ended_s, group.variant] = point
    for variant, point in before.items():
        # What lies before the window stands at its beginning, unless something ended just there.
        points.setdefault((groups[0].begin_s, variant), point)
    return [points[place] for place in sorted(points)]


def _point(variant: str, at_s: int, moments: _Moments) -> SeriesPoint:
    variance, count = moments.variance, moments.count
    lower = upper = None
    if variance is not None:
        spread = count * variance * _RHO_SQUARED + 1
        margin = math.sqrt(spread / (count * count * _RHO_SQUARED) * math.log(spread / (ALPHA * ALPHA)))
        lower, upper = moments.mean - margin, moments.mean + margin
    return SeriesPoint(
        period_end=datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        variant_name=variant,
        mean=moments.mean,
        variance=variance,
        count=count,
        alpha=ALPHA,
        cs_lower=lower,
        cs_upper=upper,
    )
