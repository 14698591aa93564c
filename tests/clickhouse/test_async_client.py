"""The client for the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from threading import Event

import msgspec
import pytest

from tzproxy.clickhouse import AsyncStoreClient, StatementError
from tzproxy.clickhouse.client import SentTable
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


async def test_rows_come_in_pieces(store: EmbeddedStore) -> None:
    """Rows of a long answer come some at a time, with the values of a table that was sent along."""
    client = AsyncStoreClient(store.url, threads=1)
    sent = SentTable(
        name="_sent", columns=("n UInt64", "text String"), lines=b'{"n":2,"text":"b\\n"}\n{"n":7}'
    )
    sql = (
        "SELECT n, text, repeat({letter:String}, 100) AS long FROM _sent"
        " UNION ALL SELECT number + 10 AS n, '' AS text, repeat('y', 100) AS long FROM numbers(10000)"
    )
    parts = [part async for part in client.stream(sql, {"letter": "x"}, table=sent)]
    rows = [msgspec.json.decode(line) for part in parts for line in part]
    assert len(parts) > 2 and len(rows) == 10_002
    mine = {int(row["n"]): row["text"] for row in rows if row["long"] == "x" * 100}
    assert mine == {2: "b\n", 7: ""}
    await client.close()


async def test_values_longer_than_an_address(store: EmbeddedStore) -> None:
    """Values that no URL could hold are sent in the body, also beside a table."""
    client = AsyncStoreClient(store.url, threads=1, params_in_body=True)
    long = "it's \\ ü\n" * 200_000
    rows = await client.query("SELECT {long:String} = {again:String} AS same", {"long": long, "again": long})
    assert rows == [{"same": 1}]
    sent = SentTable(name="_sent", columns=("n UInt64",), lines=b'{"n":2}')
    sql = "SELECT n, length({long:String}) AS size FROM _sent"
    (lines,) = [part async for part in client.stream(sql, {"long": long}, table=sent)]
    row = msgspec.json.decode(lines[0])
    assert (int(row["n"]), int(row["size"])) == (2, len(long.encode()))
    await client.close()


async def test_rows_that_are_not_read_to_the_end(store: EmbeddedStore) -> None:
    """A reader may leave early or be cancelled while it waits; the client goes on working."""
    client = AsyncStoreClient(store.url, threads=1)
    sql = "SELECT repeat('y', 1000) AS long FROM numbers(10000)"
    for _ in range(3):
        async with aclosing(client.stream(sql)) as parts:
            assert await anext(parts)
        waiting = asyncio.ensure_future(anext(client.stream("SELECT sleep(0.2)")))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert await client.query("SELECT 1 AS one") == [{"one": 1}]
    with pytest.raises(StatementError, match="UNKNOWN_TABLE"):
        await anext(client.stream("SELECT * FROM nowhere"))
    with pytest.raises(StatementError):
        await anext(client.stream("SELECT throwIf(number = 99000, 'late') FROM numbers(100000)"))
    await client.close()


class StalledRows:
    """Rows of a store that has stopped amid its answer: closing waits for the read, as sockets do."""

    def __init__(self) -> None:
        self.is_reading, self.goes_on, self.is_closed = Event(), Event(), Event()

    def read(self) -> list[bytes]:
        """Read, as if nothing came."""
        self.is_reading.set()
        self.goes_on.wait(30)
        return []

    def close(self) -> None:
        """Close, after the read."""
        self.goes_on.wait(30)
        self.is_closed.set()


async def test_leaving_a_stalled_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who leaves a stream whose store has stalled leaves at once, and the connection is closed later."""
    client = AsyncStoreClient("http://127.0.0.1:1/db")
    rows = StalledRows()
    monkeypatch.setattr(client.client, "stream", lambda *_, **__: rows)

    async def read() -> None:
        async for _ in client.stream("SELECT 1"):
            pass

    reading = asyncio.create_task(read())
    await asyncio.to_thread(rows.is_reading.wait, 30)
    # Otherwise a loop that is blocked would never get there.
    asyncio.get_running_loop().run_in_executor(None, _later, rows.goes_on.set)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not rows.goes_on.is_set()
    rows.goes_on.set()
    assert await asyncio.to_thread(rows.is_closed.wait, 30)
    await client.close()


def _later(action: Callable[[], None]) -> None:
    Event().wait(2)
    action()


async def test_statements_that_cannot_begin() -> None:
    """A statement whose turn comes too late is given up: a queue before a stuck store ends as a whole."""
    client = AsyncStoreClient("http://127.0.0.1:1/db", threads=1, timeout_s=0.05)
    goes_on = Event()
    began: list[int] = []
    stuck = asyncio.create_task(client.run(lambda _: goes_on.wait(30)))
    await asyncio.sleep(0)
    late = [asyncio.create_task(client.run(lambda _: began.append(1))) for _ in range(3)]
    await asyncio.sleep(0.2)
    goes_on.set()
    assert await stuck
    for waited in late:
        with pytest.raises(StoreUnavailableError, match="too many statements"):
            await waited
    await client.close()
    assert not began


@pytest.mark.parametrize("way", ["query", "query_bytes", "stream"])
async def test_what_nobody_waits_for_is_ended(store: EmbeddedStore, way: str) -> None:
    """A SELECT that is cancelled gives its thread back long before its end."""
    client = AsyncStoreClient(store.url, threads=1)
    endless = "SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
    other = AsyncStoreClient(store.url)

    async def ask() -> None:
        if way == "stream":
            async with aclosing(client.stream(endless)) as rows:
                await anext(rows)
        else:
            await getattr(client, way)(endless)

    async def runs() -> bool:
        sql = "SELECT count() AS n FROM system.processes WHERE query LIKE {like:String}"
        (row,) = await other.query(sql, {"like": "SELECT number FROM numbers(1000000000000)%"})
        return row["n"] != "0"

    asking = asyncio.create_task(ask())
    while not await runs():
        pass
    asking.cancel()
    assert await asyncio.wait_for(client.query("SELECT 1 AS one"), 60.0) == [{"one": 1}]
    assert not await runs()
    await client.close()
    await other.close()
