"""Results of a batch as answers and rows: what was handed over, joined with what came back. Cold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.batches import StoredBatch, StoredElement, StoredResult
from tzproxy.errors import RequestError
from tzproxy.inference.cost import Price, cost_of
from tzproxy.inference.output import calls_as_text, json_output
from tzproxy.inference.tools import InferenceTools, checked_output
from tzproxy.prompts import JsonSchema
from tzproxy.providers.batches import BatchResult
from tzproxy.types.content import ModelOutput
from tzproxy.types.params import InferenceParams
from tzproxy.types.request import AdditionalTool
from tzproxy.types.response import ResponseUsage
from tzproxy.types.rows import ModelInferenceRow
from tzproxy.types.tools import AllowedTools, FunctionTool, ToolConfig

ENCODER = msgspec.json.Encoder()
Kind = Literal["chat", "json"]


class _ToolParams(Struct, frozen=True):
    tools_available: list[FunctionTool] = []


_TOOL_PARAMS = msgspec.json.Decoder(_ToolParams)
_DYNAMIC_TOOL = msgspec.json.Decoder(AdditionalTool)
_PARAMS = msgspec.json.Decoder(InferenceParams)


class FinishedInference(Struct, frozen=True, kw_only=True):
    """What the client gets of one inference: `content` of a chat function, `output` of a JSON function."""

    inference_id: str
    episode_id: str
    variant_name: str
    content: Raw | UnsetType = UNSET
    output: Raw | UnsetType = UNSET
    usage: ResponseUsage
    finish_reason: str | UnsetType = UNSET


class Finished(Struct, frozen=True, kw_only=True):
    """One inference that is done: its answer and its two rows."""

    answer: FinishedInference
    inference_row: bytes
    model_row: bytes


class Restorer:
    """Joins results with their inferences, for one batch. Equal schemas are compiled once."""

    def __init__(
        self,
        batch: StoredBatch,
        kind: Kind,
        *,
        prices: Sequence[Price],
        snapshot_hash: int,
    ) -> None:
        """Prepare.

        Args:
            batch: the batch.
            kind: of its function.
            prices: of a batch with its provider.
            snapshot_hash: of the configuration in force now.
        """
        self._batch = batch
        self.kind = kind
        self._prices = prices
        self._snapshot_hash = str(snapshot_hash)
        self._schemas: dict[bytes, JsonSchema | None] = {}

    def finish(self, element: StoredElement, result: BatchResult) -> Finished:
        """Join an inference with its result.

        Raises:
            msgspec.MsgspecError: when its stored columns cannot be read.
        """
        cost = cost_of(self._prices, [result.raw_response], streamed=False) if self._prices else None
        usage = result.response.usage
        content: bytes | None = None
        auxiliary: list[ModelOutput] = []
        if self.kind == "chat":
            output = content = ENCODER.encode(self._chat(element, result))
        else:
            parsed, auxiliary = json_output(result.response.output, self._output_schema(element))
            output = ENCODER.encode(parsed)
        answer = FinishedInference(
            inference_id=element.inference_id,
            episode_id=element.episode_id,
            variant_name=self._batch.variant_name,
            content=UNSET if content is None else Raw(content),
            output=UNSET if content is not None else Raw(output),
            usage=ResponseUsage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                provider_cache_read_input_tokens=usage.provider_cache_read_input_tokens,
                provider_cache_write_input_tokens=usage.provider_cache_write_input_tokens,
                cost=cost,
            ),
            finish_reason=result.response.finish_reason or UNSET,
        )
        return Finished(
            answer=answer,
            inference_row=self._inference_row(element, output.decode(), auxiliary),
            model_row=self._model_row(element, result, cost),
        )

    def _chat(self, element: StoredElement, result: BatchResult) -> object:
        blocks: Sequence[ModelOutput] = result.response.output
        if _PARAMS.decode(element.inference_params).chat_completion.json_mode == "tool":
            blocks = calls_as_text(blocks)
        return checked_output(blocks, self._tools(element))

    def _tools(self, element: StoredElement) -> InferenceTools | None:
        if not element.tool_params and not element.dynamic_tools:
            return None
        offered = _TOOL_PARAMS.decode(element.tool_params).tools_available if element.tool_params else []
        schemas: dict[str, JsonSchema | None] = {
            tool.name: self._schema(bytes(tool.parameters)) for tool in offered
        }
        for text in element.dynamic_tools:
            tool = _DYNAMIC_TOOL.decode(text)
            if tool.type == "openai_custom":
                schemas[tool.name] = None
        config = ToolConfig(tools=offered, allowed=AllowedTools([], "function_default"))
        return InferenceTools(config, schemas)

    def _output_schema(self, element: StoredElement) -> JsonSchema | None:
        return self._schema(element.output_schema.encode()) if element.output_schema else None

    def _schema(self, text: bytes) -> JsonSchema | None:
        """Compile a schema; None: the request brought something that is none, and nothing fits it."""
        if text not in self._schemas:
            try:
                self._schemas[text] = JsonSchema.dynamic(msgspec.json.decode(text))
            except RequestError:
                self._schemas[text] = None
        return self._schemas[text]

    def _inference_row(self, element: StoredElement, output: str, auxiliary: list[ModelOutput]) -> bytes:
        row: dict[str, object] = {
            "id": element.inference_id,
            "function_name": self._batch.function_name,
            "variant_name": self._batch.variant_name,
            "episode_id": element.episode_id,
            "input": element.input,
            "output": output,
            "inference_params": element.inference_params,
            "processing_time_ms": None,
            "ttft_ms": None,
            "tags": element.tags,
            "extra_body": "[]",
            "snapshot_hash": self._snapshot_hash,
        }
        if self.kind == "json":
            row["auxiliary_content"] = ENCODER.encode(auxiliary).decode()
            row["output_schema"] = element.output_schema or "{}"
        else:
            row.update(_tool_columns(element))
        return ENCODER.encode(row)

    def _model_row(self, element: StoredElement, result: BatchResult, cost: float | None) -> bytes:
        usage = result.response.usage
        return ENCODER.encode(
            ModelInferenceRow(
                id=new_uuid7(),
                inference_id=element.inference_id,
                raw_request=element.raw_request,
                raw_response=result.raw_response,
                model_name=self._batch.model_name,
                model_provider_name=self._batch.model_provider_name,
                # The original stores a count of zero as unknown.
                input_tokens=usage.input_tokens or None,
                output_tokens=usage.output_tokens or None,
                response_time_ms=None,
                ttft_ms=None,
                system=element.system,
                input_messages=element.input_messages,
                output=ENCODER.encode(result.response.output).decode(),
                cached=False,
                finish_reason=result.response.finish_reason,
                snapshot_hash=self._snapshot_hash,
                cost=cost,
                provider_cache_read_input_tokens=usage.provider_cache_read_input_tokens,
                provider_cache_write_input_tokens=usage.provider_cache_write_input_tokens,
                function_name=self._batch.function_name,
                variant_name=self._batch.variant_name,
            )
        )


def _tool_columns(element: StoredElement) -> Mapping[str, object]:
    columns = {
        "tool_params": element.tool_params,
        "dynamic_tools": element.dynamic_tools or None,
        "dynamic_provider_tools": element.dynamic_provider_tools or None,
        "allowed_tools": element.allowed_tools,
        "tool_choice": element.tool_choice,
        "parallel_tool_calls": element.parallel_tool_calls,
    }
    return {name: value for name, value in columns.items() if value is not None}


def read_back(batch: StoredBatch, kind: Kind, result: StoredResult) -> FinishedInference:
    """Return the answer of an inference that has its rows already."""
    raw = Raw(result.output.encode())
    return FinishedInference(
        inference_id=result.inference_id,
        episode_id=result.episode_id,
        variant_name=batch.variant_name,
        content=raw if kind == "chat" else UNSET,
        output=raw if kind == "json" else UNSET,
        usage=ResponseUsage(
            input_tokens=result.input_tokens,
            output_tokens=result.output_tokens,
            provider_cache_read_input_tokens=result.cache_read,
            provider_cache_write_input_tokens=result.cache_write,
            cost=result.cost,
        ),
        finish_reason=result.finish_reason or UNSET,
    )
