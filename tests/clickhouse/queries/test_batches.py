"""Tests of `tzproxy.clickhouse.queries.batches`, on the embedded engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.batches import Batches, StoredBatch, StoredElement, StoredResult

ODD = 'it\'s "odd" \\ \t\n é {x:String}'
HASH = 2**256 - 1


@pytest.fixture
async def batches(client: StoreClient) -> AsyncIterator[Batches]:
    """Batches in the shared database."""
    beside = AsyncStoreClient(client.url, threads=1)
    yield Batches(beside)
    await beside.close()


def ids(count: int) -> list[str]:
    """Fresh ids, ordered."""
    return sorted(new_uuid7() for _ in range(count))


async def insert(batches: Batches, table: str, *rows: dict[str, Any], token: str | None = None) -> None:
    """Write rows."""
    lines = b"\n".join(json.dumps(row).encode() for row in rows)
    await batches.insert(table, lines, token=token or new_uuid7())


def request(batch_id: str, **fields: Any) -> dict[str, Any]:
    """A row of BatchRequest."""
    return {
        "batch_id": batch_id,
        "id": new_uuid7(),
        "batch_params": ODD,
        "model_name": "m",
        "model_provider_name": "p",
        "status": "pending",
        "errors": [],
        "raw_request": "",
        "raw_response": "",
        "function_name": ODD,
        "variant_name": "v",
        "snapshot_hash": str(HASH),
        **fields,
    }


def element(batch_id: str, inference_id: str, **fields: Any) -> dict[str, Any]:
    """A row of BatchModelInference."""
    return {
        "inference_id": inference_id,
        "batch_id": batch_id,
        "function_name": ODD,
        "variant_name": "v",
        "episode_id": inference_id,
        "input": '{"messages":[]}',
        "input_messages": "[]",
        "system": None,
        "inference_params": "{}",
        "raw_request": ODD,
        "model_name": "m",
        "model_provider_name": "p",
        "tags": {ODD: ODD},
        "snapshot_hash": str(HASH),
        **fields,
    }


async def test_a_batch_and_its_elements(batches: Batches) -> None:
    """A batch is found by its id, and by an id of its own inferences only."""
    batch_id, (first, second) = new_uuid7(), ids(2)
    await insert(batches, "BatchRequest", request(batch_id))
    full = {
        "system": ODD,
        "tool_params": "{}",
        "output_schema": "{}",
        "dynamic_tools": [ODD],
        "dynamic_provider_tools": ["{}"],
        "allowed_tools": "{}",
        "tool_choice": "auto",
        "parallel_tool_calls": True,
    }
    rows = [element(batch_id, second, **full), element(batch_id, first)]
    await insert(batches, "BatchModelInference", *rows)
    found = await batches.find(batch_id, None)
    assert found == StoredBatch(
        batch_id=batch_id,
        params=ODD,
        model_name="m",
        model_provider_name="p",
        status="pending",
        function_name=ODD,
        variant_name="v",
        snapshot_hash=str(HASH),
    )
    assert await batches.find(batch_id, first) == found
    assert await batches.find(batch_id, new_uuid7()) is None
    assert await batches.find(new_uuid7(), None) is None
    assert await batches.find(new_uuid7(), first) is None
    plain, whole = await batches.elements(batch_id, [second, first, new_uuid7(), "no id'"])
    assert (plain.inference_id, plain.tags, plain.tool_choice) == (first, {ODD: ODD}, None)
    assert whole == StoredElement(
        inference_id=second,
        episode_id=second,
        input='{"messages":[]}',
        input_messages="[]",
        inference_params="{}",
        raw_request=ODD,
        tags={ODD: ODD},
        snapshot_hash=str(HASH),
        **full,
    )
    assert await batches.elements(batch_id, [second]) == [whole]
    assert await batches.elements(new_uuid7(), [first, second]) == []


async def test_an_ended_batch_stays_ended(batches: Batches) -> None:
    """A status that was asked for earlier and written later does not undo the end."""
    batch_id = new_uuid7()
    await insert(batches, "BatchRequest", request(batch_id))
    assert await batches.status(batch_id) == "pending"
    await insert(batches, "BatchRequest", request(batch_id, status="completed"))
    await insert(batches, "BatchRequest", request(batch_id))
    found = await batches.find(batch_id, None)
    assert found is not None
    assert found.status == await batches.status(batch_id) == "completed"
    assert await batches.status(new_uuid7()) is None


def call(inference_id: str, **fields: Any) -> dict[str, Any]:
    """A row of ModelInference."""
    return {
        "id": new_uuid7(),
        "inference_id": inference_id,
        "raw_request": "",
        "raw_response": "",
        "model_name": "m",
        "model_provider_name": "p",
        "input_tokens": 3,
        "output_tokens": None,
        "input_messages": "[]",
        "output": "[]",
        "finish_reason": "stop",
        "snapshot_hash": str(HASH),
        "cost": 0.25,
        **fields,
    }


@pytest.mark.parametrize(("kind", "at_once"), [("chat", 200), ("json", 200), ("chat", 1)])
async def test_finished_inferences(
    batches: Batches, kind: Any, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished ones are read, in parts, with what their calls used; those of other batches stay out."""
    monkeypatch.setattr("tzproxy.clickhouse.queries.batches.FINISHED_AT_ONCE", at_once)
    batch_id, (first, second, third, other) = new_uuid7(), ids(4)
    await insert(batches, "BatchRequest", request(batch_id))
    rows = [element(batch_id, number) for number in (first, second, third)]
    await insert(batches, "BatchModelInference", *rows)
    table = "ChatInference" if kind == "chat" else "JsonInference"
    more = {} if kind == "chat" else {"output_schema": "{}", "auxiliary_content": "[]"}
    inferences = [
        {
            "id": number,
            "function_name": ODD,
            "variant_name": "v",
            "episode_id": number,
            "input": "{}",
            "output": ODD,
            "inference_params": "{}",
            "processing_time_ms": None,
            "tags": {},
            "snapshot_hash": str(HASH),
            **more,
        }
        for number in (second, first, other)
    ]
    token = new_uuid7()
    await insert(batches, table, *inferences, token=token)
    await insert(batches, table, *inferences, token=token)
    await insert(batches, "ModelInference", call(first), call(other))
    batch = await batches.find(batch_id, None)
    assert batch is not None
    known = StoredResult(
        inference_id=first,
        episode_id=first,
        output=ODD,
        input_tokens=3,
        output_tokens=None,
        cache_read=None,
        cache_write=None,
        cost=0.25,
        finish_reason="stop",
    )
    found = await batches.finished(batch, kind, None)
    assert [result.inference_id for result in found] == [first, second]
    assert found[0] == known
    assert (found[1].input_tokens, found[1].cost, found[1].finish_reason) == (None, None, None)
    assert await batches.finished(batch, kind, first) == [known]
    assert await batches.finished(batch, kind, third) == []
    assert await batches.stored_inferences(batch_id) == {first, second}
    assert await batches.stored_calls(batch_id) == {first}
