"""What the methods return. Plain data.

Class names, fields, their order and their defaults are those of TensorZero's client (2026.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, NotRequired, TypedDict
from uuid import UUID

from tzproxy.client.types.content import ContentBlock, ContentBlockChunk, System

ApiType = Literal["chat_completions", "responses", "embeddings"]
ChatInferenceOutput = list[ContentBlock]


class Message(TypedDict):
    """One message of an input."""

    role: Literal["user", "assistant"]
    content: Any


class InferenceInput(TypedDict):
    """What an inference is asked."""

    messages: NotRequired[list[Message]]
    system: NotRequired[System]


class FinishReason(str, Enum):  # noqa: UP042 - programs see `FinishReason.STOP` when they print one
    """Why a model stopped."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL_CALL = "tool_call"
    CONTENT_FILTER = "content_filter"
    UNKNOWN = "unknown"


@dataclass
class Usage:
    """Tokens of an inference, and what it cost where the configuration says so. None: not known."""

    input_tokens: int | None
    output_tokens: int | None
    provider_cache_read_input_tokens: int | None = None
    provider_cache_write_input_tokens: int | None = None
    cost: float | None = None


@dataclass
class RawUsageEntry:
    """The usage of one call of a provider, in the provider's own form."""

    model_inference_id: UUID
    provider_type: str
    api_type: ApiType
    data: dict[str, Any] | None = None


@dataclass
class RawResponseEntry:
    """What a provider answered to one call, as it came."""

    provider_type: str
    api_type: ApiType
    data: str
    model_inference_id: UUID | None = None


@dataclass
class JsonInferenceOutput:
    """What a JSON function answered: the text, and its value when that fits the schema."""

    raw: str | None = None
    parsed: Any | None = None


@dataclass
class ChatInferenceResponse:
    """The answer of a chat function."""

    inference_id: UUID
    episode_id: UUID
    variant_name: str
    content: list[ContentBlock]
    usage: Usage
    raw_usage: list[RawUsageEntry] | None = None
    raw_response: list[RawResponseEntry] | None = None
    finish_reason: FinishReason | None = None
    original_response: str | None = None


@dataclass
class JsonInferenceResponse:
    """The answer of a JSON function."""

    inference_id: UUID
    episode_id: UUID
    variant_name: str
    output: JsonInferenceOutput
    usage: Usage
    raw_usage: list[RawUsageEntry] | None = None
    raw_response: list[RawResponseEntry] | None = None
    finish_reason: FinishReason | None = None
    original_response: str | None = None


InferenceResponse = ChatInferenceResponse | JsonInferenceResponse


@dataclass
class ChatChunk:
    """A piece of the answer of a chat function."""

    inference_id: UUID
    episode_id: UUID
    variant_name: str
    content: list[ContentBlockChunk]
    usage: Usage | None = None
    raw_usage: list[RawUsageEntry] | None = None
    raw_response: list[RawResponseEntry] | None = None
    finish_reason: FinishReason | None = None
    original_chunk: str | None = None
    raw_chunk: str | None = None


@dataclass
class JsonChunk:
    """A piece of the answer of a JSON function."""

    inference_id: UUID
    episode_id: UUID
    variant_name: str
    raw: str
    usage: Usage | None = None
    raw_usage: list[RawUsageEntry] | None = None
    raw_response: list[RawResponseEntry] | None = None
    finish_reason: FinishReason | None = None
    original_chunk: str | None = None
    raw_chunk: str | None = None


InferenceChunk = ChatChunk | JsonChunk


@dataclass
class FeedbackResponse:
    """The feedback that was taken."""

    feedback_id: UUID


@dataclass
class WorkflowEvaluationRunResponse:
    """The run that was begun."""

    run_id: UUID


@dataclass
class WorkflowEvaluationRunEpisodeResponse:
    """The episode that was begun."""

    episode_id: UUID


class EvaluatorStatsDict(TypedDict):
    """What one evaluator found over a run."""

    mean: float
    stderr: float
    count: int
