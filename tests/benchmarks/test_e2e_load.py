"""The load generator against the mock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from benchmarks.e2e.load import Load, LoadResult, LoadSpec
from tzproxy.mock.options import MockOptions
from tzproxy.mock.server import serve_mock


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A mock in the test's loop."""
    stop = asyncio.Event()
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve_mock(MockOptions(port=0), stop, ready.set_result))
    yield await ready
    stop.set()
    await task


async def _run(port: int, model: str, **fields: Any) -> LoadResult:
    stream = "true" if fields.get("is_stream") else "false"
    body = f'{{"model":"{model}","messages":[],"stream":{stream}}}'
    fields = {"connections": 4, "duration_s": 10.0, "most_requests": 40, "marker": "Lorem", **fields}
    spec = LoadSpec(host="127.0.0.1", port=port, path="/v1/chat/completions", bodies=[body], **fields)
    return await Load(spec).run()


async def test_closed_loop_counts_each_answer(port: int) -> None:
    """As many answers and latencies as requests were allowed, and no error."""
    result = await _run(port, "bytes-100")
    assert (result.answers, result.errors, result.latency.count) == (40, {}, 40)
    assert result.per_second > 0


async def test_open_loop_counts_from_the_due_time(port: int) -> None:
    """A slow server on one connection cannot hide the requests that it delays."""
    result = await _run(port, "bytes-100+slow-20ms", rate=200.0, connections=1, most_requests=20)
    assert (result.answers, result.errors) == (20, {})
    # Due each 5 ms, served each 20 ms: the last one has waited for 19 times the difference.
    assert result.latency.max_us >= 19 * 15_000


@pytest.mark.parametrize(
    ("model", "problem"),
    [("error-429", "status 429"), ("fixed-other", "no marker"), ("drop+bytes-100", "connection lost")],
)
async def test_wrong_answers_are_errors(port: int, model: str, problem: str) -> None:
    """A wrong status, a wrong body and a broken connection are counted as errors, not as answers."""
    result = await _run(port, model, most_requests=4)
    assert result.answers == 0
    assert result.errors[problem] == result.error_count == 4


async def test_streams_are_timed_and_checked(port: int) -> None:
    """A stream yields a first token and gaps; one that breaks or lacks events is an error."""
    result = await _run(
        port, "tokens-5+stream-2ms", is_stream=True, least_events=5, connections=2, most_requests=4
    )
    assert (result.answers, result.errors, result.first_token.count) == (4, {}, 4)
    assert result.first_token.percentiles_us["p50"] < result.latency.percentiles_us["p50"]
    assert result.gaps.count >= 4
    broken = await _run(port, "tokens-5+error-midstream", is_stream=True, most_requests=4)
    assert broken.errors == {"no [DONE]": 4}
    short = await _run(port, "tokens-5", is_stream=True, least_events=50, most_requests=4)
    assert short.errors == {"events missing": 4}
