"""What a streamed answer costs inside the gateway: 50 tokens, each in a read of its own.

From the request to the last event and the rows: as `test_gateway`, with a provider that streams and a server
that takes each part at once, as Granian does. The figure is for 10 streams in turn.

Run: pytest benchmarks/test_stream.py --benchmark-only
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Bench
from benchmarks.requests import NATIVE_STREAM, OPENAI_STREAM
from tzproxy.http.rsgi import RsgiExchange

STREAMS = 10
TOKENS = 50


class PyEmptyAwaitable:
    """Done already; known by Granian's name for it."""

    def __await__(self) -> Iterator[None]:
        return self

    def __iter__(self) -> Iterator[None]:
        return self

    def __next__(self) -> None:
        raise StopIteration


_DONE = PyEmptyAwaitable()


class _Client:
    """Granian's side of a stream."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def response_stream(self, status: int, headers: Any) -> _Client:
        return self

    def send_bytes(self, data: bytes) -> PyEmptyAwaitable:
        self.sent.append(data)
        return _DONE


@pytest.mark.parametrize(
    ("path", "body"), [("/inference", NATIVE_STREAM), ("/openai/v1/chat/completions", OPENAI_STREAM)]
)
def test_10_streams(benchmark: BenchmarkFixture, bench: Bench, path: str, body: bytes) -> None:
    """Ten streams, rows included."""
    scope = SimpleNamespace(method="POST", path=path, query_string="")
    clients: list[_Client] = []

    async def serve() -> None:
        clients.clear()
        for _ in range(STREAMS):
            clients.append(_Client())
            await bench.app.serve(RsgiExchange(scope, {}, clients[-1], body))

    benchmark(lambda: bench.run(serve()))
    for client in clients:
        # The role, the tokens one by one, and the end.
        assert len(client.sent) == TOKENS + 2
        assert client.sent[-1].endswith(b"data: [DONE]\n\n")
    assert len(bench.sink.rows) == 2
