"""What evaluators said of a candidate, and which of two candidates they like better. Pure. Cold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

Scores = dict[str, dict[str, float]]
"""Values by datapoint and evaluator, as the evaluators gave them; what could not be scored is missing."""

Goals = Mapping[str, Literal["min", "max"]]
"""Which direction is better, by evaluator. The order is that of all vectors."""


class EvaluatorStats(Struct, frozen=True):
    """The values of one evaluator. `stdev` is the population's; all are 0 where nothing was scored."""

    mean: float
    stdev: float
    count: int


def statistics(scores: Scores, goals: Goals) -> dict[str, EvaluatorStats]:
    """Sum scores up, by evaluator."""
    return {name: _statistics([row[name] for row in scores.values() if name in row]) for name in goals}


def _statistics(values: list[float]) -> EvaluatorStats:
    count = len(values)
    if not count:
        return EvaluatorStats(0.0, 0.0, 0)
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / count
    return EvaluatorStats(mean, math.sqrt(variance), count)


def vector(scores: Scores, datapoint_ids: Iterable[str], goals: Goals) -> tuple[float, ...]:
    """Return all values of some datapoints so that more is better; what is missing is worse than anything."""
    values = []
    for datapoint_id in datapoint_ids:
        row = scores.get(datapoint_id, {})
        for name, direction in goals.items():
            value = row.get(name)
            if value is None:
                values.append(-math.inf)
            else:
                values.append(value if direction == "max" else -value)
    return tuple(values)


def dominates(left: tuple[float, ...], right: tuple[float, ...]) -> bool:
    """Tell whether one is nowhere worse than the other, and better somewhere."""
    return left != right and all(mine >= theirs for mine, theirs in zip(left, right, strict=True))


def improves(child: Scores, parent: Scores, goals: Goals) -> bool:
    """Tell whether the means of a child are nowhere worse than its parent's, and better somewhere.

    A child that fewer of the same datapoints could be scored for is worse, whatever its means are.
    """
    ours, theirs = statistics(child, goals), statistics(parent, goals)
    if any(ours[name].count < theirs[name].count for name in goals):
        return False
    return dominates(_means(ours, goals), _means(theirs, goals))


def _means(of: Mapping[str, EvaluatorStats], goals: Goals) -> tuple[float, ...]:
    return tuple(
        -math.inf if not of[name].count else of[name].mean if direction == "max" else -of[name].mean
        for name, direction in goals.items()
    )
