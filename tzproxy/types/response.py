"""What `/inference` answers, whole and in pieces. Field order is the wire's. Hot."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.types.content import ChatOutput, Chunk, JsonOutput
from tzproxy.types.model import ApiType
from tzproxy.types.usage import FinishReason


class ResponseUsage(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """Tokens and dollars of a whole inference; null means unknown."""

    input_tokens: int | None
    output_tokens: int | None
    provider_cache_read_input_tokens: int | None = None
    provider_cache_write_input_tokens: int | None = None
    cost: float | None


class RawUsageEntry(Struct, frozen=True):
    """A provider's own usage object of one model call."""

    model_inference_id: str
    provider_type: str
    api_type: ApiType
    data: Raw


class RawResponseEntry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A provider's own answer to one attempt; failed attempts have no id."""

    model_inference_id: str | None = None
    provider_type: str
    api_type: str
    data: str


class ChatResponse(Struct, frozen=True, omit_defaults=True, gc=False):
    """The answer of a chat function."""

    inference_id: str
    episode_id: str
    variant_name: str
    content: list[ChatOutput]
    usage: ResponseUsage
    raw_usage: list[RawUsageEntry] | None = None
    original_response: str | None = None
    raw_response: list[RawResponseEntry] | None = None
    finish_reason: FinishReason | None = None


class JsonResponse(Struct, frozen=True, omit_defaults=True, gc=False):
    """The answer of a JSON function."""

    inference_id: str
    episode_id: str
    variant_name: str
    output: JsonOutput
    usage: ResponseUsage
    raw_usage: list[RawUsageEntry] | None = None
    original_response: str | None = None
    raw_response: list[RawResponseEntry] | None = None
    finish_reason: FinishReason | None = None


class ChatChunk(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A piece of a chat function's streamed answer. `usage` stands on the last one only."""

    inference_id: str
    episode_id: str
    variant_name: str
    content: Sequence[Chunk]
    usage: ResponseUsage | None = None
    raw_usage: list[RawUsageEntry] | None = None
    raw_response: list[RawResponseEntry] | None = None
    finish_reason: FinishReason | None = None
    original_chunk: str | None = None
    raw_chunk: str | None = None
    aggregated_response: list[ChatOutput] | None = None


class JsonChunk(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A piece of a JSON function's streamed answer."""

    inference_id: str
    episode_id: str
    variant_name: str
    raw: str
    usage: ResponseUsage | None = None
    raw_usage: list[RawUsageEntry] | None = None
    raw_response: list[RawResponseEntry] | None = None
    finish_reason: FinishReason | None = None
    original_chunk: str | None = None
    raw_chunk: str | None = None
    aggregated_response: JsonOutput | None = None


class ErrorEvent(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A failure in the middle of a stream."""

    error: str
    raw_chunk: str | None = None
    error_json: dict[str, object] | str | UnsetType = UNSET
