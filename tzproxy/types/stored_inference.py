"""Stored inferences as the API gives them. Field order is the wire's. Cold."""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.types.content import StoredInput
from tzproxy.types.tools import ToolChoice


class StoredChatInference(Struct, tag="chat", tag_field="type", frozen=True, kw_only=True):
    """An inference of a chat function. Unset fields are left out."""

    function_name: str
    variant_name: str
    input: StoredInput
    output: Raw | UnsetType = UNSET
    """Content blocks."""
    dispreferred_outputs: list[Raw]
    timestamp: str
    episode_id: str
    inference_id: str
    allowed_tools: list[str] | UnsetType = UNSET
    additional_tools: list[Raw] | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    provider_tools: list[Raw]
    tags: dict[str, str]
    extra_body: Raw | UnsetType = UNSET
    inference_params: Raw | UnsetType = UNSET
    processing_time_ms: int | None
    ttft_ms: int | None
    snapshot_hash: str | UnsetType = UNSET


class StoredJsonInference(Struct, tag="json", tag_field="type", frozen=True, kw_only=True):
    """An inference of a JSON function. Unset fields are left out."""

    function_name: str
    variant_name: str
    input: StoredInput
    output: Raw | UnsetType = UNSET
    """`raw` and `parsed`."""
    dispreferred_outputs: list[Raw]
    timestamp: str
    episode_id: str
    inference_id: str
    output_schema: Raw | UnsetType = UNSET
    tags: dict[str, str]
    extra_body: Raw | UnsetType = UNSET
    inference_params: Raw | UnsetType = UNSET
    processing_time_ms: int | None
    ttft_ms: int | None
    snapshot_hash: str | UnsetType = UNSET


StoredInference = StoredChatInference | StoredJsonInference
