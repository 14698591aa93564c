"""What choosing a variant costs. Run: pytest benchmarks/test_sampling.py --benchmark-only."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy._speedups.ids import new_uuid7, parse_uuid
from tzproxy._speedups.sampling import AdaptiveSampler, Sampler

EPISODE = parse_uuid(new_uuid7())


@pytest.mark.parametrize("count", [1, 3, 30])
def test_first(benchmark: BenchmarkFixture, count: int) -> None:
    """The first choice among weighted variants."""
    names = [f"variant_{number}" for number in range(count)]
    sampler = Sampler("bench", names, {name: 1.0 + number for number, name in enumerate(names)})
    assert benchmark(sampler.first, EPISODE) in names


def test_after_a_failure(benchmark: BenchmarkFixture) -> None:
    """The second choice, when the first variant has failed."""
    sampler = Sampler("bench", ["a", "b", "c"])
    tried = {sampler.first(EPISODE)} - {None}
    assert benchmark(sampler.after, EPISODE, tried) not in tried


def test_first_of_a_moving_experiment(benchmark: BenchmarkFixture) -> None:
    """The first choice where weights have moved a thousand times."""
    weights = {"a": 0.5, "b": 0.3, "c": 0.2}
    sampler = AdaptiveSampler("bench", weights, weights, (), weights)
    sampler.set_eras([(begin, weights) for begin in range(1000)])
    assert benchmark(sampler.first, EPISODE) in weights
