"""The upstream leg: parsing one answer, and one whole exchange with a server in another process.

`httptools` (llhttp) stands beside the parser as a yardstick. For the exchange, `extra_info` holds the CPU
time of this process per request, and the same for a bare transport that only writes, waits and reads.
Run: `python -m pytest benchmarks/test_http1.py --benchmark-only`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import httptools
import pytest
import uvloop

from tzproxy._speedups.headers import Headers
from tzproxy._speedups.http1 import ResponseParser
from tzproxy.upstream import HeaderBlock, Upstream, UpstreamSettings

BODY = b'{"id":"chatcmpl-1","choices":[{"index":0,"message":{"content":"' + b"x" * 930 + b'"}}]}'
HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: Mon, 24 Nov 2025 05:46:00 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\naccess-control-expose-headers: X-Request-ID\r\n"
    b"openai-organization: example\r\nopenai-processing-ms: 300\r\nopenai-version: 2020-10-01\r\n"
    b"x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-tokens: 199000\r\n"
    b"x-request-id: req_0123456789abcdef\r\nstrict-transport-security: max-age=31536000; preload\r\n"
    b'cf-cache-status: DYNAMIC\r\nServer: edge\r\nCF-RAY: 8e75-MUC\r\nalt-svc: h3=":443"; ma=86400\r\n\r\n'
) % len(BODY)
ANSWER = HEAD + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"c8\r\n" + b"x" * 200 + b"\r\n" + b"0\r\n\r\n"
)

SERVER = f"""
import asyncio, sys, uvloop
class Session(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data): self.transport.write({ANSWER!r})
async def main():
    server = await asyncio.get_running_loop().create_server(Session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
uvloop.run(main())
"""
REQUEST_BODY = b"y" * 800
BATCH = 2000
CONNECTIONS = 16


def test_parse(benchmark: Any) -> None:
    """Parse one answer of a provider: head with 16 headers and a body of 1 kB."""
    parser = ResponseParser()

    def parse() -> bytes:
        parser.start()
        return parser.feed(ANSWER)

    assert benchmark(parse) == BODY


def test_parse_chunked(benchmark: Any) -> None:
    """Parse a small chunked answer."""
    parser = ResponseParser()

    def parse() -> bytes:
        parser.start()
        return parser.feed(CHUNKED)

    assert benchmark(parse) == b"x" * 200


def test_parse_httptools(benchmark: Any) -> None:
    """Parse the same answer with llhttp, collecting the body only."""

    class Collector:
        def __init__(self) -> None:
            self.pieces: list[bytes] = []

        def on_body(self, body: bytes) -> None:
            self.pieces.append(body)

        def on_message_complete(self) -> None:
            pass

    def parse() -> bytes:
        collector = Collector()
        parser = httptools.HttpResponseParser(collector)
        parser.feed_data(ANSWER)
        return b"".join(collector.pieces)

    assert benchmark(parse) == BODY


def test_header(benchmark: Any) -> None:
    """Look one header up in a head that nobody has looked at yet."""
    parser = ResponseParser()
    parser.feed(ANSWER)
    assert benchmark(lambda: Headers(parser.head).get("x-request-id")) == "req_0123456789abcdef"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Run a server that answers each read with the same bytes, in its own process."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdin is not None
    yield int(process.stdout.readline())
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


class _Bare(asyncio.Protocol):
    """Write, wait, read: what any client on this loop must pay."""

    answered: asyncio.Future[bytes]
    transport: asyncio.Transport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.answered.set_result(data)


@pytest.mark.parametrize("client", ["send", "bare"])
def test_send(benchmark: Any, port: int, client: str) -> None:
    """Exchange BATCH requests over 16 kept connections."""
    loop = uvloop.new_event_loop()
    headers = HeaderBlock.of([("authorization", "Bearer k"), ("content-type", "application/json")])

    async def open_all() -> tuple[Upstream, list[_Bare]]:
        upstream = Upstream(UpstreamSettings())
        made = [await loop.create_connection(_Bare, "127.0.0.1", port) for _ in range(CONNECTIONS)]
        return upstream, [protocol for _, protocol in made]

    upstream, bare = loop.run_until_complete(open_all())
    endpoint = upstream.endpoint(f"http://127.0.0.1:{port}/v1/chat/completions")
    head = b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 800\r\n\r\n"

    async def send_some(_: _Bare) -> None:
        for _ in range(BATCH // CONNECTIONS):
            response = await upstream.send(endpoint, headers, REQUEST_BODY, timeout_s=900)
            assert response.body == BODY

    async def write_some(protocol: _Bare) -> None:
        for _ in range(BATCH // CONNECTIONS):
            protocol.answered = loop.create_future()
            protocol.transport.write(head + REQUEST_BODY)
            await protocol.answered

    async def exchange() -> None:
        some: Any = send_some if client == "send" else write_some
        work: list[Coroutine[Any, Any, None]] = [some(protocol) for protocol in bare]
        await asyncio.gather(*work)

    loop.run_until_complete(exchange())
    before = time.process_time()
    rounds = 10
    benchmark.pedantic(lambda: loop.run_until_complete(exchange()), rounds=rounds, iterations=1)
    used = time.process_time() - before
    benchmark.extra_info["cpu_us_per_request"] = round(used / (rounds * BATCH) * 1e6, 2)
    print(f"\n{client}: {benchmark.extra_info['cpu_us_per_request']} us of CPU per request")
    for protocol in bare:
        protocol.transport.abort()
    loop.run_until_complete(upstream.aclose())
    loop.close()
