"""Tests of `tzproxy.clickhouse.queries.feedback_series`: growing means against plain statistics."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.rows import chat_inference, float_feedback, lines
from tzproxy._speedups.ids import format_uuid, new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.feedback_series import ALPHA, FeedbackSeries, _Group, _Moments, grown
from tzproxy.types.statistics import SeriesAsked

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6)


@given(groups=st.lists(VALUES, min_size=1, max_size=6))
def test_groups_add_up_to_the_whole(groups: list[list[float]]) -> None:
    """Mean and sample variance of groups one after the other are those of all their values."""
    moments = _Moments()
    for values in groups:
        variance = statistics.variance(values) if len(values) > 1 else None
        moments.add(len(values), statistics.fmean(values), variance)
    whole = [value for values in groups for value in values]
    assert moments.count == len(whole)
    assert moments.mean == pytest.approx(statistics.fmean(whole), abs=1e-6)
    if len(whole) < 2:
        assert moments.variance is None
    else:
        assert moments.variance == pytest.approx(statistics.variance(whole), rel=1e-6, abs=1e-6)


def group(variant: str, ended_s: int, *, mean: float = 1.0) -> _Group:
    """Make a group of two values in a window that begins at 100."""
    return _Group(variant, ended_s, 100, 2, mean, 0.5)


def test_what_lies_before_the_window() -> None:
    """Earlier feedback counts, and stands at the window's beginning unless something ended there."""
    points = grown([group("a", 20), group("b", 40), group("a", 60), group("b", 100), group("c", 140)])
    assert [(point.period_end[14:19], point.variant_name, point.count) for point in points] == [
        ("01:40", "a", 4),
        ("01:40", "b", 4),
        ("02:20", "c", 2),
    ]
    assert grown([]) == []


def test_the_confidence_sequence() -> None:
    """The bounds are the asymptotic confidence sequence's, and narrow as feedback comes in."""
    first, second = grown([group("a", 120), group("a", 140)])
    rho = (-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA)) + 1) / 100
    spread = 2 * 0.5 * rho + 1
    margin = math.sqrt(spread / (4 * rho) * math.log(spread / ALPHA**2))
    assert first.cs_lower is not None and first.cs_upper is not None and second.cs_upper is not None
    assert (first.cs_lower, first.cs_upper) == (pytest.approx(1 - margin), pytest.approx(1 + margin))
    assert second.cs_upper < first.cs_upper
    assert first.alpha == 0.05


def _id(minute: int) -> str:
    return format_uuid((1_767_225_600_000 + minute * 60_000).to_bytes(6, "big") + b"\x70\x00\x80" + bytes(7))


class CountingStore(AsyncStoreClient):
    """Counts the rows that it gives."""

    rows = 0

    async def query(self, *args: Any, **options: Any) -> list[dict[str, Any]]:
        """As that of a store."""
        found = await super().query(*args, **options)
        self.rows += len(found)
        return found


async def test_the_past_is_added_up_in_the_store(migrated: StoreClient) -> None:
    """However long feedback has been coming in, what was before the window is one row of each variant."""
    inference = new_uuid7()
    migrated.insert_json(
        "ChatInference", lines(chat_inference(id=inference, function_name="long", variant_name="v"))
    )
    scores = [float_feedback(inference, id=_id(minute), value=minute % 7) for minute in range(300)]
    migrated.insert_json("FloatMetricFeedback", lines(*scores))
    store = CountingStore(migrated.url, threads=1)
    asked = SeriesAsked(function_name="long", metric_name="score", time_window="minute", max_periods=2)
    points = await FeedbackSeries(store).series(asked, None)
    await store.close()
    assert [point.count for point in points] == [298, 299, 300]
    values = [minute % 7 for minute in range(300)]
    assert points[-1].mean == pytest.approx(statistics.fmean(values))
    assert points[-1].variance == pytest.approx(statistics.variance(values), rel=1e-5)
    assert store.rows == 4
