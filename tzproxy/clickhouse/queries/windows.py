"""SQL of periods of time. Texts of ours only.

Weeks begin on Monday, but on Sunday in statistics of use: so they do in the pages that these are for.
"""

from __future__ import annotations

from tzproxy.types.statistics import TimeWindow

EPOCH = "toDateTime(0, 'UTC')"
"""The one period of a cumulative window."""

SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 30 * 86_400}
"""Lengths; a month has 30 days where a length is wanted."""

_LONGEST = 100 * 366 * SECONDS["day"]
"""What is older than a century before the newest row does not exist."""

_START = {
    "minute": "toStartOfMinute",
    "hour": "toStartOfHour",
    "day": "toStartOfDay",
    "week": "toMonday",
    "month": "toStartOfMonth",
}


def period_of(window: TimeWindow, time: str) -> str:
    """Return the DateTime at which the period of a DateTime begins."""
    if window == "cumulative":
        return EPOCH
    return f"toDateTime({_START[window]}({time}, 'UTC'), 'UTC')"


def usage_period_of(window: TimeWindow, time: str) -> str:
    """Return the same with weeks that begin on Sunday."""
    if window != "week":
        return period_of(window, time)
    return f"toDateTime(toStartOfWeek({time}, 0, 'UTC'), 'UTC')"


def interval(window: TimeWindow, count: str) -> str:
    """Return a calendar's interval of so many periods; `count` is SQL, a cumulative window has none."""
    return f"toInterval{window.capitalize()}({count})"


def back(window: TimeWindow, time: str, periods: int) -> str:
    """Return the moment so many periods before a DateTime; a DateTime64, since it may lie before 1970."""
    count = min(periods, _LONGEST // SECONDS[window])
    return f"toDateTime64({time}, 0, 'UTC') - {interval(window, str(count))}"
