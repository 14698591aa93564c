"""Tests of `tzproxy.datasets.tools`: tools of stored rows, asked for once more."""

from __future__ import annotations

import json

import pytest

from tzproxy.datasets.tools import asked_then, columns_of, full_columns
from tzproxy.errors import StoreError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.types.datapoints import ChatDatapointRow
from tzproxy.types.stored import ToolColumns

COLUMNS = ToolColumns(
    tool_params="{}",
    allowed_tools='{"tools":["humidity"],"choice":"explicit"}',
    tool_choice="required",
    parallel_tool_calls=False,
)


def test_of_a_row() -> None:
    """A datapoint's tool columns are these six."""
    names = {name: getattr(COLUMNS, name) for name in COLUMNS.__struct_fields__}
    row = ChatDatapointRow(dataset_name="d", function_name="f", id="i", input="{}", **names)
    assert columns_of(row) == COLUMNS


def test_asking_again(catalog: ConfigCatalog) -> None:
    """What was asked for then is asked for now, of the function as it is."""
    asked = asked_then(COLUMNS, "x")
    assert (asked.allowed_tools, asked.tool_choice, asked.parallel_tool_calls) == (
        ["humidity"],
        "required",
        False,
    )
    columns = full_columns(catalog.functions["weather"], asked)
    offered = json.loads(columns.tool_params)["tools_available"]
    assert [tool["name"] for tool in offered] == ["temperature", "humidity"]
    assert (columns.allowed_tools, columns.tool_choice) == (COLUMNS.allowed_tools, "required")


def test_nothing_to_ask_for(catalog: ConfigCatalog) -> None:
    """Where there are no tools all columns say so."""
    columns = full_columns(catalog.functions["talk"], asked_then(ToolColumns(), "x"))
    assert columns.allowed_tools == '{"tools":[],"choice":"function_default"}'
    assert columns.tool_choice == "auto"


def test_garbled() -> None:
    """Columns that no gateway writes are told, with whose they are."""
    with pytest.raises(StoreError, match="^the tools of inference i cannot be read: "):
        asked_then(ToolColumns(allowed_tools="x"), "inference i")
