"""What parameters cost a request that sets some. Run: pytest benchmarks/test_params.py --benchmark-only."""

from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.types.params import ChatParams, merge_params, shortest_floats

REQUEST = ChatParams(temperature=0.7, max_tokens=100)
VARIANT = ChatParams(seed=1)


def test_merge(benchmark: BenchmarkFixture) -> None:
    """The request's over the variant's."""
    assert benchmark(merge_params, REQUEST, VARIANT).seed == 1


def test_shortest(benchmark: BenchmarkFixture) -> None:
    """The form that rows have."""
    assert benchmark(shortest_floats, merge_params(REQUEST, VARIANT)).temperature == 0.7
