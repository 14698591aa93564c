"""Tests of `tzproxy.datasets.june_2025_edits`: whole datapoints, sent back as they were shown."""

from __future__ import annotations

from typing import Any

import pytest

from datasets.samples import UNKNOWN, Opened, answer, chat, decoded, plain, texts
from tzproxy.datasets.june_2025 import DatasetsOf2025
from tzproxy.datasets.june_2025_edits import OldEdit
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.files.keep import FileKeeper


@pytest.fixture
def older(opened: Opened, catalog: ConfigCatalog, keeper: FileKeeper) -> DatasetsOf2025:
    """The datasets in front of older clients."""
    return DatasetsOf2025(opened.datasets, catalog, keeper)


async def put(older: DatasetsOf2025, opened: Opened, datapoint_id: str, **fields: object) -> Any:
    """Write a datapoint, and return it as it is shown."""
    edit = decoded(OldEdit, {"function_name": "talk", "input": {"messages": []}, **fields})
    assert await older.put(opened.name, datapoint_id, edit) == datapoint_id
    return plain(await older.get(opened.name, datapoint_id))


@pytest.mark.parametrize(
    "datapoint",
    [
        chat(function_name="weather", output=texts("x"), tags={"a": "b"}, tool_choice="required"),
        answer(episode_id=UNKNOWN),
        answer() | {"output": None},
    ],
)
async def test_there_and_back(older: DatasetsOf2025, opened: Opened, datapoint: dict[str, Any]) -> None:
    """What is shown may be sent back, changed: the datapoint keeps its id and all that was not changed."""
    (made,) = await opened.create(datapoint)
    shown = plain(await older.get(opened.name, made))
    assert await put(older, opened, made, **shown) == shown
    changed = {**shown, "tags": {"new": "tag"}}
    assert await put(older, opened, made, **changed) == changed
    assert await opened.datasets.count(opened.name, None) == 1


async def test_a_new_one(older: DatasetsOf2025, opened: Opened) -> None:
    """An id that nobody knows is made known; outputs of JSON functions are parsed by their schema."""
    output = {"raw": '{"answer":"x"}', "parsed": {"wrong": 1}}
    shown = await put(older, opened, UNKNOWN, function_name="extract", output=output)
    assert shown["output"] == {"raw": '{"answer":"x"}', "parsed": {"answer": "x"}}


async def test_another_function(older: DatasetsOf2025, opened: Opened) -> None:
    """A datapoint that is given to another function, of the other kind too, leaves the one it was of."""
    await put(older, opened, UNKNOWN)
    for name in ("weather", "extract", "talk"):
        shown = await put(older, opened, UNKNOWN, function_name=name)
        assert shown["function_name"] == name
        assert await opened.datasets.count(opened.name, None) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"input": {"messages": 1}}, "input: "),
        ({"input": {"system": {"a": 1}, "messages": []}}, "System message has non-string content"),
        ({"output": [{"type": "text"}]}, "output: "),
        ({"function_name": "extract", "output_schema": {"type": "x"}}, "Error in compiling"),
        ({"episode_id": "x"}, "episode_id: UUID parsing failed"),
        ({"tool_params": 5}, "tool_params: Expected `object`, got `int`"),
        ({"tool_params": {"tools_available": [{"name": "x"}]}}, "tool_params: Object missing required"),
        ({"tool_params": {"tool_choice": "odd"}}, "tool_params: Invalid enum value 'odd'"),
    ],
)
async def test_refusals(
    older: DatasetsOf2025, opened: Opened, fields: dict[str, object], message: str
) -> None:
    """What does not fit is refused with its place."""
    with pytest.raises(RequestError, match=f"^{message}"):
        await put(older, opened, UNKNOWN, **fields)
    with pytest.raises(NotFoundError, match="^Unknown function: nope$"):
        await put(older, opened, UNKNOWN, function_name="nope")
