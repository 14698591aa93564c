"""Tests of `tzproxy.clickhouse.queries.windows`, on the embedded engine."""

from __future__ import annotations

import pytest

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.queries.times import written
from tzproxy.clickhouse.queries.windows import EPOCH, back, interval, period_of, usage_period_of
from tzproxy.types.statistics import TimeWindow

# A Sunday.
TIME = "toDateTime('2026-03-01 13:14:15', 'UTC')"


@pytest.mark.parametrize(
    ("window", "start", "of_usage"),
    [
        ("minute", "2026-03-01T13:14:00Z", None),
        ("hour", "2026-03-01T13:00:00Z", None),
        ("day", "2026-03-01T00:00:00Z", None),
        ("week", "2026-02-23T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("month", "2026-03-01T00:00:00Z", None),
        ("cumulative", "1970-01-01T00:00:00Z", None),
    ],
)
def test_periods(client: StoreClient, window: TimeWindow, start: str, of_usage: str | None) -> None:
    """Periods begin in UTC; weeks on Monday, in statistics of use on Sunday."""
    periods = (period_of(window, TIME), usage_period_of(window, TIME))
    sql = f"SELECT {written(periods[0])} AS a, {written(periods[1])} AS b"
    assert client.query(sql) == [{"a": start, "b": of_usage or start}]


def test_intervals(client: StoreClient) -> None:
    """An interval is the calendar's: three months before June is March."""
    june = "toDateTime('2026-06-01 00:00:00', 'UTC')"
    sql = f"SELECT {written(june + ' - ' + interval('month', '3'))} AS a"
    assert client.query(f"{sql}, {written(EPOCH)} AS b") == [
        {"a": "2026-03-01T00:00:00Z", "b": "1970-01-01T00:00:00Z"}
    ]


@pytest.mark.parametrize(
    ("window", "periods", "moment"),
    [
        ("month", 3, "2025-12-01 13:14:15"),
        ("week", 1, "2026-02-22 13:14:15"),
        ("day", 0, "2026-03-01 13:14:15"),
        ("week", 2_999, "1968-09-08 13:14:15"),
    ],
)
def test_back(client: StoreClient, window: TimeWindow, periods: int, moment: str) -> None:
    """It goes back by the calendar, and beyond 1970 where that many periods lie there."""
    sql = f"SELECT toString({back(window, TIME, periods)}) AS a"
    assert client.query(sql) == [{"a": moment}]


def test_back_before_all_time(client: StoreClient) -> None:
    """However many periods are asked for, the moment is an early one."""
    for window in ("minute", "hour", "day", "week", "month"):
        sql = f"SELECT {back(window, TIME, 2**32 - 1)} < toDateTime64('1930-01-01 00:00:00', 0, 'UTC') AS a"
        assert client.query(sql) == [{"a": 1}], window
