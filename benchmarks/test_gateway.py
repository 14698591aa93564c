"""What a whole request costs inside the gateway: no Granian, no socket, everything else.

From the ASGI scope to the last byte of the answer and the rows: routing, decoding, the engine, the provider,
the upstream client on a network of one answer, encoding. The figure is for 100 requests in turn.

Run: pytest benchmarks/test_gateway.py --benchmark-only
"""

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Bench
from benchmarks.requests import NATIVE, OPENAI
from tzproxy.http.asgi import AsgiExchange

REQUESTS = 100


@pytest.mark.parametrize(("path", "body"), [("/inference", NATIVE), ("/openai/v1/chat/completions", OPENAI)])
def test_100_requests(benchmark: BenchmarkFixture, bench: Bench, path: str, body: bytes) -> None:
    """A hundred inferences with an answer of 1,000 bytes, rows included."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"bench"), (b"content-type", b"application/json")],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def serve() -> None:
        sent.clear()
        for _ in range(REQUESTS):
            await bench.app.serve(AsgiExchange(dict(scope), receive, send))

    benchmark(lambda: bench.run(serve()))
    assert [message.get("status", 200) for message in sent] == [200] * (2 * REQUESTS)
    assert b"Lorem" in sent[-1]["body"]
    assert len(bench.sink.rows) == 2
