"""Whole datapoints as the pages of June 2025 sent them back, under their own ids. Cold. Writes nothing."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.datasets.creation import dynamic_schema, json_output
from tzproxy.datasets.functions import own_schema
from tzproxy.datasets.requests import OutputBlock, RawOutput, canonical_id, stored_blocks
from tzproxy.errors import RequestError
from tzproxy.inference.function import Function
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow
from tzproxy.types.request import given
from tzproxy.types.stored import read_stored_input
from tzproxy.types.tools import FunctionTool, ToolChoice

ENCODER = msgspec.json.Encoder()
BLOCKS = msgspec.json.Decoder(list[OutputBlock])
JSON_OUTPUT = msgspec.json.Decoder(RawOutput)


class OldTools(Struct, frozen=True):
    """The tools of a datapoint; a row that says anything else could not be listed any more."""

    tools_available: list[FunctionTool] = []
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None


class OldEdit(Struct, frozen=True, kw_only=True):
    """The body of `PUT /internal/datasets/{d}/datapoints/{id}`. Inputs and outputs in their stored forms."""

    function_name: str
    input: Raw
    output: Raw | UnsetType = UNSET
    output_schema: Raw | UnsetType = UNSET
    tool_params: Raw | UnsetType = UNSET
    tags: dict[str, str] | None = None
    auxiliary: str = ""
    episode_id: str | None = None
    source_inference_id: str | None = None


def edited_row(
    edit: OldEdit, function: Function, *, dataset_name: str, datapoint_id: str, snapshot_hash: str
) -> DatapointRow:
    """Make the row that an edit stands for.

    Raises:
        RequestError: when it does not fit its function.
    """
    row = ChatDatapointRow(
        dataset_name=dataset_name,
        function_name=function.name,
        id=datapoint_id,
        input=_input(edit, function),
        tags=edit.tags or {},
        auxiliary=edit.auxiliary,
        episode_id=_id(edit.episode_id, "episode_id"),
        source_inference_id=_id(edit.source_inference_id, "source_inference_id"),
        is_custom=True,
        snapshot_hash=snapshot_hash,
    )
    output = given(edit.output)
    try:
        if function.type == "chat":
            blocks = None if output is None else stored_blocks(BLOCKS.decode(output))
            text = None if blocks is None else ENCODER.encode(blocks).decode()
            return msgspec.structs.replace(row, output=text, tool_params=_tools(edit))
        raw = None if output is None else JSON_OUTPUT.decode(output)
    except msgspec.DecodeError as exc:
        raise RequestError(f"output: {exc}") from exc
    wanted = given(edit.output_schema)
    schema = own_schema(function) if wanted is None else dynamic_schema(wanted)
    shared = {name: getattr(row, name) for name in DatapointRow.__struct_fields__}
    return JsonDatapointRow(
        **{**shared, "output": None if raw is None else json_output(raw.raw, schema)},
        output_schema=schema.raw.decode(),
    )


def _input(edit: OldEdit, function: Function) -> str:
    try:
        stored = read_stored_input(bytes(edit.input).decode())
    except msgspec.DecodeError as exc:
        raise RequestError(f"input: {exc}") from exc
    function.checks.check(stored)
    return ENCODER.encode(stored).decode()


def _tools(edit: OldEdit) -> str:
    tools = given(edit.tool_params)
    if tools is None:
        return ""
    try:
        msgspec.json.decode(tools, type=OldTools)
    except msgspec.DecodeError as exc:
        raise RequestError(f"tool_params: {exc}") from exc
    return msgspec.json.format(bytes(tools), indent=-1).decode()


def _id(text: str | None, where: str) -> str | None:
    return None if text is None else canonical_id(text, where)
