"""Tests of `tzproxy.limits.valkey` against a real server: the table's buckets, for many gateways."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import cast

import pytest
from redis.asyncio import Redis

from limits.builders import bucket, limit, rule
from limits.server import ValkeyServer
from tzproxy.limits.errors import BucketsUnavailableError
from tzproxy.limits.opening import open_valkey
from tzproxy.limits.rules import Bucket, Rules
from tzproxy.limits.valkey import PREFIX, ValkeyBuckets

A = bucket("a", capacity=10, refill=4, seconds=1000)
B = bucket("b", capacity=100, refill=0)


@pytest.fixture
async def store(valkey: ValkeyServer) -> AsyncIterator[ValkeyBuckets]:
    """Buckets in an empty server."""
    made = cast("ValkeyBuckets", open_valkey(valkey.url))
    yield made
    await made.close()


@pytest.fixture
async def client(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """Another client of the server."""
    made = Redis.from_url(valkey.url)
    yield made
    await made.aclose()


async def balance(store: ValkeyBuckets, of: Bucket) -> int:
    """Return what a bucket holds."""
    found = await store.take([(of, 2**53)])
    assert found is not None
    return found[0]


async def set_bucket(client: Redis, of: Bucket, balance: int, seconds_ago: float) -> None:
    """Put a bucket into the server as it would have been written then."""
    seconds, microseconds = await client.time()
    since = seconds * 10**6 + microseconds - int(seconds_ago * 10**6)
    await client.hset(PREFIX + of.key, mapping={"balance": balance, "since_us": since})  # type: ignore[misc]


async def test_all_or_none(store: ValkeyBuckets) -> None:
    """A bucket that holds too little keeps the others from being drawn from."""
    assert await store.take([(A, 4), (B, 40)]) is None
    assert await store.take([(A, 7), (B, 40)]) == [6, 60]
    assert await store.take([(A, 6), (B, 60)]) is None
    assert (await balance(store, A), await balance(store, B)) == (0, 0)


async def test_time_fills_it(store: ValkeyBuckets, client: Redis) -> None:
    """By whole intervals of the server's clock."""
    for ago, expected in [(999, 1), (1001, 5), (2001, 9), (3001, 10)]:
        await set_bucket(client, A, 1, ago)
        assert await balance(store, A) == expected
    await set_bucket(client, A, 1, -50)
    assert await balance(store, A) == 1


async def test_corrections(store: ValkeyBuckets, client: Redis) -> None:
    """They go below zero, but not above the capacity; a bucket that is full again is gone."""
    await store.take([(A, 4)])
    store.correct([(A, 12)])
    await store.settled()
    assert await store.take([(A, 0)]) == [-6]
    store.correct([(A, -100)])
    await store.settled()
    assert await balance(store, A) == 10
    assert await client.exists(PREFIX + A.key) == 0


async def test_buckets_expire_when_they_are_full(store: ValkeyBuckets, client: Redis) -> None:
    """Not earlier, and not at all without a refill."""
    await store.take([(A, 5), (B, 5)])
    assert 1_999_000 < await client.pttl(PREFIX + A.key) <= 2_000_002
    assert await client.pttl(PREFIX + B.key) == -1


async def test_large_amounts_stay_exact(store: ValkeyBuckets) -> None:
    """Nano-dollars of a large limit lose no digit."""
    (cost,) = Rules([rule(limit("cost", "month", 9_000_000))]).active({})
    assert await store.take([(cost, 1)]) is None
    assert await balance(store, cost) == 9_000_000 * 10**9 - 1


async def test_gateways_share_a_bucket(store: ValkeyBuckets, valkey: ValkeyServer) -> None:
    """Of two hundred that want one of ten, ten get it."""
    other = open_valkey(valkey.url)
    taken = await asyncio.gather(*(each.take([(A, 1)]) for each in [store, other] * 100))
    assert taken.count(None) == 10
    await other.close()


async def test_closing_waits_for_corrections(valkey: ValkeyServer) -> None:
    """What was used is counted, also by a gateway that stops."""
    first = open_valkey(valkey.url)
    await first.take([(A, 1)])
    first.correct([(A, 5)])
    await first.close()
    second = cast("ValkeyBuckets", open_valkey(valkey.url))
    assert await balance(second, A) == 4
    await second.close()


async def test_a_server_that_was_started_again_serves_at_once(
    store: ValkeyBuckets, valkey: ValkeyServer
) -> None:
    """All connections are from before; nobody notices."""
    await asyncio.gather(*(store.take([(B, 1)]) for _ in range(20)))
    valkey.stop()
    valkey.start()
    taken = await asyncio.gather(*(store.take([(A, 1)]) for _ in range(20)))
    assert taken.count(None) == 10


async def test_a_server_that_does_not_answer_is_asked_once(
    store: ValkeyBuckets, valkey: ValkeyServer, client: Redis
) -> None:
    """What may have been done is not done again; the attempt fails within the deadline."""
    await store.take([(A, 1)])
    valkey.pause()
    started = time.monotonic()
    with pytest.raises(BucketsUnavailableError, match="Valkey query failed: "):
        await store.take([(A, 1)])
    assert 1.5 < time.monotonic() - started < 30
    valkey.resume()
    seen: list[int] = []
    while not seen or seen[-1] > 8:
        seen.append(await balance(store, A))
    assert await balance(store, A) == 8


async def test_a_server_that_is_gone_lets_nothing_through(
    store: ValkeyBuckets, valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Attempts fail at once, corrections are lost with a line in the log; a server that is back serves."""
    await store.take([(A, 1)])
    valkey.stop()
    started = time.monotonic()
    with pytest.raises(BucketsUnavailableError, match="Valkey query failed: ") as caught:
        await store.take([(A, 1)])
    assert time.monotonic() - started < 5
    assert caught.value.status == 500
    with caplog.at_level(logging.WARNING):
        store.correct([(A, 1)])
        await store.settled()
    assert "could not be settled in Valkey" in caplog.records[0].message
    valkey.start()
    assert await store.take([(A, 1)]) is None
