"""What the rows of an inference cost. Run: pytest benchmarks/test_rows.py --benchmark-only."""

import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Bench
from benchmarks.requests import NATIVE, QUESTION
from tzproxy.http import native
from tzproxy.inference.answer import Answer
from tzproxy.inference.rows import RowWriter

LONG = msgspec.json.encode(
    {
        "function_name": "bench",
        "input": {
            "messages": [
                {"role": role, "content": f'{QUESTION}\n"{QUESTION}"\n' * 4}
                for role in ("user", "assistant", "user", "assistant", "user")
            ]
        },
    }
)
"""A conversation of five turns, 9 kB, a quotation mark or line feed each 150 bytes."""


WITH_TOOLS = msgspec.json.encode(
    {
        "function_name": "bench",
        "input": {"messages": [{"role": "user", "content": QUESTION}]},
        "additional_tools": [
            {
                "name": f"tool_{number}",
                "description": "Get the weather of a city.",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
            }
            for number in range(10)
        ],
    }
)
"""A request that brings ten tools."""


def answered(bench: Bench, request: bytes) -> Answer:
    """Return a finished inference with an answer of 1,000 bytes."""

    async def infer() -> Answer:
        return await bench.engine.infer(await bench.engine.plan(native.decode_request(request)))

    return bench.run(infer())


@pytest.mark.parametrize("request_body", [NATIVE, LONG], ids=["short", "long"])
def test_encode_rows(benchmark: BenchmarkFixture, bench: Bench, request_body: bytes) -> None:
    """The two rows of an inference."""
    answer = answered(bench, request_body)
    rows = benchmark(RowWriter(1).rows, answer)
    assert msgspec.json.decode(rows[0][1])["id"] == answer.inference.inference_id
    assert len(rows) == 2


def test_encode_rows_with_tools(benchmark: BenchmarkFixture, bench: Bench) -> None:
    """The two rows of an inference whose request brought ten tools."""
    answer = answered(bench, WITH_TOOLS)
    rows = benchmark(RowWriter(1).rows, answer)
    assert len(msgspec.json.decode(rows[0][1])["dynamic_tools"]) == 10
