"""Stored inferences, and how they are asked for. Plain data; all fields by keyword.

Class names, fields and defaults are those of the types that TensorZero generates for its client (2026.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tzproxy.client.types.answers import JsonInferenceOutput
from tzproxy.client.types.blocks import ContentBlockChatOutput, StoredInput
from tzproxy.client.types.extras import ExtraBody, InferenceParams, ProviderTool, Tool, ToolChoice
from tzproxy.client.types.filters import AnyOrderBy, InferenceFilter, OrderBy

UnfilteredInferenceExtraBody = list[ExtraBody]


@dataclass(kw_only=True)
class StoredChatInference:
    """A stored inference of a chat function. Times in milliseconds."""

    episode_id: str
    function_name: str
    inference_id: str
    timestamp: str
    variant_name: str
    additional_tools: list[Tool] | None = None
    allowed_tools: list[str] | None = None
    dispreferred_outputs: list[list[ContentBlockChatOutput]] | None = field(default_factory=list)
    extra_body: UnfilteredInferenceExtraBody | None = None
    inference_params: InferenceParams | None = None
    input: StoredInput | None = None
    output: list[ContentBlockChatOutput] | None = None
    parallel_tool_calls: bool | None = None
    processing_time_ms: int | None = None
    provider_tools: list[ProviderTool] | None = field(default_factory=list)
    snapshot_hash: str | None = None
    tags: dict[str, str] | None = field(default_factory=dict)
    tool_choice: ToolChoice | None = None
    ttft_ms: int | None = None


@dataclass(kw_only=True)
class StoredJsonInference:
    """A stored inference of a JSON function. Times in milliseconds."""

    episode_id: str
    function_name: str
    inference_id: str
    timestamp: str
    variant_name: str
    dispreferred_outputs: list[JsonInferenceOutput] | None = field(default_factory=list)
    extra_body: UnfilteredInferenceExtraBody | None = None
    inference_params: InferenceParams | None = None
    input: StoredInput | None = None
    output: JsonInferenceOutput | None = None
    output_schema: Any | None = None
    processing_time_ms: int | None = None
    snapshot_hash: str | None = None
    tags: dict[str, str] | None = field(default_factory=dict)
    ttft_ms: int | None = None


@dataclass(kw_only=True)
class StoredInferenceChat(StoredChatInference):
    """A stored inference of a chat function, as lists hold it."""

    type: Literal["chat"] = "chat"


@dataclass(kw_only=True)
class StoredInferenceJson(StoredJsonInference):
    """A stored inference of a JSON function, as lists hold it."""

    type: Literal["json"] = "json"


StoredInference = StoredInferenceChat | StoredInferenceJson


@dataclass(kw_only=True)
class GetInferencesRequest:
    """Inferences by their ids."""

    ids: list[str]
    function_name: str | None = None
    output_source: str | None = "inference"


@dataclass(kw_only=True)
class ListInferencesRequest:
    """Inferences by what they are. `filter` is an older name that is never sent."""

    after: str | None = None
    before: str | None = None
    episode_id: str | None = None
    filter: InferenceFilter | None = None
    filters: InferenceFilter | None = None
    function_name: str | None = None
    limit: int | None = None
    offset: int | None = None
    order_by: Sequence[AnyOrderBy | OrderBy] | None = None
    output_source: str | None = "inference"
    search_query_experimental: str | None = None
    variant_name: str | None = None


@dataclass(kw_only=True)
class GetInferencesResponse:
    """Inferences."""

    inferences: list[StoredInference]
