"""What finding a route costs. Run: pytest benchmarks/test_routing.py --benchmark-only."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy._speedups.routing import Router

FIXED = ["/inference", "/feedback", "/status", "/health", "/metrics", "/openai/v1/chat/completions"]
PATTERNS = ["/datasets/{name}/datapoints", "/datasets/{name}/datapoints/{id}", "/episodes/{id}"]


@pytest.fixture
def router() -> Router[str]:
    """A table about as large as the gateway's."""
    table: Router[str] = Router("/")
    for path in FIXED + PATTERNS:
        table.add("POST", path, path)
    return table


def test_fixed_path(benchmark: BenchmarkFixture, router: Router[str]) -> None:
    """An inference's path."""
    assert benchmark(router.match, "POST", "/openai/v1/chat/completions")[0] == "/openai/v1/chat/completions"


def test_path_with_parameters(benchmark: BenchmarkFixture, router: Router[str]) -> None:
    """A path with two parameters."""
    handler, parameters, _ = benchmark(router.match, "POST", "/datasets/a/datapoints/b")
    assert handler == PATTERNS[1]
    assert parameters == {"name": "a", "id": "b"}


def test_unknown_path(benchmark: BenchmarkFixture, router: Router[str]) -> None:
    """A path that does not exist."""
    assert benchmark(router.match, "POST", "/nothing/here") == (None, None, None)
