"""Turns what a client sent as new datapoints into rows. Cold. Writes nothing."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from tzproxy.datasets.errors import ConversionError
from tzproxy.datasets.functions import function_of_kind, own_schema
from tzproxy.datasets.inputs import InputIntake
from tzproxy.datasets.requests import (
    NewChatDatapoint,
    NewDatapoint,
    NewJsonDatapoint,
    OutputBlock,
    OutputCall,
    canonical_id,
    stored_blocks,
)
from tzproxy.errors import TzproxyError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.output import parsed_output
from tzproxy.inference.tool_columns import tool_columns
from tzproxy.inference.tools import InferenceTools, checked_call
from tzproxy.prompts import JsonSchema
from tzproxy.types.content import JsonOutput, ToolCall
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow
from tzproxy.types.request import InferenceRequest, given

ENCODER = msgspec.json.Encoder()


class RowMaker:
    """Makes the rows of one request."""

    def __init__(self, catalog: Catalog, inputs: InputIntake, dataset_name: str) -> None:
        self._catalog = catalog
        self._inputs = inputs
        self._dataset_name = dataset_name

    async def row(self, new: NewDatapoint, datapoint_id: str, *, where: str) -> DatapointRow:
        """Make the row of a datapoint.

        Args:
            new: what the client sent.
            datapoint_id: its id.
            where: its place in the request.

        Raises:
            ConversionError: when it fits no function.
            RequestError: when its episode's id is none.
        """
        episode_id = None if new.episode_id is None else canonical_id(new.episode_id, f"{where}.episode_id")
        try:
            if isinstance(new, NewChatDatapoint):
                return await self.chat(new, datapoint_id, episode_id)
            return await self.json(new, datapoint_id, episode_id)
        except TzproxyError as exc:
            raise ConversionError("chat" if isinstance(new, NewChatDatapoint) else "json", exc) from exc

    async def chat(
        self, new: NewChatDatapoint, datapoint_id: str, episode_id: str | None
    ) -> ChatDatapointRow:
        """Make the row of a chat datapoint.

        Raises:
            TzproxyError: when it does not fit its function.
        """
        function = function_of_kind(self._catalog, new.function_name, "chat")
        stored_input = await self._inputs.take(new.input, function)
        tools = function.tools.assemble(
            InferenceRequest(
                input=new.input,
                allowed_tools=new.allowed_tools,
                additional_tools=new.additional_tools,
                tool_choice=new.tool_choice,
                parallel_tool_calls=new.parallel_tool_calls,
                provider_tools=new.provider_tools or [],
            )
        )
        return ChatDatapointRow(
            dataset_name=self._dataset_name,
            function_name=function.name,
            id=datapoint_id,
            episode_id=episode_id,
            input=stored_input,
            output=None if new.output is None else chat_output(new.output, tools),
            tags=new.tags or {},
            is_custom=True,
            name=new.name,
            snapshot_hash=str(self._catalog.snapshot_hash),
            **msgspec.structs.asdict(tool_columns(tools)),
        )

    async def json(
        self, new: NewJsonDatapoint, datapoint_id: str, episode_id: str | None
    ) -> JsonDatapointRow:
        """Make the row of a JSON datapoint. Raises as `chat` does."""
        function = function_of_kind(self._catalog, new.function_name, "json")
        stored_input = await self._inputs.take(new.input, function)
        wanted = given(new.output_schema)
        schema = own_schema(function) if wanted is None else dynamic_schema(wanted)
        return JsonDatapointRow(
            dataset_name=self._dataset_name,
            function_name=function.name,
            id=datapoint_id,
            episode_id=episode_id,
            input=stored_input,
            output=None if new.output is None else json_output(new.output.raw, schema),
            output_schema=schema.raw.decode(),
            tags=new.tags or {},
            is_custom=True,
            name=new.name,
            snapshot_hash=str(self._catalog.snapshot_hash),
        )


def dynamic_schema(schema: Raw) -> JsonSchema:
    """Compile the schema that a client sent.

    Raises:
        RequestError: when it is none.
    """
    return JsonSchema.dynamic(msgspec.json.decode(schema))


def chat_output(blocks: list[OutputBlock], tools: InferenceTools | None) -> str:
    """Write a chat function's wanted output; what is known of its tool calls is found out anew."""
    checked = [
        checked_call(ToolCall(given_block.id, given_block.raw_name, given_block.raw_arguments), tools)
        if isinstance(given_block, OutputCall)
        else block
        for given_block, block in zip(blocks, stored_blocks(blocks), strict=True)
    ]
    return ENCODER.encode(checked).decode()


def json_output(raw: str | None, schema: JsonSchema) -> str:
    """Write a JSON function's wanted output; what does not fit the schema has no parsed form."""
    return ENCODER.encode(JsonOutput(None, None) if raw is None else parsed_output(raw, schema)).decode()
