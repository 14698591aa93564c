"""Tests of `tzproxy.clickhouse.queries.datapoints`, on the embedded engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.datapoint_pages import PageQuery
from tzproxy.clickhouse.queries.datapoints import Datapoints, PartlyWrittenError, SourceCount
from tzproxy.errors import StoreError
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow

ODD = 'it\'s "odd" \\ \t\n é {x:String}'
HASH = str(2**256 - 1)


@pytest.fixture
async def beside(client: StoreClient) -> AsyncIterator[AsyncStoreClient]:
    """A client of the shared database."""
    asynchronous = AsyncStoreClient(client.url, threads=2)
    yield asynchronous
    await asynchronous.close()


@pytest.fixture
def name() -> str:
    """A dataset of the test's own."""
    return f"{ODD} {new_uuid7()}"


def chat(dataset_name: str, **fields: Any) -> ChatDatapointRow:
    """Return a row of a chat datapoint."""
    usual = {"function_name": "f", "id": new_uuid7(), "input": ODD}
    return ChatDatapointRow(dataset_name=dataset_name, **{**usual, **fields})


def with_output(dataset_name: str, **fields: Any) -> JsonDatapointRow:
    """Return a row of a JSON datapoint."""
    usual = {"function_name": "g", "id": new_uuid7(), "input": ODD, "output_schema": "{}"}
    return JsonDatapointRow(dataset_name=dataset_name, **{**usual, **fields})


async def page(store: Datapoints, **query: Any) -> list[DatapointRow]:
    """Return a whole page."""
    return [row async for rows in store.page(PageQuery(**query)) for row in rows]


def written(row: DatapointRow, at: str) -> DatapointRow:
    """Return a row as it is read after it was written."""
    return type(row)(**{**{field: getattr(row, field) for field in row.__struct_fields__}, "updated_at": at})


async def test_all_columns_come_back(beside: AsyncStoreClient, name: str) -> None:
    """What was written is read as it was, odd texts included."""
    full = {
        "function_name": ODD,
        "episode_id": new_uuid7(),
        "output": ODD,
        "tags": {ODD: ODD, "": ""},
        "auxiliary": ODD,
        "is_custom": True,
        "source_inference_id": new_uuid7(),
        "name": ODD,
        "staled_at": "2026-01-01 00:00:00.123456",
        "snapshot_hash": HASH,
    }
    tools = {
        "tool_params": ODD,
        "dynamic_tools": [ODD, ""],
        "dynamic_provider_tools": [ODD],
        "allowed_tools": ODD,
        "tool_choice": ODD,
        "parallel_tool_calls": False,
    }
    rows = [
        chat(name, **full, **tools),
        chat(name),
        with_output(name, **full, output_schema=ODD),
        with_output(name),
    ]
    store = Datapoints(beside)
    at = await store.now()
    await store.write(rows, at=at)
    found = {row.id: row for row in await store.find([row.id for row in rows], dataset_name=name)}
    assert [found[row.id] for row in rows] == [written(row, at) for row in rows]
    assert len(at) == len("2026-01-01 00:00:00.123456")


async def test_the_newest_version_counts(beside: AsyncStoreClient, name: str) -> None:
    """A row written again with a later time takes the place of the earlier one, wherever it is asked for."""
    store, row = Datapoints(beside), chat(name, name="old")
    await store.write([row], at="2026-01-01 00:00:00.000002")
    await store.write([chat(name, id=row.id, name="new")], at="2026-01-01 00:00:00.000003")
    await store.write([chat(name, id=row.id, name="late")], at="2026-01-01 00:00:00.000001")
    for found in (
        await store.find([row.id], dataset_name=name),
        await store.find([row.id]),
        await page(store, dataset_name=name),
    ):
        assert [item.name for item in found] == ["new"]
    assert await store.count(name) == 1


async def test_stale_rows(beside: AsyncStoreClient, name: str) -> None:
    """What is no longer live is found by its id alone; rows marked as deleted are found by nothing."""
    store = Datapoints(beside)
    stale = chat(name, staled_at="2026-01-01 00:00:00.000000")
    deleted = chat(name, is_deleted=True)
    await store.write([stale, deleted], at=await store.now())
    ids = [stale.id, deleted.id]
    assert [row.id for row in await store.find(ids)] == [stale.id]
    assert await store.find(ids, is_live=True) == []
    assert await page(store, dataset_name=name) == []
    assert await store.count(name) == 0


async def test_thousands_of_ids(beside: AsyncStoreClient, name: str) -> None:
    """Ids are looked up in parts; a page of any length keeps its order."""
    store = Datapoints(beside)
    rows = [chat(name, name=str(number)) for number in range(4_500)]
    await store.write(rows, at=await store.now())
    wanted = [row.id for row in rows] + [new_uuid7()]
    found = await store.find(wanted, dataset_name=name)
    assert {row.id for row in found} == set(wanted[:-1])
    listed = await page(store, dataset_name=name, limit=None)
    assert [row.id for row in listed] == sorted(wanted[:-1], reverse=True)
    assert await store.stale_dataset(name) == 4_500
    assert await page(store, dataset_name=name) == []


class Failing(AsyncStoreClient):
    """A client whose statements on the second table fail."""

    async def insert_json(self, table: str, lines: bytes, **options: Any) -> Any:
        """Fail for JSON datapoints."""
        if table == "JsonInferenceDatapoint":
            raise StoreError("no")
        return await super().insert_json(table, lines, **options)

    async def command(self, sql: str, params: Any = None, **options: Any) -> Any:
        """Fail for JSON datapoints."""
        if "JsonInferenceDatapoint" in sql:
            raise StoreError("no")
        return await super().command(sql, params, **options)


async def test_half_a_write_is_told(client: StoreClient, name: str) -> None:
    """When only the first table took its rows, the error says what was written and what was not."""
    beside = Failing(client.url, threads=2)
    store = Datapoints(beside)
    rows = [chat(name), chat(name), with_output(name)]
    with pytest.raises(PartlyWrittenError) as caught:
        await store.write(rows, at=await store.now())
    assert caught.value.message == (
        "no (the 2 rows of chat datapoints were written; the 1 rows of json datapoints were not)"
    )
    assert await store.count(name) == 2
    with pytest.raises(StoreError) as plain:
        await store.write(rows[2:], at=await store.now())
    assert plain.value.message == "no"
    await Datapoints(working := AsyncStoreClient(client.url)).write(rows[2:], at=await store.now())
    with pytest.raises(PartlyWrittenError) as caught:
        await store.stale_dataset(name)
    assert caught.value.message == "no (the 2 chat datapoints were deleted; the 1 json datapoints were not)"
    assert await store.count(name) == 1
    await working.close()
    await beside.close()


async def test_sources(beside: AsyncStoreClient, name: str) -> None:
    """A dataset tells how many datapoints of an inference it has and had, and lists the newest ids first."""
    store, source, gone = Datapoints(beside), new_uuid7(), new_uuid7()
    older, newer = sorted(new_uuid7() for _ in range(2))
    stale = "2026-01-01 00:00:00"
    await store.write([chat(name, source_inference_id=gone, staled_at=stale)], at=await store.now())
    await store.write([with_output(name, id=newer, source_inference_id=source)], at=await store.now())
    await store.write([chat(name, id=older)], at=await store.now())
    assert await store.count_source(name, source) == SourceCount(live=1, ever=1)
    assert await store.count_source(name, gone) == SourceCount(live=0, ever=1)
    assert await store.count_source(f"{name} other", source) == SourceCount(live=0, ever=0)
    assert [row.id for row in await page(store, dataset_name=name)] == [older, newer]
    assert [row.id for row in await page(store, dataset_name=name, newest_first=True)] == [newer, older]


async def test_datasets(beside: AsyncStoreClient, name: str) -> None:
    """Datasets are listed with the live datapoints of both tables, of one function if wanted."""
    store = Datapoints(beside)
    await store.write(
        [chat(name), with_output(name), chat(name, staled_at="2026-01-01 00:00:00")], at="2026-01-01 00:00:01"
    )
    (found,) = [item for item in await store.datasets() if item.dataset_name == name]
    assert (found.datapoint_count, found.last_updated) == (2, "2026-01-01T00:00:01Z")
    (found,) = [item for item in await store.datasets(function_name="g") if item.dataset_name == name]
    assert found.datapoint_count == 1
    assert len(await store.datasets(limit=1)) == 1
    assert await store.count(name, function_name="f") == 1


class Tight(AsyncStoreClient):
    """Lets a statement have so much of the server's memory."""

    async def command(self, sql: str, params: Any = None, *, settings: Any = None) -> Any:
        """Run a statement."""
        return await super().command(
            sql, params, settings={**(settings or {}), "max_memory_usage": 256 << 20}
        )


async def test_a_dataset_larger_than_the_servers_memory_is_deleted(client: StoreClient, name: str) -> None:
    """What is marked does not have to fit into memory at once."""
    tight = Tight(client.url)
    store = Datapoints(tight)
    wide = json.dumps({"messages": [{"role": "user", "content": "x" * 1_000_000}]})
    for _ in range(4):
        await store.write([chat(name, input=wide) for _ in range(50)], at=await store.now())
    assert await store.stale_dataset(name) == 200
    assert await store.count(name) == 0
    await tight.close()
