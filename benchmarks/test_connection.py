"""The upstream leg without sockets: a request written, an answer read, by a connection or by the client.

Run: `python -m pytest benchmarks/test_connection.py --benchmark-only`.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

from tzproxy._speedups.connection import Connection
from tzproxy._speedups.slots import Slots
from tzproxy.upstream import Endpoint, HeaderBlock, Upstream, UpstreamSettings, UpstreamStream
from tzproxy.upstream.proxies import Route

BODY = b"x" * 1000
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n" + BODY


class _Wire(asyncio.Transport):
    """Takes requests and answers in the next turn of the loop, if it is told to answer."""

    protocol: asyncio.Protocol | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.protocol is not None:
            asyncio.get_running_loop().call_soon(self.protocol.data_received, ANSWER)

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        pass


def test_exchange(benchmark: Any) -> None:
    """Write one request and take one answer on a kept connection."""
    loop = asyncio.new_event_loop()
    slots = Slots(30.0, loop=loop, clock=loop.time)
    connection = Connection(
        slots, UpstreamSettings(), loop=loop, clock=loop.time, stream_class=UpstreamStream
    )
    slots.try_hold(1)
    slots.add(connection)
    connection.connection_made(_Wire())
    slots.give_back(connection)

    def exchange() -> Any:
        now = loop.time()
        taken = slots.take(now)
        assert taken is not None
        waiter = taken.begin(b"request", now, now, inf, inf, False, False)
        taken.data_received(ANSWER)
        return waiter.result()

    assert benchmark(exchange).body == BODY
    slots.close()
    loop.close()


class _Network:
    async def connect(self, protocol: asyncio.Protocol, endpoint: Endpoint, route: Route) -> None:
        wire = _Wire()
        wire.protocol = protocol
        protocol.connection_made(wire)


def test_send_in_memory(benchmark: Any) -> None:
    """Send 100 requests one after the other, with the loop's part and a new future each."""
    loop = asyncio.new_event_loop()
    headers = HeaderBlock.of([("authorization", "Bearer k"), ("content-type", "application/json")])
    endpoint = Upstream.endpoint("http://model.invalid/v1/chat/completions")

    async def open_upstream() -> Upstream:
        return Upstream(UpstreamSettings(), connector=_Network())

    upstream = loop.run_until_complete(open_upstream())

    async def send_100() -> bytes:
        for _ in range(100):
            answer = await upstream.send(endpoint, headers, BODY, timeout_s=60.0)
        return answer.body

    assert benchmark(lambda: loop.run_until_complete(send_100())) == BODY
    loop.run_until_complete(upstream.aclose())
    loop.close()
