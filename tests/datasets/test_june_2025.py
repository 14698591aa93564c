"""Tests of `tzproxy.datasets.june_2025`. Texts and shapes are those of TensorZero 2025.6.3."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from datasets.samples import ANSWER_SCHEMA, UNKNOWN, Opened, decoded, plain, said, texts
from tzproxy._speedups.ids import parse_uuid, uuid_time_ms, uuid_version
from tzproxy.datasets.errors import DatapointNotFoundError, DatasetNameError, SourceTakenError
from tzproxy.datasets.june_2025 import BulkRequest, DatasetsOf2025, FromInferenceRequest, taken_id
from tzproxy.errors import RequestError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.files.keep import FileKeeper

CALL = {"type": "tool_call", "id": "1", "name": "humidity", "arguments": {"city": "Oslo"}}


@pytest.fixture
def older(opened: Opened, catalog: ConfigCatalog, keeper: FileKeeper) -> DatasetsOf2025:
    """The datasets in front of older clients."""
    return DatasetsOf2025(opened.datasets, catalog, keeper)


def new(function_name: str = "talk", **fields: object) -> dict[str, Any]:
    """Return a datapoint as an older client sends it."""
    return {"function_name": function_name, "input": said(), **fields}


async def insert(older: DatasetsOf2025, opened: Opened, *datapoints: object) -> list[str]:
    """Make datapoints."""
    return list(await older.insert(opened.name, decoded(BulkRequest, {"datapoints": list(datapoints)})))


async def test_inserting(older: DatasetsOf2025, opened: Opened) -> None:
    """The function says of which kind a datapoint is; outputs are taken in the forms of demonstrations."""
    ids = await insert(
        older,
        opened,
        new(output="plain", tags={"a": "b"}),
        new("weather", output=[CALL], allowed_tools=["humidity"], tool_choice="required"),
        new("extract", output={"answer": "x"}),
        new("extract", output={"z": 1}, output_schema={"type": "object"}),
        new(output=None),
    )
    assert ids == sorted(ids)
    found = plain(await older.list(opened.name, None, limit=100, offset=0))
    assert [item["id"] for item in found] == ids[::-1]
    none, other, extracted, called, talked = found
    assert talked["output"] == texts("plain")
    assert (talked["tags"], talked["tool_params"]) == ({"a": "b"}, None)
    assert called["output"][0]["raw_arguments"] == '{"city":"Oslo"}'
    assert called["tool_params"]["tool_choice"] == "required"
    assert extracted["output"] == {"raw": '{"answer":"x"}', "parsed": {"answer": "x"}}
    assert extracted["output_schema"] == ANSWER_SCHEMA
    assert (other["output"]["parsed"], other["output_schema"]) == ({"z": 1}, {"type": "object"})
    assert none["output"] is None
    assert [item["is_custom"] for item in await opened.get(*ids)] == [True] * 5
    assert await insert(older, opened) == []


async def test_pages(older: DatasetsOf2025, opened: Opened) -> None:
    """A list has the newest datapoints first, of one function if wanted."""
    first, second, third = await insert(older, opened, new(), new("extract"), new())
    await opened.rename({"id": first, "name": "changed"})
    page = await older.list(opened.name, None, limit=2, offset=1)
    assert [item.id for item in page] == [second, first]
    page = await older.list(opened.name, "talk", limit=1, offset=0)
    assert [item.id for item in page] == [third]


async def test_one(older: DatasetsOf2025, opened: Opened) -> None:
    """A datapoint is there until it is deleted; what is not there can be deleted too."""
    (made,) = await insert(older, opened, new())
    assert (await older.get(opened.name, made)).id == made
    for _ in range(2):
        await older.delete(opened.name, made)
    for gone in (made, UNKNOWN):
        with pytest.raises(DatapointNotFoundError) as caught:
            await older.get(opened.name, gone)
        assert caught.value.status == 404


@pytest.mark.parametrize(
    ("datapoint", "message"),
    [
        (new("nope"), "Failed to get function config for datapoint 1: Unknown function: nope"),
        (new(input={"system": {"a": 1}}), "Failed to validate chat input for datapoint 1: System message"),
        (
            new("extract", output={"nope": 1}),
            "Failed to validate chat output for datapoint 1: Demonstration does not fit function output",
        ),
        (
            new(output=[CALL]),
            "Failed to validate chat output for datapoint 1: Demonstration contains invalid tool name",
        ),
        (new(output=5), "Failed to validate chat output for datapoint 1: Demonstration must be a string"),
    ],
)
async def test_refusals(
    older: DatasetsOf2025, opened: Opened, datapoint: dict[str, Any], message: str
) -> None:
    """One datapoint that is refused, whatever for, is a 400 with its number, and none is made."""
    with pytest.raises(RequestError) as caught:
        await insert(older, opened, new(), datapoint)
    assert caught.value.status == 400
    assert caught.value.message.startswith(message)
    assert await opened.rows() == []


async def test_reserved_names(older: DatasetsOf2025) -> None:
    """Reserved names are refused, without datapoints too."""
    with pytest.raises(DatasetNameError):
        await older.insert("builder", BulkRequest([]))


async def test_taking_an_inference(older: DatasetsOf2025, opened: Opened) -> None:
    """An inference becomes a datapoint once, with the output that is asked for."""
    inference_id = await opened.infer()
    made = await older.take(opened.name, FromInferenceRequest(inference_id, "inherit"))
    found = await older.get(opened.name, made)
    assert (found.source_inference_id, plain(found)["output"]) == (inference_id, texts("said"))
    with pytest.raises(SourceTakenError, match="^Datapoint with this source_inference_id already exists$"):
        await older.take(opened.name, FromInferenceRequest(inference_id, "none"))
    await older.delete(opened.name, made)
    again = await older.take(opened.name, FromInferenceRequest(inference_id, "none"))
    assert plain(await older.get(opened.name, again))["output"] is None
    with pytest.raises(RequestError, match="^inference_id: UUID parsing failed"):
        await older.take(opened.name, FromInferenceRequest("x", "inherit"))


async def test_two_take_the_same_inference(older: DatasetsOf2025, opened: Opened) -> None:
    """Whoever takes an inference at the same moment as another makes no second datapoint of it."""
    inference_id = await opened.infer()
    request = FromInferenceRequest(inference_id, "inherit")
    for deleted in range(2):
        taken = await asyncio.gather(*(older.take(opened.name, request) for _ in range(3)))
        (row,) = [row for row in await opened.rows() if row["staled_at"] is None]
        assert set(taken) == {row["id"]}
        assert len(await opened.rows()) == deleted + 1
        await older.delete(opened.name, row["id"])


def test_ids_of_taken_inferences() -> None:
    """The id is a UUIDv7 of the inference's time, and differs by dataset, inference and number."""
    first = taken_id("d", UNKNOWN, 0)
    raw = parse_uuid(first)
    assert (uuid_version(raw), uuid_time_ms(raw)) == (7, uuid_time_ms(parse_uuid(UNKNOWN)))
    assert raw[8] & 0xC0 == 0x80
    other = f"{UNKNOWN[:-1]}9"
    ids = {first, taken_id("d", UNKNOWN, 0), taken_id("e", UNKNOWN, 0), taken_id("d", UNKNOWN, 1)}
    assert len({*ids, taken_id("d", other, 0)}) == 4
