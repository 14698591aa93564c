"""Answers of Bedrock's Converse API to `ProviderResponse`. Hot."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from tzproxy.providers.bedrock.request import DISPLAY, TYPE
from tzproxy.providers.bedrock.wire import BlockIn, ResponseIn, UsageIn
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.json_arguments import compact_text
from tzproxy.providers.prefill import completed
from tzproxy.providers.unreadable import UNREADABLE, reason_for, repaired
from tzproxy.types.content import ModelOutput, Text, Thought, ToolCall
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import FinishReason, Usage

logger = logging.getLogger(__name__)

_RESPONSE = msgspec.json.Decoder(ResponseIn).decode
_USAGE = msgspec.json.Decoder(UsageIn).decode
_STOP_REASONS: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "tool_use": "tool_call",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}


def parse_response(body: bytes, *, prefilled: bool) -> ProviderResponse:
    """Read an answer; `prefilled`: its first brace is to be given back.

    Raises:
        ProviderError: when it is not what the API promises.
    """
    output: list[ModelOutput] = []
    try:
        try:
            response = _RESPONSE(body)
        except UnicodeDecodeError:
            response = _RESPONSE(repaired(body))
        message = response.output.message
        if message is None:
            raise _failure(f"{DISPLAY} returned an empty message.", body)
        for block in message.content:
            _add(output, block)
        usage = read_usage(response.usage)
    except UNREADABLE as exc:
        raise _failure(f"Error parsing response from {DISPLAY}: {reason_for(exc)}", body) from exc
    return ProviderResponse(
        output=completed(output) if prefilled else output,
        usage=usage,
        finish_reason=finish_reason(response.stop_reason),
        raw_usage=response.usage,
    )


def finish_reason(reason: str) -> FinishReason:
    """Translate a stop reason."""
    return _STOP_REASONS.get(reason, "unknown")


def read_usage(raw: Raw) -> Usage:
    """Read the counts: what came from the cache, and what went into it, is input too.

    Raises:
        msgspec.MsgspecError: when they cannot be read.
    """
    counts = _USAGE(raw)
    read, written = counts.cache_read_input_tokens, counts.cache_write_input_tokens
    return Usage(counts.input_tokens + (read or 0) + (written or 0), counts.output_tokens, read, written)


def _add(output: list[ModelOutput], block: BlockIn) -> None:
    if block.text is not None:
        output.append(Text(block.text))
    elif block.tool_use is not None:
        call = block.tool_use
        output.append(ToolCall(call.tool_use_id, call.name, compact_text(call.input)))
    elif block.reasoning_content is not None:
        text = block.reasoning_content.reasoning_text
        if text is None:
            logger.warning("%s sent reasoning without a text; dropped it", DISPLAY)
        else:
            output.append(Thought(text.text, text.signature, provider_type=TYPE))
    else:
        raise ValueError("a content block is empty")


def _failure(message: str, body: bytes) -> ProviderError:
    return server_error(TYPE, message, raw_response=body.decode("utf-8", "replace"))
