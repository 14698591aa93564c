"""Tests of `tzproxy.experimentation.stopping`: who leads, and when the evidence is enough."""

from __future__ import annotations

import math

import pytest

from tzproxy.experimentation.stopping import Arm, evidence, find_winner, leader, make_arm, threshold


def test_less_may_be_better() -> None:
    """Where a metric is to be small, the sign is turned; a variance of zero is kept off zero."""
    assert make_arm(3, 0.5, 0.25, maximise=True) == Arm(3, 0.5, 0.25)
    assert make_arm(3, 0.5, 0.0, maximise=False) == Arm(3, -0.5, 1e-12)


@pytest.mark.parametrize(
    ("arms", "index"),
    [
        ([Arm(10, 0.1, 1), Arm(10, 0.3, 1), Arm(10, 0.2, 1)], 1),
        # equal means: the more certain one, then the first
        ([Arm(10, 0.3, 1), Arm(40, 0.3 + 1e-11, 1)], 1),
        ([Arm(10, 0.3, 1), Arm(10, 0.3, 0.5)], 1),
        ([Arm(10, 0.3, 1), Arm(10, 0.3, 1)], 0),
    ],
)
def test_the_leader(arms: list[Arm], index: int) -> None:
    """The best mean leads."""
    assert leader(arms) == index


def test_evidence_is_that_against_the_closest_rival() -> None:
    """It is the squared gap over twice the spread of the difference; none for an arm that is behind."""
    arms = [Arm(100, 0.5, 0.25), Arm(50, 0.3, 0.21), Arm(100, 0.1, 0.09)]
    assert evidence(arms, 0, epsilon=0.0) == pytest.approx(0.2**2 / (2 * (0.25 / 100 + 0.21 / 50)))
    assert evidence(arms, 0, epsilon=0.1) == pytest.approx(0.3**2 / (2 * (0.25 / 100 + 0.21 / 50)))
    assert evidence(arms, 1, epsilon=0.0) == 0.0


def test_the_threshold_grows_slowly() -> None:
    """With the logarithm of the logarithm of the samples, and with the certainty that is wanted."""
    assert threshold(1, 0.05) == pytest.approx(math.log(20))
    assert threshold(1_000, 0.05) == pytest.approx(math.log((1 + math.log(1_000)) / 0.05))
    assert threshold(1_000_000, 0.05) < threshold(1_000, 0.05) + 1
    assert threshold(1_000, 0.01) > threshold(1_000, 0.05)


def test_a_winner_needs_evidence() -> None:
    """The same means decide nothing with few samples, and everything with many; epsilon helps."""
    few = [Arm(20, 0.6, 0.24), Arm(20, 0.5, 0.25)]
    many = [Arm(2_000, 0.6, 0.24), Arm(2_000, 0.5, 0.25)]
    assert find_winner(few, delta=0.05, epsilon=0.0) is None
    assert find_winner(many, delta=0.05, epsilon=0.0) == 0
    assert find_winner(few, delta=0.05, epsilon=0.5) == 0


def test_equal_arms_never_win_without_a_tolerance() -> None:
    """However many samples there are."""
    arms = [Arm(10**6, 0.5, 0.25), Arm(10**6, 0.5, 0.25)]
    assert find_winner(arms, delta=0.05, epsilon=0.0) is None
    assert find_winner(arms, delta=0.05, epsilon=0.05) == 0
