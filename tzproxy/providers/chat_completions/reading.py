"""What rows have in common: decoders, finish reasons, questions about models. Data; its functions are hot."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from tzproxy.providers.chat_completions import chunked
from tzproxy.providers.chat_completions.row import FINISH_REASONS
from tzproxy.providers.chat_completions.wire import (
    ChunkIn,
    CompletionIn,
    Delta,
    DetailedDelta,
    DetailedMessageIn,
    MessageIn,
    ObjectCallMessageIn,
)
from tzproxy.types.params import ChatParams
from tzproxy.types.usage import FinishReason

MESSAGE = msgspec.json.Decoder(CompletionIn[MessageIn]).decode
DETAILED_MESSAGE = msgspec.json.Decoder(CompletionIn[DetailedMessageIn]).decode
OBJECT_CALLS = msgspec.json.Decoder(CompletionIn[ObjectCallMessageIn]).decode
DELTA = msgspec.json.Decoder(ChunkIn[Delta]).decode
CHUNKED_MESSAGE = msgspec.json.Decoder(CompletionIn[chunked.ChunkedMessageIn]).decode
CHUNKED_DELTA = msgspec.json.Decoder(ChunkIn[chunked.ChunkedDelta]).decode
DETAILED_DELTA = msgspec.json.Decoder(ChunkIn[DetailedDelta]).decode

EMPTY_IS_ABSENT: dict[str, FinishReason | None] = {**FINISH_REASONS, "": None}
FIREWORKS_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_call",
}
TOGETHER_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "tool_calls": "tool_call",
    "function_call": "tool_call",
}
MISTRAL_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_call",
}
TGI_REASONS: dict[str, FinishReason] = {**FINISH_REASONS, "stop_sequence": "stop_sequence"}


def is_o1(model: str) -> bool:
    """Tell the models of the first reasoning generation."""
    return model.lower().startswith("o1")


def is_o1_mini(model: str) -> bool:
    """Tell the small model of that generation."""
    return model.lower().startswith("o1-mini")


def is_reasoner(model: str) -> bool:
    """Tell DeepSeek's reasoning models."""
    return "reasoner" in model.lower()


def tgi_model(model: str, stream: bool) -> str:
    """Name the one model that TGI has."""
    return "TGI" if stream else "tgi"


class Reasoning(Struct, omit_defaults=True):
    """OpenRouter's wishes for reasoning."""

    effort: str | None = None
    max_tokens: int | None = None


def openrouter_reasoning(params: ChatParams) -> object:
    """Send effort and budget together."""
    if params.reasoning_effort is None and params.thinking_budget_tokens is None:
        return None
    return Reasoning(params.reasoning_effort, params.thinking_budget_tokens)
