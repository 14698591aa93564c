"""Tests of `tzproxy.evaluations.statistics`."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.evaluations.statistics import ScoreStatistics, wilson


def test_floats() -> None:
    """The error is that of the population; the interval is symmetric and needs two values."""
    statistics = ScoreStatistics("float")
    assert (statistics.count, statistics.mean, statistics.standard_error) == (0, 0.0, None)
    statistics.add(1.0)
    assert (statistics.mean, statistics.standard_error, statistics.half_width) == (1.0, None, None)
    statistics.add(2.0)
    statistics.add(6.0)
    assert statistics.mean == pytest.approx(3.0)
    assert statistics.standard_error == pytest.approx(math.sqrt(14 / 3) / math.sqrt(3))
    assert statistics.half_width == pytest.approx(1.96 * math.sqrt(14 / 9))


def test_booleans() -> None:
    """True is 1, false 0; the interval is Wilson's, whose larger half counts."""
    statistics = ScoreStatistics("boolean")
    assert statistics.half_width is None
    for value in [True] * 20:
        statistics.add(value)
    low, high = wilson(1.0, 20)
    assert high == pytest.approx(1.0)
    assert low == pytest.approx(0.8389, abs=1e-4)
    assert statistics.half_width == pytest.approx(1 - low)


def test_values_close_together() -> None:
    """Large values that lie close together keep their deviation."""
    statistics = ScoreStatistics("float")
    for value in (1e9, 1e9 + 1, 1e9 + 2):
        statistics.add(value)
    assert statistics.standard_error == pytest.approx(math.sqrt(2 / 3 / 3))


@pytest.mark.parametrize(
    ("values", "mean"),
    [([True] * 8 + [False, True], 0.9), ([False] + [True] * 3 + [False, True], 2 / 3), ([0.1] * 10, 0.1)],
)
def test_a_mean_is_rounded_once(values: list[bool | float], mean: float) -> None:
    """A mean that is just what a cutoff wants does not miss it by the last digit."""
    statistics = ScoreStatistics("float")
    for value in values:
        statistics.add(value)
    assert statistics.mean == mean


@given(values=st.lists(st.booleans(), min_size=1, max_size=60))
def test_the_order_does_not_count(values: list[bool]) -> None:
    """The mean of booleans is their share."""
    statistics = ScoreStatistics("boolean")
    for value in values:
        statistics.add(value)
    assert statistics.mean == sum(values) / len(values)
