"""The client for the event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from tzproxy.clickhouse import AsyncStoreClient, StatementError
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.errors import StoreUnavailableError


async def test_statements_run_beside_the_loop(store: EmbeddedStore) -> None:
    """Several slow statements run at the same time while the loop goes on, and each gets its own answer."""
    client = AsyncStoreClient(store.url)
    await client.ping()
    began = time.monotonic()
    asking = [
        asyncio.create_task(client.query("SELECT {n:UInt8} AS n, sleep(0.5) AS zzz", {"n": number}))
        for number in range(3)
    ]
    longest = 0.0
    while not all(task.done() for task in asking):
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - before)
    assert longest < 0.4
    assert time.monotonic() - began < 1.4
    assert [task.result()[0]["n"] for task in asking] == [0, 1, 2]
    await client.close()


async def test_every_call_is_there(store: EmbeddedStore) -> None:
    """Commands, inserts and raw results work as in the blocking client."""
    client = AsyncStoreClient(store.url)
    await client.command("CREATE TABLE IF NOT EXISTS from_loop (a UInt8) ENGINE = MergeTree ORDER BY a")
    assert (await client.insert_json("from_loop", b'{"a":5}')).written_rows == 1
    assert await client.query_bytes("SELECT a FROM from_loop", fmt="CSV") == b"5\n"
    await client.command("DROP TABLE from_loop")
    assert client.database == "tensorzero"
    await client.close()


async def test_errors_arrive(store: EmbeddedStore) -> None:
    """Errors of the thread are raised in the coroutine."""
    client = AsyncStoreClient(store.url)
    with pytest.raises(StatementError, match="UNKNOWN_TABLE"):
        await client.query("SELECT * FROM nowhere")
    await client.close()
    away = AsyncStoreClient("http://127.0.0.1:1/db")
    with pytest.raises(StoreUnavailableError, match="^Error connecting to ClickHouse: "):
        await away.ping()
    await away.close()
