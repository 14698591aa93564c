"""Means of scores and how sure one can be of them. Pure."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

Z = 1.96
"""Standard deviations on either side of the mean that hold 95% of a normal distribution."""


class ScoreStatistics:
    """Sums up the values of one evaluator; true counts as 1, false as 0."""

    __slots__ = ("_centre", "_distances", "_kind", "_total", "count")

    def __init__(self, kind: Literal["boolean", "float"]) -> None:
        self._kind = kind
        self._total = Fraction(0)
        self._centre = 0.0
        self._distances = 0.0
        self.count = 0

    def add(self, value: bool | float) -> None:
        """Take another value."""
        # Welford's way: the sum of squared distances stays exact where values are large and close together.
        self.count += 1
        before = value - self._centre
        self._centre += before / self.count
        self._distances += before * (value - self._centre)
        self._total += Fraction(value)

    @property
    def mean(self) -> float:
        """The mean, rounded once: nine of ten are 0.9, in whichever order they came. 0 without values."""
        return float(self._total / self.count) if self.count else 0.0

    @property
    def standard_error(self) -> float | None:
        """The standard error of the mean, from the deviation of the population; None below two values."""
        if self.count < 2:
            return None
        return math.sqrt(self._distances / self.count / self.count)

    @property
    def half_width(self) -> float | None:
        """Half the width of the 95% interval around the mean, the larger half; None: too few values."""
        if self._kind == "float":
            error = self.standard_error
            return None if error is None else Z * error
        if not self.count:
            return None
        low, high = wilson(self.mean, self.count)
        return max(self.mean - low, high - self.mean)


def wilson(mean: float, count: int) -> tuple[float, float]:
    """Return the 95% score interval of a proportion."""
    scale = 1 / (1 + Z**2 / count)
    centre = mean + Z**2 / (2 * count)
    margin = Z / (2 * count) * math.sqrt(4 * count * mean * (1 - mean) + Z**2)
    return max(0.0, (centre - margin) * scale), min(1.0, (centre + margin) * scale)
