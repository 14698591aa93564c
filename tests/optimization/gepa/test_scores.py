"""Tests of `tzproxy.optimization.gepa.scores`."""

from __future__ import annotations

import math

import pytest

from tzproxy.optimization.gepa.scores import (
    EvaluatorStats,
    Goals,
    Scores,
    dominates,
    improves,
    statistics,
    vector,
)

GOALS: Goals = {"right": "max", "cost": "min"}


def test_statistics_are_of_what_was_scored() -> None:
    """The deviation is the population's, missing values do not count, and nothing is 0."""
    scores: Scores = {"a": {"right": 1.0}, "b": {"right": 0.0}, "c": {}}
    assert statistics(scores, GOALS) == {
        "right": EvaluatorStats(0.5, 0.5, 2),
        "cost": EvaluatorStats(0.0, 0.0, 0),
    }


def test_more_is_better_in_vectors() -> None:
    """What is to be low changes its sign; what is missing is worse than anything, either way."""
    scores: Scores = {"a": {"right": 1.0, "cost": 3.0}, "b": {"right": 0.5}}
    assert vector(scores, ["a", "b", "c"], GOALS) == (1.0, -3.0, 0.5, -math.inf, -math.inf, -math.inf)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [((1, 1), (1, 0), True), ((1, 1), (1, 1), False), ((2, 0), (1, 1), False), ((0, 0), (1, 0), False)],
)
def test_dominance(left: tuple[float, ...], right: tuple[float, ...], expected: bool) -> None:
    """It takes to be nowhere worse, and better somewhere."""
    assert dominates(left, right) is expected


def of(*rows: tuple[float | None, float | None]) -> Scores:
    """Write scores of datapoints 0, 1, and so on."""
    return {
        str(number): {name: value for name, value in zip(GOALS, values, strict=True) if value is not None}
        for number, values in enumerate(rows)
    }


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        (of((1, 2), (1, 2)), True),
        (of((1, 1), (0, 2)), True),
        (of((1, 2), (0, 2)), False),
        (of((1, 3), (1, 3)), False),
        (of((1, 2), (None, 2)), False),
        (of((1, 2)), False),
    ],
    ids=["more right", "less cost", "the same", "right for a price", "a score is gone", "an answer is gone"],
)
def test_what_improves(child: Scores, expected: bool) -> None:
    """No mean may be worse, one has to be better, and nothing may be missing that the parent has."""
    assert improves(child, of((1, 2), (0, 2)), GOALS) is expected


def test_a_first_score_improves() -> None:
    """Where the parent could not be scored at all, any score is better."""
    assert improves(of((0, None)), of((None, None)), GOALS)
