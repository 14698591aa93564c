"""Tests of `tzproxy.clickhouse.queries.optimization_tasks` against a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.migrations import add_own_tables
from tzproxy.clickhouse.queries.optimization_tasks import OptimizationTasks
from tzproxy.clickhouse.schema.own import EXPERIMENT_STATES, OPTIMIZATION_TASKS
from tzproxy.errors import StoreError


@pytest.fixture
async def tasks(open_database: Callable[[], StoreClient]) -> AsyncIterator[OptimizationTasks]:
    """The queries, on a database without any table."""
    client = open_database()

    def make_table(given: StoreClient) -> None:
        add_own_tables(given, (OPTIMIZATION_TASKS,))

    asynchronous = AsyncStoreClient(client.url, threads=1)
    add_own_tables(client, (EXPERIMENT_STATES,))
    yield OptimizationTasks(asynchronous, make_table)
    await asynchronous.close()


async def test_before_the_first_task(tasks: OptimizationTasks) -> None:
    """Without the table there is no task; making it twice is making it once."""
    assert await tasks.find(new_uuid7()) == {}
    await tasks.prepare()
    await tasks.prepare()
    assert await tasks.find(new_uuid7()) == {}
    assert await tasks.owner(new_uuid7()) is None


async def test_the_last_one_of_each_part_counts(tasks: OptimizationTasks) -> None:
    """Parts stand apart, tasks too; a part that is written anew is as old as its last version."""
    await tasks.prepare()
    task_id, other = new_uuid7(), new_uuid7()
    text = '{"a": "é\\n\'x\'"}'
    await tasks.write(task_id, "launch", text.encode(), owner="first")
    for number in range(3):
        await tasks.write(task_id, "progress", b"%d" % number, owner=f"owner {number}")
    await tasks.write(other, "launch", b"{}", owner="")
    found = await tasks.find(task_id)
    assert {part.part: (part.owner, part.data) for part in found.values()} == {
        "launch": ("first", text),
        "progress": ("owner 2", "2"),
    }
    assert 0 <= found["progress"].age_ms <= found["launch"].age_ms < 60_000
    assert await tasks.owner(task_id) == "owner 2"
    assert list(await tasks.find(other)) == ["launch"]


async def test_the_same_again_is_a_sign_of_life(tasks: OptimizationTasks) -> None:
    """A part that is written with the same content is younger afterwards."""
    await tasks.prepare()
    task_id = new_uuid7()
    await tasks.write(task_id, "progress", b"{}", owner="me")
    await asyncio.sleep(0.3)
    before = (await tasks.find(task_id))["progress"].age_ms
    await tasks.write(task_id, "progress", b"{}", owner="me")
    assert (await tasks.find(task_id))["progress"].age_ms < before
    assert before >= 250


async def test_a_large_state(tasks: OptimizationTasks) -> None:
    """Some megabytes are no matter."""
    await tasks.prepare()
    task_id = new_uuid7()
    await tasks.write(task_id, "state", b"x" * 5_000_000, owner="me")
    assert len((await tasks.find(task_id))["state"].data) == 5_000_000


async def test_other_failures_are_raised() -> None:
    """A store that is away is no task that is missing."""
    store = AsyncStoreClient("http://127.0.0.1:9/none", threads=1, connect_timeout_s=1)
    with pytest.raises(StoreError):
        await OptimizationTasks(store, print).find(new_uuid7())
    await store.close()
