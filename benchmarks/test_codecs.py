"""What JSON costs: a request in, an answer out.

Run: pytest benchmarks/test_codecs.py --benchmark-only
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Bench
from benchmarks.requests import NATIVE, OPENAI
from tzproxy.http import native
from tzproxy.http.openai import request as openai_request
from tzproxy.http.openai.response import completion
from tzproxy.inference.answer import Answer


@pytest.fixture
def answer(bench: Bench) -> Answer:
    """A finished inference with an answer of 1,000 bytes."""

    async def infer() -> Answer:
        return await bench.engine.infer(await bench.engine.plan(native.decode_request(NATIVE)))

    return bench.run(infer())


def test_decode_native(benchmark: BenchmarkFixture) -> None:
    """The body of `/inference`."""
    assert benchmark(native.decode_request, NATIVE).function_name == "bench"


def test_decode_openai(benchmark: BenchmarkFixture) -> None:
    """The body of a chat completion, translated to an inference request."""

    def decode() -> object:
        return openai_request.inference_request(openai_request.decode_request(OPENAI))

    assert benchmark(decode)


def test_encode_native(benchmark: BenchmarkFixture, answer: Answer) -> None:
    """The answer of `/inference`."""

    def encode() -> bytes:
        return native.ENCODER.encode(answer.response())

    assert len(benchmark(encode)) > 1000


def test_encode_openai(benchmark: BenchmarkFixture, answer: Answer) -> None:
    """The answer as a chat completion."""
    assert len(benchmark(completion, answer)) > 1000
