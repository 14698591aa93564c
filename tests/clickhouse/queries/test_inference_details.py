"""Tests of `tzproxy.clickhouse.queries.inference_details`; what pages get is tested with their routes."""

from __future__ import annotations

from uuid import UUID

import pytest

from clickhouse.rows import chat_inference, lines, model_inference
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.inference_details import InferenceDetails, cursors, hash_hex
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.errors import StoreError
from tzproxy.types.pages import MetadataPage


def test_hashes() -> None:
    """A hash is written in whole bytes, without those that are zero in front."""
    assert [hash_hex(text) for text in ("0", "10", "255", "256")] == ["00", "0a", "ff", "0100"]
    assert hash_hex(str(2**256 - 1)) == "ff" * 32


def test_cursors() -> None:
    """A page without cursors has no conditions; its cursors are parameters."""
    parameters = Parameters()
    assert cursors(parameters, "c", None, None) == []
    assert cursors(parameters, "c", UUID(int=1), UUID(int=2)) == [
        "c < toUInt128({p0:UUID})",
        "c > toUInt128({p1:UUID})",
    ]


async def test_names_are_values(migrated: StoreClient) -> None:
    """Names that look like SQL are compared, not run."""
    odd = "it's {p0:String} \\"
    row = chat_inference(function_name=odd, variant_name=odd)
    migrated.insert_json("ChatInference", lines(row, chat_inference()))
    store = AsyncStoreClient(migrated.url, threads=1)
    (found,) = await InferenceDetails(store).metadata(MetadataPage(function_name=odd, variant_name=odd))
    await store.close()
    assert (found.id, found.function_name) == (row["id"], odd)


async def test_a_damaged_model_inference(migrated: StoreClient) -> None:
    """A column that should be JSON and is not is the store's failure, named by row and column."""
    inference_id = new_uuid7()
    row = model_inference(inference_id=inference_id, output="{")
    migrated.insert_json("ModelInference", lines(row))
    store = AsyncStoreClient(migrated.url, threads=1)
    with pytest.raises(StoreError, match=rf"model inference {row['id']}: output: "):
        await InferenceDetails(store).model_inferences(UUID(inference_id))
    await store.close()
