"""Which variant leads, and whether the evidence is enough to stop. Pure functions. Cold.

The evidence is a generalised likelihood ratio for normal means: the leader against each other variant. Its
threshold grows with the logarithm of the logarithm of the number of samples, so that looking again and again
does not wear the error rate out. Source: track-and-stop as TensorZero 2026.6 runs it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

LEAST_VARIANCE = 1e-12
EQUAL = 1e-10
"""Means nearer than this are the same."""


class Arm(Struct, frozen=True):
    """What is known of one variant; the higher `mean`, the better. `variance` is above 0."""

    count: int
    mean: float
    variance: float


def make_arm(count: int, mean: float, variance: float, *, maximise: bool) -> Arm:
    """Make an arm from a metric's statistics; where less is better the sign of the mean is turned."""
    return Arm(count, mean if maximise else -mean, max(variance, LEAST_VARIANCE))


def leader(arms: Sequence[Arm]) -> int:
    """Return the index of the best mean; of equal ones the most certain, then the first."""
    best = max(arm.mean for arm in arms)
    equal = [index for index, arm in enumerate(arms) if best - arm.mean <= EQUAL]
    return min(equal, key=lambda index: (arms[index].variance / arms[index].count, index))


def evidence(arms: Sequence[Arm], first: int, *, epsilon: float) -> float:
    """Return the least evidence, over all others, that arm `first` is at most `epsilon` worse than them."""
    ahead = arms[first]
    least = math.inf
    for index, arm in enumerate(arms):
        if index == first:
            continue
        gap = ahead.mean - arm.mean + epsilon
        spread = ahead.variance / ahead.count + arm.variance / arm.count
        least = min(least, gap * gap / (2 * spread) if gap > 0 else 0.0)
    return least


def threshold(samples: int, delta: float) -> float:
    """Return how much evidence `samples` samples in all have to give for the error probability `delta`."""
    return math.log((1 + math.log(samples)) / delta)


def find_winner(arms: Sequence[Arm], *, delta: float, epsilon: float) -> int | None:
    """Return the index of the arm to stop on; None: go on. Takes two arms or more, each with samples."""
    first = leader(arms)
    enough = threshold(sum(arm.count for arm in arms), delta)
    return first if evidence(arms, first, epsilon=epsilon) > enough else None
