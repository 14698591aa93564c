"""The response object and its items, as written. Field order is the wire's. Hot.

Source: OpenAI API reference, responses.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.types.content import SummaryText
from tzproxy.types.response import RawResponseEntry, RawUsageEntry, ResponseUsage


class OutputText(Struct, tag="output_text", tag_field="type", frozen=True):
    """The one part of a message."""

    text: str
    annotations: list[str] = []
    logprobs: list[str] = []


class MessageItem(Struct, tag="message", tag_field="type", frozen=True, kw_only=True):
    """Text of the assistant."""

    id: str
    status: str
    role: str = "assistant"
    content: list[OutputText]


class FunctionCallItem(Struct, tag="function_call", tag_field="type", frozen=True, kw_only=True):
    """A call of a function tool. `call_id` is what its result refers to."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: str


class CustomCallItem(Struct, tag="custom_tool_call", tag_field="type", frozen=True, kw_only=True):
    """A call of a custom tool."""

    id: str
    call_id: str
    name: str
    input: str
    status: str


class ReasoningItem(Struct, tag="reasoning", tag_field="type", frozen=True, kw_only=True):
    """A thought: what can be read of it, and the seal that brings it back."""

    id: str
    summary: list[SummaryText]
    encrypted_content: str | None = None
    status: str


OutputItem = MessageItem | FunctionCallItem | CustomCallItem | ReasoningItem | Raw


class InputTokensDetails(Struct, frozen=True):
    """Input tokens that the provider's cache served or took in."""

    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(Struct, frozen=True):
    """Output tokens by kind; the engine knows no kinds."""

    reasoning_tokens: int = 0


class UsageObject(Struct, frozen=True, kw_only=True):
    """Usage in OpenAI's names; a count that is unknown is 0. Units: tokens, dollars."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()
    total_tokens: int
    tensorzero_cost: float | None


class IncompleteDetails(Struct, frozen=True):
    """Why a response ended early."""

    reason: str


class ErrorObject(Struct, frozen=True):
    """Why a response failed."""

    code: str
    message: str


class ResponseObject(Struct, frozen=True, kw_only=True):
    """A response. `id` is the inference's id."""

    id: str
    object: str = "response"
    created_at: int
    status: str
    background: bool = False
    completed_at: int | None = None
    error: ErrorObject | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None
    max_output_tokens: int | None
    model: str
    output: list[OutputItem]
    parallel_tool_calls: bool
    previous_response_id: None = None
    reasoning: Raw
    service_tier: str | None
    store: bool = False
    temperature: float | None
    text: Raw
    tool_choice: Raw
    tools: Raw
    top_p: float | None
    truncation: str = "disabled"
    usage: UsageObject | None = None
    metadata: dict[str, str]
    episode_id: str
    variant_name: str
    tensorzero_raw_usage: list[RawUsageEntry] | UnsetType = UNSET
    tensorzero_original_response: str | UnsetType = UNSET
    tensorzero_raw_response: list[RawResponseEntry] | UnsetType = UNSET


def usage_object(usage: ResponseUsage) -> UsageObject | None:
    """Write usage in OpenAI's names; null when nothing is known."""
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    read, written = usage.input_tokens or 0, usage.output_tokens or 0
    return UsageObject(
        input_tokens=read,
        input_tokens_details=InputTokensDetails(
            usage.provider_cache_read_input_tokens or 0, usage.provider_cache_write_input_tokens or 0
        ),
        output_tokens=written,
        total_tokens=read + written,
        tensorzero_cost=usage.cost,
    )
