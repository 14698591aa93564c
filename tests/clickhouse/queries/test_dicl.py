"""Tests of `tzproxy.clickhouse.queries.dicl` against the engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.dicl import LearningExamples, NewExample
from tzproxy.errors import StoreError


@pytest.fixture
async def examples(migrated: StoreClient) -> AsyncIterator[LearningExamples]:
    """Look-ups in the database of `migrated`."""
    store = AsyncStoreClient(migrated.url)
    yield LearningExamples(store)
    await store.close()


def add(client: StoreClient, name: str, vector: Sequence[float], *, variant: str = "v") -> None:
    """Write an example whose input is its name."""
    row = {
        "id": new_uuid7(),
        "function_name": "f",
        "variant_name": variant,
        "namespace": "",
        "input": name,
        "output": "[]",
        "embedding": vector,
    }
    client.insert_json("DynamicInContextLearningExample", json.dumps(row).encode())


async def test_the_nearest_come_first(migrated: StoreClient, examples: LearningExamples) -> None:
    """By the angle between the vectors, whatever their length; no more than wanted."""
    add(migrated, "across", [0.0, 1.0])
    add(migrated, "near", [9.0, 1.0])
    add(migrated, "same", [0.1, 0.0])
    add(migrated, "opposite", [-1.0, 0.0])
    found = await examples.nearest([1.0, 0], function_name="f", variant_name="v", k=3)
    assert [example.input for example in found] == ["same", "near", "across"]
    assert [round(example.distance or 0, 3) for example in found] == [0.0, 0.006, 1.0]
    assert await examples.nearest([1.0, 0.0], function_name="f", variant_name="v", k=0) == []


async def test_examples_belong_to_one_variant(migrated: StoreClient, examples: LearningExamples) -> None:
    """Names are values: quotes in them break nothing."""
    add(migrated, "x", [1.0], variant="it's")
    found = await examples.nearest([1.0], function_name="f", variant_name="it's", k=5)
    assert [example.input for example in found] == ["x"]
    assert await examples.nearest([1.0], function_name="f", variant_name="v", k=5) == []


async def test_a_vector_of_zeros_has_no_distance(migrated: StoreClient, examples: LearningExamples) -> None:
    """It points nowhere."""
    add(migrated, "x", [1.0, 0.0])
    (found,) = await examples.nearest([0.0, 0.0], function_name="f", variant_name="v", k=1)
    assert found.distance is None


async def test_vectors_of_another_length_are_an_error(
    migrated: StoreClient, examples: LearningExamples
) -> None:
    """The embedding model was changed without new examples."""
    add(migrated, "x", [1.0, 0.0])
    with pytest.raises(StoreError):
        await examples.nearest([1.0], function_name="f", variant_name="v", k=1)


async def test_long_vectors_pass(migrated: StoreClient, examples: LearningExamples) -> None:
    """A statement may be long, an address may not."""
    vector = [0.123456789 + number / 7 for number in range(4_096)]
    add(migrated, "x", vector)
    (found,) = await examples.nearest(vector, function_name="f", variant_name="v", k=1)
    assert abs(found.distance or 0) < 1e-5


async def test_what_is_written_is_found(examples: LearningExamples) -> None:
    """All rows of one insert, and how long their vectors are."""
    rows = [
        NewExample(
            id=new_uuid7(),
            function_name="f",
            variant_name="written",
            input=text,
            output="[]",
            embedding=[1.0, 0.5, 0.25],
        )
        for text in ("a", "b")
    ]
    assert await examples.dimensions(function_name="f", variant_name="written") == []
    await examples.insert(rows)
    assert await examples.dimensions(function_name="f", variant_name="written") == [3]
    assert await examples.dimensions(function_name="g", variant_name="written") == []
    found = await examples.nearest([1.0, 0.5, 0.25], function_name="f", variant_name="written", k=5)
    assert sorted(example.input for example in found) == ["a", "b"]
