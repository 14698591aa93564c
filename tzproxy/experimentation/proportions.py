"""How samples are best divided while no variant has won yet. Pure functions. Cold.

For a leader L and every other arm i with a gap of g_i, the shares w minimise

    a + alpha * |w - 1/K|^2    where    a = max_i 2 (var_L / w_L + var_i / w_i) / g_i^2

on the simplex with a least share: the smallest number of samples after which the leader is told from every
other arm, drawn a little towards equal shares while there are few samples. The problem is convex and has one
awkward direction, the leader's share. So: a search over that share; inside it, the smallest `a` for which
the others' needs add up to what is left (Newton's method on a convex function), and, only where it could
pay, a larger `a` whose slack goes to the smallest shares. No solver library is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tzproxy.experimentation.stopping import Arm, leader

LEAST_SHARE = 1e-6
LEAST_GAP_SQUARED = 1e-6
EQUAL = 1e-10
PULL = 0.01
"""Weight of the pull towards equal shares at one sample; it falls with the root of their number."""

GOLDEN = (math.sqrt(5) - 1) / 2
SEARCH_STEPS = 48
NEWTON_STEPS = 60
PULL_MATTERS = 1e-7
FIRST_STEP = 1e-4
"""Slack that does not pay at this part of the most that could pay does not pay at all: the cost is convex."""


def optimal_proportions(arms: Sequence[Arm], *, epsilon: float, min_prob: float) -> list[float]:
    """Return each arm's share of the next samples; the sum is 1. Takes two arms or more.

    Args:
        arms: what is known of each; counts are above 0.
        epsilon: difference of means that does not matter, at least 0.
        min_prob: least share of each arm; at most one over their number.
    """
    count = len(arms)
    least = max(min_prob, LEAST_SHARE)
    first = leader(arms)
    gaps = [arms[first].mean - arm.mean + epsilon for arm in arms]
    variances = [arm.variance for arm in arms]
    alike = max(variances) - min(variances) < EQUAL and all(
        abs(gap) < EQUAL for index, gap in enumerate(gaps) if index != first
    )
    if alike or count * least >= 1 - 1e-9:
        return [1 / count] * count
    pull = PULL / math.sqrt(sum(arm.count for arm in arms))
    others = [index for index in range(count) if index != first]
    needs = _Needs(
        variances[first],
        [variances[index] for index in others],
        [max(gaps[index] ** 2, LEAST_GAP_SQUARED) for index in others],
        least,
        pull,
    )
    lowest = math.log(least / (1 - least))
    highest = math.log1p(-(count - 1) * least) - math.log((count - 1) * least)
    odds = _minimum(lambda at: needs.cost(at)[0], lowest, highest)
    shares = needs.cost(odds)[1]
    placed = [0.0] * count
    placed[first] = _share(odds)
    for index, share in zip(others, shares, strict=True):
        placed[index] = share
    total = sum(placed)
    return [share / total for share in placed]


class _Needs:
    """The problem for a given leader: what every other arm needs, given the leader's share."""

    def __init__(
        self, variance: float, variances: list[float], gaps: list[float], least: float, pull: float
    ) -> None:
        self._variance = variance
        self._variances = variances
        self._gaps = gaps
        self._smallest_gap = min(gaps)
        self._least = least
        self._pull = pull

    def cost(self, odds: float) -> tuple[float, list[float]]:
        """Return the least cost and the others' shares; the leader's share is given by its log odds."""
        lead, left = _share(odds), _share(-odds)
        base = self._variance / lead
        # The needed `a` is this floor and something above it; kept apart, it is exact for tiny variances too.
        floor = 2 * base / self._smallest_gap
        offsets = [base * (gap / self._smallest_gap - 1) for gap in self._gaps]
        above = self._smallest(offsets, left)
        needed = floor + above
        shares = self._shares(above, offsets, left)
        unevenness = self._unevenness(lead, shares)
        most = self._pull * unevenness

        def with_slack(more: float) -> float:
            return more + self._pull * self._unevenness(lead, self._shares(above + more, offsets, left))

        if most <= PULL_MATTERS * needed or with_slack(most * FIRST_STEP) >= most:
            return needed + most, shares
        more = _minimum(with_slack, 0.0, most)
        return needed + with_slack(more), self._shares(above + more, offsets, left)

    def _smallest(self, offsets: list[float], left: float) -> float:
        """Return the smallest surplus over the floor for which the needs fit into what is left.

        The sum of the needs is convex and falls, and the start is not to the right of the solution: Newton's
        steps approach it from the left.
        """
        rows = list(zip(self._variances, self._gaps, offsets, strict=True))
        above = max(2 * (variance / left - offset) / gap for variance, gap, offset in rows)
        for _ in range(NEWTON_STEPS):
            needed, slope = -left, 0.0
            for variance, gap, offset in rows:
                room = above * gap / 2 + offset
                share = variance / room
                if share > self._least:
                    needed += share
                    slope += share * gap / (2 * room)
                else:
                    needed += self._least
            if needed <= left * 1e-12 or slope == 0.0:
                break
            above += needed / slope
        return above

    def _shares(self, above: float, offsets: list[float], left: float) -> list[float]:
        """Return the others' shares for a surplus: what they need, and the slack to the smallest of them."""
        shares = [
            max(self._least, variance / (above * gap / 2 + offset))
            for variance, gap, offset in zip(self._variances, self._gaps, offsets, strict=True)
        ]
        slack = left - sum(shares)
        if slack <= 0:
            return shares
        ascending = sorted(shares)
        level, held = 0.0, 0.0
        for number, share in enumerate(ascending, 1):
            held += share
            level = (held + slack) / number
            if number == len(ascending) or level <= ascending[number]:
                break
        return [max(share, level) for share in shares]

    def _unevenness(self, lead: float, shares: list[float]) -> float:
        even = 1 / (len(shares) + 1)
        return (lead - even) ** 2 + sum((share - even) ** 2 for share in shares)


def _share(odds: float) -> float:
    """Return the share for its log odds, exact near 0."""
    return 1 / (1 + math.exp(-odds))


def _minimum(cost: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one valley is lowest: golden-section search."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(SEARCH_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = cost(right)
    return (low + high) / 2
