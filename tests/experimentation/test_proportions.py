"""Tests of `tzproxy.experimentation.proportions`: the shares are those of least cost."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import pytest

from tzproxy.experimentation.proportions import optimal_proportions
from tzproxy.experimentation.stopping import Arm, leader


def cost(arms: Sequence[Arm], shares: Sequence[float], epsilon: float) -> float:
    """What the shares cost, as the problem is written down."""
    first = leader(arms)
    needed = max(
        2
        * (arms[first].variance / shares[first] + arm.variance / shares[index])
        / max((arms[first].mean - arm.mean + epsilon) ** 2, 1e-6)
        for index, arm in enumerate(arms)
        if index != first
    )
    pull = 0.01 / math.sqrt(sum(arm.count for arm in arms))
    return needed + pull * sum((share - 1 / len(arms)) ** 2 for share in shares)


def nearby(shares: Sequence[float], least: float, source: random.Random) -> list[float]:
    """Other shares that are allowed: some near the given ones, some anywhere."""
    scale = source.choice([1e-4, 1e-2, 0.3])
    moved = [max(least, share + source.uniform(-scale, scale)) for share in shares]
    total = sum(moved) - least * len(moved)
    return [least + (share - least) * (1 - least * len(moved)) / total for share in moved]


def test_two_arms_share_by_their_deviations() -> None:
    """With two arms the cost is least where the shares are as the standard deviations."""
    shares = optimal_proportions([Arm(100, 0.5, 0.09), Arm(100, 0.3, 0.01)], epsilon=0.0, min_prob=0.0)
    assert shares == pytest.approx([0.75, 0.25], abs=1e-3)


def test_a_far_rival_needs_little() -> None:
    """Samples go to the leader and to the arm that is hardest to tell from it."""
    arms = [Arm(100, 0.7, 0.2), Arm(100, 0.65, 0.2), Arm(100, 0.1, 0.2)]
    lead, near, far = optimal_proportions(arms, epsilon=0.0, min_prob=0.0)
    assert lead == pytest.approx(near, abs=0.02)
    assert far < 0.02


@pytest.mark.parametrize("seed", range(40))
def test_no_other_shares_cost_less(seed: int) -> None:
    """Whatever the means, variances, counts, tolerance and least share, nothing near or far is cheaper."""
    source = random.Random(seed)
    count = source.choice([2, 2, 3, 5, 8])
    arms = [
        Arm(
            source.choice([2, 10, 1_000]),
            source.choice([source.gauss(0, 1), 0.5]),
            source.choice([1e-12, 1e-6, source.uniform(0.01, 1), 50.0]),
        )
        for _ in range(count)
    ]
    epsilon, min_prob = source.choice([0.0, 0.05]), source.choice([0.0, 0.01, 0.1])
    shares = optimal_proportions(arms, epsilon=epsilon, min_prob=min_prob)
    least = max(min_prob, 1e-6)
    assert sum(shares) == pytest.approx(1)
    assert min(shares) >= least * (1 - 1e-6)
    own = cost(arms, shares, epsilon)
    for _ in range(500):
        assert own <= cost(arms, nearby(shares, least, source), epsilon) * (1 + 1e-6)


def test_a_grid_finds_nothing_cheaper() -> None:
    """All shares in steps of a hundredth are dearer than those found, and the cheapest is close by."""
    arms = [Arm(50, 0.6, 0.24), Arm(50, 0.5, 0.25), Arm(50, 0.3, 0.05)]
    shares = optimal_proportions(arms, epsilon=0.0, min_prob=0.0)
    grid = [
        (first / 100, second / 100, (100 - first - second) / 100)
        for first, second in itertools.product(range(1, 99), repeat=2)
        if first + second < 100
    ]
    best = min(grid, key=lambda point: cost(arms, point, 0.0))
    assert cost(arms, shares, 0.0) <= cost(arms, best, 0.0)
    assert max(abs(own - other) for own, other in zip(shares, best, strict=True)) < 0.02


def test_what_cannot_be_told_apart_is_drawn_equally() -> None:
    """Equal means and variances, or a least share that leaves no choice."""
    equal = [Arm(50, 0.5, 0.25)] * 4
    assert optimal_proportions(equal, epsilon=0.0, min_prob=0.0) == [0.25] * 4
    other = [Arm(50, 0.5, 0.25), Arm(50, 0.1, 0.09)]
    assert optimal_proportions(other, epsilon=0.0, min_prob=0.5) == [0.5, 0.5]


def test_constant_feedback_is_drawn_nearly_equally() -> None:
    """Without any variance nothing has to be learned: the pull towards equal shares decides."""
    arms = [Arm(10, 0.9, 1e-12), Arm(10, 0.1, 1e-12), Arm(10, 0.5, 1e-12)]
    assert optimal_proportions(arms, epsilon=0.0, min_prob=0.0) == pytest.approx([1 / 3] * 3, abs=0.01)
