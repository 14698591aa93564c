"""Whole experiments in simulation: how often the best variant is found, and at what price."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping

import pytest

from tzproxy.clickhouse.queries.experiments import VariantStatistics
from tzproxy.config.experimentation import AdaptiveExperiment
from tzproxy.experimentation.state import BanditsOnly, Stopped, initial_state, next_state, weights

RUNS = 100
BATCH = 100
"""Samples between two looks at the feedback."""
LIMIT = 60_000
"""Samples after which a run counts as failed."""

Draw = Callable[[random.Random, float], float]


def boolean(source: random.Random, mean: float) -> float:
    """Feedback on a boolean metric."""
    return float(source.random() < mean)


def number(source: random.Random, mean: float) -> float:
    """Feedback on a float metric, in numbers far from 0 and 1."""
    return source.gauss(100 * mean, 20)


def skewed(source: random.Random, mean: float) -> float:
    """Feedback on a float metric with many small values and a few large ones."""
    return source.expovariate(1 / mean)


class Tally:
    """Count, mean and variance of one variant, kept as samples come."""

    def __init__(self, name: str) -> None:
        self.name, self.count, self.mean, self.squares = name, 0, 0.0, 0.0

    def add(self, value: float) -> None:
        """Take a sample."""
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.squares += delta * (value - self.mean)

    def known(self) -> VariantStatistics:
        """What the store would say."""
        variance = self.squares / (self.count - 1) if self.count > 1 else None
        return VariantStatistics(self.name, self.count, self.mean, variance)


def run(
    settings: AdaptiveExperiment, means: Mapping[str, float], draw: Draw, seed: int, *, maximise: bool = True
) -> tuple[str | None, int]:
    """Play an experiment to its end; return the winner and the number of samples."""
    source = random.Random(seed)
    tallies = {name: Tally(name) for name in means}
    state, samples = initial_state(settings), 0
    while samples < LIMIT:
        shares = weights(state)
        for name in source.choices(list(shares), list(shares.values()), k=BATCH):
            tallies[name].add(draw(source, means[name]))
        samples += BATCH
        known = [tally.known() for tally in tallies.values() if tally.count]
        following = next_state(settings, known, maximise=maximise)
        assert following is not None
        state = following
        if isinstance(state, Stopped):
            return state.winner_variant_name, samples
    return None, samples


@pytest.mark.parametrize(
    ("draw", "means", "maximise"),
    [
        (boolean, {"a": 0.3, "b": 0.5, "best": 0.65}, True),
        (boolean, {"best": 0.2, "a": 0.4}, False),
        (number, {"a": 0.5, "best": 0.6, "b": 0.5}, True),
        (number, {"a": 0.6, "b": 0.7, "best": 0.5, "c": 0.8}, False),
        (skewed, {"a": 1.0, "best": 1.5}, True),
    ],
    ids=["boolean", "boolean, less is better", "float", "float, less is better", "skewed"],
)
def test_the_best_variant_is_found(draw: Draw, means: Mapping[str, float], maximise: bool) -> None:
    """Of 100 experiments at an error rate of 0.05, looked at again and again, at least 95 end on the best."""
    settings = AdaptiveExperiment(metric="q", candidate_variants=tuple(means), delta=0.05)
    winners = [run(settings, means, draw, seed, maximise=maximise)[0] for seed in range(RUNS)]
    assert winners.count("best") >= 95, winners


def test_equal_variants_are_good_enough_with_a_tolerance() -> None:
    """Where a difference of epsilon does not matter, an experiment on equal variants ends."""
    settings = AdaptiveExperiment(metric="q", candidate_variants=("a", "b"), epsilon=0.1)
    means = {"a": 0.5, "b": 0.5}
    assert all(run(settings, means, boolean, seed)[0] is not None for seed in range(20))


def test_equal_variants_do_not_end_without_one() -> None:
    """The share of experiments on equal variants that end on one of them stays below the error rate."""
    settings = AdaptiveExperiment(metric="q", candidate_variants=("a", "b"), delta=0.05)
    source_ends = 0
    for seed in range(40):
        source = random.Random(seed)
        tallies = [Tally("a"), Tally("b")]
        for _ in range(20):
            for tally in tallies:
                for _ in range(25):
                    tally.add(boolean(source, 0.5))
            state = next_state(settings, [tally.known() for tally in tallies], maximise=True)
            if isinstance(state, Stopped):
                source_ends += 1
                break
            assert isinstance(state, BanditsOnly)
    assert source_ends <= 2


def test_rare_outcomes_need_more_samples_before_the_first_look() -> None:
    """With a hundred samples of each, experiments on rates of 2 % and 5 % end on the best one too."""
    means = {"a": 0.02, "best": 0.05}
    settings = AdaptiveExperiment(
        metric="q", candidate_variants=tuple(means), min_samples_per_variant=100, delta=0.05
    )
    winners = [run(settings, means, boolean, seed)[0] for seed in range(RUNS)]
    assert winners.count("best") >= 95, winners


def test_fewer_samples_than_in_equal_parts() -> None:
    """Where one rival is close and three are far behind, the experiment ends with fewer samples."""
    means = {"best": 0.6, "near": 0.5, "a": 0.2, "b": 0.2, "c": 0.2}
    usual = AdaptiveExperiment(metric="q", candidate_variants=tuple(means))
    equal = AdaptiveExperiment(metric="q", candidate_variants=tuple(means), min_prob=0.2)
    adaptive, even = (
        statistics.mean(run(settings, means, boolean, seed)[1] for seed in range(30))
        for settings in (usual, equal)
    )
    assert adaptive < 0.7 * even, (adaptive, even)
