"""Owns the gateway's way to the store on its cold paths (health, look-ups): `StoreClient` on a few threads.

Never blocks the event loop. Threads instead of the driver's own asynchronous client, because that one needs a
second HTTP library in every worker for paths that run rarely. Not hot.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from tzproxy.clickhouse.client import Params, SentTable, Settings, StoreClient, Summary
from tzproxy.clickhouse.given_up import GivenUp
from tzproxy.clickhouse.row_stream import RowStream
from tzproxy.clickhouse.url import ClickHouseUrl
from tzproxy.errors import StoreUnavailableError

_T = TypeVar("_T")


class AsyncStoreClient:
    """An awaitable client of one ClickHouse database.

    Statements beyond the number of threads wait, but no longer than one may take without a sign of life. A
    SELECT that nobody waits for any more is ended in the server, so that it gives its thread back.
    """

    def __init__(
        self,
        url: str | ClickHouseUrl,
        *,
        threads: int = 4,
        connect_timeout_s: float = 10.0,
        timeout_s: float = 300.0,
        params_in_body: bool = False,
    ) -> None:
        self.client: Final = StoreClient(
            url, connect_timeout_s=connect_timeout_s, timeout_s=timeout_s, params_in_body=params_in_body
        )
        self._wait_s = timeout_s
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="tzproxy-store")
        self._given_up = GivenUp(self.client)

    @property
    def database(self) -> str:
        """Name of the database in which statements run."""
        return self.client.database

    async def ping(self, *, timeout_s: float = 180.0) -> None:
        """Return if the server answers. Raises as `StoreClient.ping` does."""
        await self._run(partial(self.client.ping, timeout_s=timeout_s))

    async def query(
        self, sql: str, params: Params | None = None, *, settings: Settings | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a SELECT. Raises as `StoreClient.query` does."""
        query_id = str(uuid.uuid4())
        settings = {**(settings or {}), "query_id": query_id}
        return await self._read(partial(self.client.query, sql, params, settings=settings), query_id)

    async def query_bytes(
        self,
        sql: str,
        params: Params | None = None,
        *,
        fmt: str = "JSONEachRow",
        settings: Settings | None = None,
    ) -> bytes:
        """Bytes of a SELECT in the wanted format. Raises as `StoreClient.query` does."""
        query_id = str(uuid.uuid4())
        settings = {**(settings or {}), "query_id": query_id}
        call = partial(self.client.query_bytes, sql, params, fmt=fmt, settings=settings)
        return await self._read(call, query_id)

    async def stream(
        self,
        sql: str,
        params: Params | None = None,
        *,
        settings: Settings | None = None,
        table: SentTable | None = None,
    ) -> AsyncGenerator[list[bytes]]:
        """Yield the rows of a SELECT as JSON texts, some at a time. Raises as `StoreClient.stream` does.

        The connection is held until the iteration ends or is closed, a thread only while rows are read.
        """
        query_id = str(uuid.uuid4())
        settings = {**(settings or {}), "query_id": query_id}
        opening = self._begin(partial(self.client.stream, sql, params, settings=settings, table=table))
        try:
            rows = await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            self._given_up.add(opening, query_id)
            opening.add_done_callback(_close_unread)
            raise
        reading: Future[list[bytes]] | None = None
        try:
            while True:
                reading = self._begin(rows.read)
                lines = await asyncio.wrap_future(reading)
                if not lines:
                    return
                yield lines
        finally:
            if reading is None:
                rows.close()
            else:
                # Closing waits for a read under way: on the thread that reads, not here.
                reading.add_done_callback(lambda _: rows.close())

    async def command(
        self, sql: str, params: Params | None = None, *, settings: Settings | None = None
    ) -> Summary:
        """Run a statement that returns no rows. Raises as `StoreClient.command` does."""
        return await self._run(partial(self.client.command, sql, params, settings=settings))

    async def insert_json(
        self,
        table: str,
        lines: bytes,
        *,
        dedup_token: str | None = None,
        settings: Settings | None = None,
    ) -> Summary:
        """Store rows given as JSON lines. Raises as `StoreClient.insert_json` does."""
        return await self._run(
            partial(self.client.insert_json, table, lines, dedup_token=dedup_token, settings=settings)
        )

    async def run(self, call: Callable[[StoreClient], _T]) -> _T:
        """Do something that takes several statements on one of the threads. Raises as `call` does."""
        return await self._run(partial(call, self.client))

    async def close(self) -> None:
        """Wait for running statements and close the connections."""
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._end_threads)
        except RuntimeError:
            # The interpreter is ending, and has joined all threads of executors before.
            self._end_threads()
        self.client.close()

    def _end_threads(self) -> None:
        self._threads.shutdown()
        self._given_up.close()

    async def _read(self, call: Callable[[], _T], query_id: str) -> _T:
        running = self._begin(call)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            self._given_up.add(running, query_id)
            raise

    async def _run(self, call: Callable[[], _T]) -> _T:
        return await asyncio.wrap_future(self._begin(call))

    def _begin(self, call: Callable[[], _T]) -> Future[_T]:
        return self._threads.submit(_in_time, call, time.monotonic() + self._wait_s)


def _in_time(call: Callable[[], _T], deadline: float) -> _T:
    """Run a statement, unless those before it took so long that the store cannot be well."""
    if time.monotonic() > deadline:
        raise StoreUnavailableError("Error connecting to ClickHouse: too many statements wait for it")
    return call()


def _close_unread(opening: Future[RowStream]) -> None:
    """Let go of rows that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
