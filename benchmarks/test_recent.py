"""What remembering an inference costs. Run: pytest benchmarks/test_recent.py --benchmark-only."""

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Bench
from benchmarks.requests import NATIVE
from tzproxy._speedups.ids import new_uuid7
from tzproxy.http.native import decode_request
from tzproxy.inference.recent import RecentInferences

ROUND = 10_000


def test_recent_add(benchmark: BenchmarkFixture, bench: Bench) -> None:
    """10,000 inferences with ids of their own: what feedback costs the inferences before it."""
    inference = bench.run(bench.engine.plan(decode_request(NATIVE)))
    ids = [(new_uuid7(), new_uuid7()) for _ in range(ROUND)]

    def remember() -> RecentInferences:
        recent = RecentInferences()
        for inference.inference_id, inference.episode_id in ids:
            recent.add(inference)
        return recent

    assert benchmark(remember).has_inference(ids[-1][0])
