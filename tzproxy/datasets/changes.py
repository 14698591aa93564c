"""Applies changes to rows. Cold. Writes nothing: the caller gets the row that takes the old one's place."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from tzproxy.datasets.creation import dynamic_schema, json_output
from tzproxy.datasets.errors import DatapointKindError
from tzproxy.datasets.functions import function_of_kind
from tzproxy.datasets.inputs import InputIntake
from tzproxy.datasets.requests import Change, ChatChange, JsonChange, stored_blocks
from tzproxy.datasets.tools import asked_then, columns_of
from tzproxy.errors import StoreError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.tool_columns import tool_columns
from tzproxy.inference.tools import FunctionTools
from tzproxy.prompts import JsonSchema
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow
from tzproxy.types.request import given
from tzproxy.types.stored import ToolColumns

ENCODER = msgspec.json.Encoder()


class Changer:
    """Applies the changes of one request."""

    def __init__(self, catalog: Catalog, inputs: InputIntake) -> None:
        self._catalog = catalog
        self._inputs = inputs

    async def changed(self, row: DatapointRow, change: Change, new_id: str) -> DatapointRow:
        """Return the row as changed, under its new id.

        Raises:
            DatapointKindError: when the change is for the other kind of datapoint.
            TzproxyError: when the result would not fit the function.
        """
        if isinstance(row, ChatDatapointRow):
            if not isinstance(change, ChatChange):
                raise DatapointKindError(row.id, "chat", "json")
            new = await self._chat(row, change)
        elif isinstance(row, JsonDatapointRow):
            if not isinstance(change, JsonChange):
                raise DatapointKindError(row.id, "json", "chat")
            new = await self._json(row, change)
        else:
            raise AssertionError("a row is of one of the two tables")
        return msgspec.structs.replace(
            new,
            id=new_id,
            tags=row.tags if change.tags is None else change.tags,
            name=row.name if change.name is UNSET else change.name,
            is_custom=True,
            snapshot_hash=None,
        )

    async def _chat(self, row: ChatDatapointRow, change: ChatChange) -> DatapointRow:
        function = function_of_kind(self._catalog, row.function_name, "chat")
        if change.input is not None:
            row = msgspec.structs.replace(row, input=await self._inputs.take(change.input, function))
        if change.output is not UNSET:
            output = None
            if change.output is not None:
                output = ENCODER.encode(stored_blocks(change.output)).decode()
            row = msgspec.structs.replace(row, output=output)
        if change.changes_tools:
            columns = _changed_tools(row, change, function.tools)
            row = msgspec.structs.replace(row, **msgspec.structs.asdict(columns))
        return row

    async def _json(self, row: JsonDatapointRow, change: JsonChange) -> DatapointRow:
        function = function_of_kind(self._catalog, row.function_name, "json")
        if change.input is not None:
            row = msgspec.structs.replace(row, input=await self._inputs.take(change.input, function))
        wanted = given(change.output_schema)
        schema = None
        if wanted is not None:
            schema = dynamic_schema(wanted)
            row = msgspec.structs.replace(row, output_schema=schema.raw.decode())
        if change.output is not UNSET:
            output = None
            if change.output is not None:
                output = json_output(change.output.raw, schema or _stored_schema(row))
            row = msgspec.structs.replace(row, output=output)
        return row


def _changed_tools(row: ChatDatapointRow, change: ChatChange, tools: FunctionTools) -> ToolColumns:
    """Assemble the tools once more, from what was asked for then and what is asked for now."""
    wanted: dict[str, object] = {
        name: value
        for name in ("allowed_tools", "tool_choice", "parallel_tool_calls")
        if (value := getattr(change, name)) is not UNSET
    }
    for name in ("additional_tools", "provider_tools"):
        if (value := getattr(change, name)) is not None:
            wanted[name] = value
    asked = msgspec.structs.replace(asked_then(columns_of(row), f"datapoint {row.id}"), **wanted)
    return tool_columns(tools.assemble(asked))


def _stored_schema(row: JsonDatapointRow) -> JsonSchema:
    try:
        value = msgspec.json.decode(row.output_schema)
    except msgspec.DecodeError as exc:
        raise StoreError(f"the output schema of datapoint {row.id} cannot be read: {exc}") from exc
    return JsonSchema.dynamic(value)
