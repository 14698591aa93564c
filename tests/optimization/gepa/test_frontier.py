"""Tests of `tzproxy.optimization.gepa.frontier`."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tzproxy.optimization.gepa.frontier import draw_parent, find_frontier
from tzproxy.optimization.gepa.scores import Goals, Scores, dominates, vector

ONE: Goals = {"right": "max"}
TWO: Goals = {"right": "max", "cost": "min"}
IDS = ["a", "b", "c"]


def of(*values: float) -> Scores:
    """Write scores of one evaluator."""
    return {name: {"right": value} for name, value in zip(IDS, values, strict=True)}


def test_specialists_stay_and_the_beaten_go() -> None:
    """Each that is the best somewhere stays, unless another is as good everywhere."""
    scores = {"first": of(1, 0, 0), "second": of(0, 1, 0), "beaten": of(0, 0, 0), "lesser": of(0, 1, -1)}
    assert find_frontier(scores, IDS, ONE) == {"first": 2, "second": 2}


def test_equals_stay() -> None:
    """Nobody beats who is as good as oneself."""
    assert find_frontier({"first": of(1, 0, 1), "twin": of(1, 0, 1)}, IDS, ONE) == {"first": 3, "twin": 3}


def test_evaluators_are_weighed_one_by_one() -> None:
    """On one datapoint, right for a price and cheap but wrong are both unbeaten."""
    scores: dict[str, Scores] = {
        "dear": {"a": {"right": 1, "cost": 9}},
        "cheap": {"a": {"right": 0, "cost": 1}},
        "both": {"a": {"right": 0, "cost": 9}},
        "failed": {},
    }
    assert find_frontier(scores, ["a"], TWO) == {"dear": 1, "cheap": 1}


def test_what_was_scored_nowhere_loses() -> None:
    """A candidate without scores is beaten by any with one."""
    assert find_frontier({"scored": of(0, 0, 0), "failed": {}}, IDS, ONE) == {"scored": 3}


def test_parents_are_drawn_in_proportion() -> None:
    """Who is the best on three times as many datapoints is drawn three times as often; a seed decides."""
    random = Random("seed")
    drawn = Counter(draw_parent({"often": 3, "seldom": 1}, random) for _ in range(4000))
    assert 2850 < drawn["often"] < 3150
    assert draw_parent({"a": 1, "b": 1}, Random(5)) == draw_parent({"a": 1, "b": 1}, Random(5))


VALUES = st.sampled_from([None, 0.0, 0.5, 1.0])
ROWS = st.fixed_dictionaries({name: st.tuples(VALUES, VALUES) for name in IDS})


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_the_frontier_is_what_nothing_beats(rows: list[dict[str, tuple[float | None, float | None]]]) -> None:
    """Nobody on it is beaten on all datapoints together, and whoever is not on it is beaten by one who is."""
    scores: dict[str, Scores] = {
        str(number): {
            one: {name: value for name, value in zip(TWO, pair, strict=True) if value is not None}
            for one, pair in row.items()
        }
        for number, row in enumerate(rows)
    }
    frontier = find_frontier(scores, IDS, TWO)
    whole = {name: vector(one, IDS, TWO) for name, one in scores.items()}
    assert frontier
    for name in scores:
        beaten = any(dominates(whole[other], whole[name]) for other in frontier)
        if name in frontier:
            assert not beaten
            assert frontier[name] > 0
