"""What authentication costs a request with a known key.

Run: pytest benchmarks/test_auth.py --benchmark-only
"""

from __future__ import annotations

import asyncio

from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.auth.checks import KeyChecks
from tzproxy.auth.key import new_key, read_key
from tzproxy.clickhouse.queries.api_keys import StoredKey
from tzproxy.http.asgi import AsgiExchange, Receive, Scope
from tzproxy.http.exchange import Exchange
from tzproxy.http.guard import Guard

ROUND = 1_000
MADE = new_key()
TEXT = MADE.text.reveal()
SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/inference",
    "query_string": b"",
    "headers": [(b"host", b"bench"), (b"authorization", b"Bearer " + TEXT.encode())],
}


class OneKey:
    """A table of one key that is asked once."""

    async def find(self, public_id: str) -> StoredKey | None:
        """Return the key."""
        return StoredKey(public_id=public_id, secret_hash=MADE.key.secret_hash, created_us=0)


def test_1000_keys_read(benchmark: BenchmarkFixture) -> None:
    """The form of a key checked and its secret hashed, 1,000 times."""

    def read() -> str:
        for _ in range(ROUND - 1):
            read_key(TEXT)
        return read_key(TEXT).public_id

    assert benchmark(read) == MADE.key.public_id


async def _never(*_: object) -> None:
    raise AssertionError("nothing is read or sent")


def test_1000_remembered_keys(benchmark: BenchmarkFixture) -> None:
    """From a request's headers to the handler behind the guard, the exchange included, 1,000 times."""
    served = 0

    async def handler(exchange: Exchange) -> None:
        nonlocal served
        served += exchange.api_key_id is not None

    guard = Guard(handler, KeyChecks(OneKey(), ttl_s=3600.0))
    receive: Receive = _never  # type: ignore[assignment]
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        for _ in range(ROUND):
            await guard.serve(AsgiExchange(SCOPE, receive, _never))

    benchmark(lambda: loop.run_until_complete(serve()))
    loop.close()
    assert served % ROUND == 0
    assert served
