"""Chat completion requests without their JSON; with it: test_codecs.py.

Run: pytest benchmarks/test_openai_request.py --benchmark-only
"""

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.requests import OPENAI
from tzproxy.http.openai.request import decode_request, inference_request


def test_translate_plain(benchmark: BenchmarkFixture) -> None:
    """A system text and a question. Budget: 0.5 us."""
    assert benchmark(inference_request, decode_request(OPENAI)).function_name == "bench"
