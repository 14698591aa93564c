"""Rows of the inference tables as JSONEachRow wants them. Hot.

Absent keys take the column's default: a key whose column is not Nullable must be left out, not null.
Source: data model of TensorZero 2026.6, tables ChatInference, JsonInference, ModelInference.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.types.content import ChatOutput, JsonOutput, ModelOutput, StoredInput
from tzproxy.types.params import InferenceParams
from tzproxy.types.request import ExtraBody
from tzproxy.types.tools import AllowedTools, FunctionTool, ToolChoice
from tzproxy.types.usage import FinishReason


class ToolParams(Struct, frozen=True):
    """The older, self-contained form of an inference's tools."""

    tools_available: list[FunctionTool]
    tool_choice: ToolChoice
    parallel_tool_calls: bool | None


class ModelExtraBody(Struct, frozen=True, omit_defaults=True):
    """A stored change to a provider's request that names a model: its provider is told even if it is none."""

    model_name: str
    provider_name: str | None
    pointer: str
    value: Raw | UnsetType = UNSET
    delete: bool = False


class ChatInferenceRow(Struct, frozen=True, kw_only=True):
    """A row of ChatInference. The tool columns are unset for an inference without tools."""

    id: str
    function_name: str
    variant_name: str
    episode_id: str
    input: StoredInput
    output: list[ChatOutput]
    tool_params: ToolParams | UnsetType = UNSET
    inference_params: InferenceParams
    processing_time_ms: int
    ttft_ms: int | None
    tags: dict[str, str]
    extra_body: Sequence[ExtraBody | ModelExtraBody]
    dynamic_tools: list[str] | UnsetType = UNSET
    dynamic_provider_tools: list[str] | UnsetType = UNSET
    allowed_tools: AllowedTools | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | None | UnsetType = UNSET
    snapshot_hash: str


TOOL_COLUMNS = (
    "tool_params",
    "dynamic_tools",
    "dynamic_provider_tools",
    "allowed_tools",
    "tool_choice",
    "parallel_tool_calls",
)


class JsonInferenceRow(Struct, frozen=True, kw_only=True):
    """A row of JsonInference."""

    id: str
    function_name: str
    variant_name: str
    episode_id: str
    input: StoredInput
    output: JsonOutput
    auxiliary_content: list[ModelOutput]
    output_schema: Raw
    inference_params: InferenceParams
    processing_time_ms: int
    ttft_ms: int | None
    tags: dict[str, str]
    extra_body: Sequence[ExtraBody | ModelExtraBody]
    snapshot_hash: str


class ModelInferenceRow(Struct, frozen=True, kw_only=True):
    """A row of ModelInference. `input_messages` and `output` are JSON texts."""

    id: str
    inference_id: str
    raw_request: str
    raw_response: str
    model_name: str
    model_provider_name: str
    input_tokens: int | None
    output_tokens: int | None
    response_time_ms: int | None
    ttft_ms: int | None
    system: str | None
    input_messages: str
    output: str
    cached: bool
    finish_reason: FinishReason | None
    snapshot_hash: str
    cost: float | None
    provider_cache_read_input_tokens: int | None
    provider_cache_write_input_tokens: int | None
    function_name: str
    variant_name: str


JSON_TEXTS = ("input_messages", "output")
