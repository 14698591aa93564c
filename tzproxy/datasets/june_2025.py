"""Datasets as clients of June 2025 know them: what they send becomes rows of today. Cold.

Source: HTTP API of TensorZero 2025.6, and what its client makes of the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy._speedups.ids import format_uuid, parse_uuid
from tzproxy.clickhouse.queries.datapoint_pages import PageQuery
from tzproxy.datasets.creation import RowMaker, dynamic_schema
from tzproxy.datasets.datasets import Datasets, new_ids
from tzproxy.datasets.errors import DatapointNotFoundError, SourceTakenError
from tzproxy.datasets.functions import function_of_kind, own_schema
from tzproxy.datasets.inputs import InputIntake
from tzproxy.datasets.june_2025_answers import OldDatapoint, old_datapoints
from tzproxy.datasets.june_2025_edits import OldEdit, edited_row
from tzproxy.datasets.requests import (
    IdsRequest,
    InferenceIdsSource,
    NewChatDatapoint,
    NewJsonDatapoint,
    canonical_id,
)
from tzproxy.errors import RequestError, TzproxyError
from tzproxy.inference.demonstrations import chat_demonstration, json_demonstration
from tzproxy.inference.engine import Catalog
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.function import Function
from tzproxy.inference.plan import DEFAULT_FUNCTION
from tzproxy.prompts import JsonSchema
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow
from tzproxy.types.listing import OutputSource
from tzproxy.types.request import AdditionalTool, InferenceRequest, Input, given
from tzproxy.types.tools import ToolChoice

OUTPUTS: Mapping[str, OutputSource] = {
    "inherit": "inference",
    "demonstration": "demonstration",
    "none": "none",
}


class OldInsert(Struct, frozen=True, kw_only=True):
    """A new datapoint; its function says of which kind it is."""

    function_name: str
    input: Input
    output: Raw | UnsetType = UNSET
    """What a demonstration may be; null: none."""
    output_schema: Raw | UnsetType = UNSET
    allowed_tools: list[str] | None = None
    additional_tools: list[AdditionalTool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    tags: dict[str, str] | None = None


class BulkRequest(Struct, frozen=True):
    """The body of `POST /datasets/{d}/datapoints/bulk`."""

    datapoints: list[OldInsert]


class FromInferenceRequest(Struct, frozen=True):
    """The body of `POST /internal/datasets/{d}/datapoints`."""

    inference_id: str
    output: Literal["inherit", "demonstration", "none"]


class DatasetsOf2025:
    """The datasets in front of older clients."""

    def __init__(self, datasets: Datasets, catalog: Catalog, keeper: FileKeeper) -> None:
        self._datasets = datasets
        self._catalog = catalog
        self._keeper = keeper

    async def insert(self, dataset_name: str, request: BulkRequest) -> Sequence[str]:
        """Make datapoints, whose outputs have to fit; return their ids in order.

        Raises:
            RequestError: for anything that is wrong with any of them; nothing is written then.
        """
        store = self._datasets.opened(dataset_name)
        inputs = InputIntake(self._keeper)
        maker = RowMaker(self._catalog, inputs, dataset_name)
        ids = new_ids(len(request.datapoints))
        rows = [
            await self._row(maker, new, datapoint_id, index)
            for index, (new, datapoint_id) in enumerate(zip(request.datapoints, ids, strict=True))
        ]
        if rows:
            await inputs.keep()
            await store.write(rows, at=await store.now())
        return ids

    async def _row(self, maker: RowMaker, new: OldInsert, datapoint_id: str, index: int) -> DatapointRow:
        doing = "get function config"
        try:
            function = self._function(new.function_name)
            doing = "validate chat input"
            if function.type == "chat":
                row: DatapointRow = await maker.chat(_chat_of(new), datapoint_id, None)
            else:
                row = await maker.json(_json_of(new), datapoint_id, None)
            doing = "validate chat output"
            output = given(new.output)
            if output is not None:
                row = msgspec.structs.replace(row, output=_checked_output(output, new, row, function))
        except TzproxyError as exc:
            raise RequestError(f"Failed to {doing} for datapoint {index}: {exc.message}") from exc
        return row

    def _function(self, name: str) -> Function:
        found = self._catalog.functions.get(name)
        kind = "chat" if found is None or name == DEFAULT_FUNCTION else found.type
        return function_of_kind(self._catalog, name, kind)

    async def list(
        self, dataset_name: str, function_name: str | None, *, limit: int, offset: int
    ) -> Sequence[OldDatapoint]:
        """Return live datapoints, the newest first."""
        store = self._datasets.opened()
        query = PageQuery(
            dataset_name=dataset_name,
            function_name=function_name,
            newest_first=True,
            limit=limit,
            offset=offset,
        )
        return old_datapoints([row async for rows in store.page(query) for row in rows])

    async def get(self, dataset_name: str, datapoint_id: str) -> OldDatapoint:
        """Return a live datapoint.

        Raises:
            DatapointNotFoundError: when there is none.
        """
        store = self._datasets.opened()
        rows = await store.find([datapoint_id], dataset_name=dataset_name, is_live=True)
        if not rows:
            raise DatapointNotFoundError(dataset_name, datapoint_id)
        (found,) = old_datapoints(rows)
        return found

    async def delete(self, dataset_name: str, datapoint_id: str) -> None:
        """Mark a datapoint as deleted, if there is one."""
        await self._datasets.delete(dataset_name, IdsRequest([datapoint_id]))

    async def take(self, dataset_name: str, request: FromInferenceRequest) -> str:
        """Make a datapoint of an inference, once; return its id.

        Two who take an inference at the same moment, in two gateways too, make one datapoint: both find the
        same number of earlier ones, so both choose the same id.

        Raises:
            SourceTakenError: when the dataset has one.
            RequestError: when there is no such inference, or its output is not there.
        """
        store = self._datasets.opened(dataset_name)
        inference_id = canonical_id(request.inference_id, "inference_id")
        there = await store.count_source(dataset_name, inference_id)
        if there.live:
            raise SourceTakenError
        source = InferenceIdsSource(inference_ids=[inference_id], output_source=OUTPUTS[request.output])
        taken = taken_id(dataset_name, inference_id, there.ever)
        await self._datasets.create_from_inferences(dataset_name, source, [taken])
        return taken

    async def put(self, dataset_name: str, datapoint_id: str, edit: OldEdit) -> str:
        """Write a whole datapoint under its id, whether there was one or not; return the id.

        Raises:
            RequestError: (or a relative) when it does not fit its function.
        """
        store = self._datasets.opened(dataset_name)
        function = self._function(edit.function_name)
        row = edited_row(
            edit,
            function,
            dataset_name=dataset_name,
            datapoint_id=datapoint_id,
            snapshot_hash=str(self._catalog.snapshot_hash),
        )
        there = await store.find([datapoint_id], dataset_name=dataset_name, is_live=True)
        at = await store.now()
        # Rows lie by their function: one of another would stay beside this one.
        moved = [
            msgspec.structs.replace(old, staled_at=at) for old in there if old.function_name != function.name
        ]
        await store.write([*moved, row], at=at)
        return datapoint_id


def taken_id(dataset_name: str, inference_id: str, number: int) -> str:
    """Return the id of what is made of an inference after `number` others, a UUIDv7 of its time."""
    inference = parse_uuid(inference_id)
    told = sha256(b"%b/%d/%b" % (inference, number, dataset_name.encode())).digest()
    return format_uuid(
        inference[:6] + bytes((0x70 | told[0] & 0x0F, told[1], 0x80 | told[2] & 0x3F)) + told[3:10]
    )


def _chat_of(new: OldInsert) -> NewChatDatapoint:
    return NewChatDatapoint(
        function_name=new.function_name,
        input=new.input,
        allowed_tools=new.allowed_tools,
        additional_tools=new.additional_tools,
        tool_choice=new.tool_choice,
        parallel_tool_calls=new.parallel_tool_calls,
        tags=new.tags,
    )


def _json_of(new: OldInsert) -> NewJsonDatapoint:
    return NewJsonDatapoint(
        function_name=new.function_name,
        input=new.input,
        output_schema=new.output_schema,
        tags=new.tags,
    )


def _checked_output(output: Raw, new: OldInsert, row: DatapointRow, function: Function) -> str:
    value = msgspec.json.decode(output)
    if not isinstance(row, ChatDatapointRow):
        return json_demonstration(value, _schema_of(new, function))
    tools = function.tools.assemble(
        InferenceRequest(
            input=new.input,
            allowed_tools=new.allowed_tools,
            additional_tools=new.additional_tools,
            tool_choice=new.tool_choice,
            parallel_tool_calls=new.parallel_tool_calls,
        )
    )
    return chat_demonstration(value, {} if tools is None else tools.schemas)


def _schema_of(new: OldInsert, function: Function) -> JsonSchema:
    wanted = given(new.output_schema)
    return own_schema(function) if wanted is None else dynamic_schema(wanted)
