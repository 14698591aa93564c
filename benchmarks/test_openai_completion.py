"""Usage as chat completions have it; whole answers: test_codecs.py.

Run: pytest benchmarks/test_openai_completion.py --benchmark-only
"""

from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.http.openai.response import usage_object
from tzproxy.types.response import ResponseUsage


def test_write_usage(benchmark: BenchmarkFixture) -> None:
    """Two counts and their sum. Budget: 0.3 us."""
    usage = ResponseUsage(input_tokens=3, output_tokens=5, cost=None)
    assert benchmark(usage_object, usage).total_tokens == 8
