"""The rows that an inference leaves, as lines of JSON. Hot.

One list of lines is one record: its rows are stored together or, when a quota is exhausted, lost together.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from tzproxy.inference.input import ReadInput
from tzproxy.inference.model import ModelCall
from tzproxy.inference.plan import Inference
from tzproxy.inference.tool_columns import dynamic_tool, json_text
from tzproxy.recording.sink import Table
from tzproxy.types.content import ChatOutput, File, JsonOutput, Message, ModelOutput, StoredFile
from tzproxy.types.params import (
    NO_CHAT_PARAMS,
    NO_PARAMS,
    ChatParams,
    InferenceParams,
    shortest_floats,
)
from tzproxy.types.request import ExtraBody
from tzproxy.types.rows import (
    ChatInferenceRow,
    JsonInferenceRow,
    ModelExtraBody,
    ModelInferenceRow,
    ToolParams,
)

ENCODER = msgspec.json.Encoder()
Row = tuple[Table, bytes]


def _stored_schema(raw: msgspec.Raw) -> msgspec.Raw:
    # The store takes an object for its text, but a string for what is in it; clients may send one as schema.
    return msgspec.Raw(ENCODER.encode(bytes(raw).decode())) if bytes(raw).startswith(b'"') else raw


class RowWriter:
    """Encodes rows. One per gateway process; knows the configuration snapshot in force."""

    __slots__ = ("_snapshot_hash",)

    def __init__(self, snapshot_hash: int) -> None:
        self._snapshot_hash = str(snapshot_hash)

    def chat(
        self,
        inference: Inference,
        *,
        variant_name: str,
        output: list[ChatOutput],
        params: ChatParams,
        processing_time_ms: int,
        ttft_ms: int | None,
    ) -> Row:
        """Make the row of a chat function's inference."""
        tools = inference.tools
        row = ChatInferenceRow(
            id=inference.inference_id,
            function_name=inference.function.name,
            variant_name=variant_name,
            episode_id=inference.episode_id,
            input=inference.read.stored,
            output=output,
            inference_params=stored_params(params),
            processing_time_ms=processing_time_ms,
            ttft_ms=ttft_ms,
            tags=inference.tags,
            extra_body=stored_extra_body(inference.request.extra_body),
            snapshot_hash=self._snapshot_hash,
        )
        if tools is not None:
            config = tools.config
            row = msgspec.structs.replace(
                row,
                tool_params=ToolParams(config.tools, config.tool_choice, config.parallel_tool_calls),
                dynamic_tools=[json_text(dynamic_tool(tool)) for tool in tools.dynamic],
                dynamic_provider_tools=[json_text(tool) for tool in config.provider_tools],
                allowed_tools=config.allowed,
                tool_choice=config.tool_choice,
                parallel_tool_calls=UNSET
                if config.parallel_tool_calls is None
                else config.parallel_tool_calls,
            )
        return Table.CHAT_INFERENCE, ENCODER.encode(row)

    def json(
        self,
        inference: Inference,
        *,
        variant_name: str,
        output: JsonOutput,
        auxiliary: list[ModelOutput],
        params: ChatParams,
        processing_time_ms: int,
        ttft_ms: int | None,
    ) -> Row:
        """Make the row of a JSON function's inference."""
        schema = inference.output_schema
        row = JsonInferenceRow(
            id=inference.inference_id,
            function_name=inference.function.name,
            variant_name=variant_name,
            episode_id=inference.episode_id,
            input=inference.read.stored,
            output=output,
            auxiliary_content=auxiliary,
            output_schema=msgspec.Raw(b"{}") if schema is None else _stored_schema(schema.raw),
            inference_params=stored_params(params),
            processing_time_ms=processing_time_ms,
            ttft_ms=ttft_ms,
            tags=inference.tags,
            extra_body=stored_extra_body(inference.request.extra_body),
            snapshot_hash=self._snapshot_hash,
        )
        return Table.JSON_INFERENCE, ENCODER.encode(row)

    def model(self, inference: Inference, call: ModelCall, *, variant_name: str) -> Row:
        """Make the row of one model call."""
        usage = call.response.usage
        row = ModelInferenceRow(
            id=call.id,
            inference_id=inference.inference_id,
            raw_request=call.raw_request,
            raw_response=call.raw_response,
            model_name=call.model_name,
            model_provider_name=call.provider_name,
            # The original stores a count of zero as unknown.
            input_tokens=usage.input_tokens or None,
            output_tokens=usage.output_tokens or None,
            response_time_ms=call.response_time_ms,
            ttft_ms=call.ttft_ms,
            system=call.request.system,
            input_messages=stored_messages(call.request.messages, inference.read),
            output=ENCODER.encode(call.response.output).decode(),
            cached=call.cached,
            finish_reason=call.response.finish_reason,
            snapshot_hash=self._snapshot_hash,
            cost=call.cost,
            provider_cache_read_input_tokens=usage.provider_cache_read_input_tokens,
            provider_cache_write_input_tokens=usage.provider_cache_write_input_tokens,
            function_name=inference.function.name,
            variant_name=variant_name,
        )
        return Table.MODEL_INFERENCE, ENCODER.encode(row)

    def models(self, inference: Inference, calls: Sequence[ModelCall], *, variant_name: str) -> list[Row]:
        """Make the rows of all model calls of an inference."""
        return [self.model(inference, call, variant_name=variant_name) for call in calls]


def stored_extra_body(entries: Sequence[ExtraBody]) -> Sequence[ExtraBody | ModelExtraBody]:
    """Write changes to providers' requests as the original's column has them."""
    if not entries:
        return entries
    return [
        entry
        if entry.model_name is None
        else ModelExtraBody(entry.model_name, entry.provider_name, entry.pointer, entry.value, entry.delete)
        for entry in entries
    ]


def stored_params(params: ChatParams) -> InferenceParams:
    """Write 32-bit floats in their shortest form, as the original's columns have them."""
    if params is NO_CHAT_PARAMS:
        return NO_PARAMS
    return InferenceParams(shortest_floats(params))


def stored_messages(messages: Sequence[Message], read: ReadInput) -> str:
    """Encode what a model saw, files as pointers."""
    if not read.files:
        return ENCODER.encode(messages).decode()
    pointers = iter(
        block
        for message in read.stored.messages
        for block in message.content
        if isinstance(block, StoredFile)
    )
    return ENCODER.encode(
        [
            {
                "role": message.role,
                "content": [
                    next(pointers) if isinstance(block, File) else block for block in message.content
                ],
            }
            for message in messages
        ]
    ).decode()
