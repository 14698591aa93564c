"""Answers of Anthropic's messages protocol to `ProviderResponse`. Hot."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from tzproxy.providers.anthropic.request import is_prefilled
from tzproxy.providers.anthropic.rules import Rules
from tzproxy.providers.anthropic.wire import (
    BlockIn,
    Kind,
    MessageIn,
    RedactedIn,
    TextIn,
    ThinkingIn,
    ToolUseIn,
    UsageIn,
)
from tzproxy.providers.errors import server_error
from tzproxy.providers.json_arguments import compact_text
from tzproxy.providers.prefill import completed
from tzproxy.providers.unreadable import UNREADABLE, passed_on, reason_for, repaired
from tzproxy.types.content import ModelOutput, Text, Thought, ToolCall, Unknown
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.usage import FinishReason, Usage

_MESSAGE = msgspec.json.Decoder(MessageIn).decode
_BLOCK = msgspec.json.Decoder(BlockIn).decode
_KIND = msgspec.json.Decoder(Kind).decode
_USAGE = msgspec.json.Decoder(UsageIn).decode
KNOWN_BLOCKS = frozenset({"text", "tool_use", "thinking", "redacted_thinking"})
_STOP_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_call",
}


def parse_response(rules: Rules, body: bytes, request: ModelRequest) -> ProviderResponse:
    """Read an answer.

    Raises:
        ProviderError: when it is not what the protocol promises.
    """
    spec = rules.spec
    try:
        try:
            message = _MESSAGE(body)
        except UnicodeDecodeError:
            message = _MESSAGE(repaired(body))
        output = [_output(spec.type, raw, request) for raw in message.content]
        usage = read_usage(message.usage)
    except UNREADABLE as exc:
        text = body.decode("utf-8", "replace")
        raise server_error(
            spec.type, f"Error parsing JSON response: {reason_for(exc)}: {text}", raw_response=text
        ) from exc
    if is_prefilled(rules, request):
        output = completed(output)
    return ProviderResponse(
        output=output,
        usage=usage,
        finish_reason=finish_reason(message.stop_reason),
        raw_usage=message.usage,
    )


def finish_reason(reason: str | None) -> FinishReason | None:
    """Translate a stop reason."""
    return None if reason is None else _STOP_REASONS.get(reason, "unknown")


def read_usage(raw: Raw) -> Usage:
    """Read the counts: what came from the cache, and what went into it, is input too.

    Raises:
        msgspec.MsgspecError: when they cannot be read.
    """
    counts = _USAGE(raw)
    written, read = counts.cache_creation_input_tokens, counts.cache_read_input_tokens
    if written is None and read is None:
        return Usage(counts.input_tokens, counts.output_tokens)
    total = (counts.input_tokens or 0) + (written or 0) + (read or 0)
    return Usage(total, counts.output_tokens, read, written)


def read_block(raw: Raw) -> TextIn | ToolUseIn | ThinkingIn | RedactedIn | None:
    """Read a content block; None for a kind that is not known.

    Raises:
        msgspec.MsgspecError: when a known one cannot be read.
    """
    try:
        block: TextIn | ToolUseIn | ThinkingIn | RedactedIn = _BLOCK(raw)
    except msgspec.ValidationError:
        if _KIND(raw).type in KNOWN_BLOCKS:
            raise
        return None
    return block


def _output(provider_type: str, raw: Raw, request: ModelRequest) -> ModelOutput:
    block = read_block(raw)
    if isinstance(block, TextIn):
        return Text(block.text)
    if isinstance(block, ToolUseIn):
        return ToolCall(block.id, block.name, compact_text(block.input))
    if isinstance(block, ThinkingIn):
        return Thought(block.thinking, block.signature, provider_type=provider_type)
    if isinstance(block, RedactedIn):
        return Thought(None, block.data, provider_type=provider_type)
    return Unknown(passed_on(raw), request.model_name, request.provider_name)
