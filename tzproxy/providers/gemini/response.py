"""Answers of Gemini's content protocol to `ProviderResponse`. Hot."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Raw

from tzproxy._speedups.ids import new_uuid7
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.gemini.rules import Rules
from tzproxy.providers.gemini.wire import PartIn, ResponseIn, UsageIn
from tzproxy.providers.json_arguments import compact_text
from tzproxy.providers.unreadable import UNREADABLE, passed_on, reason_for, repaired
from tzproxy.types.content import ModelOutput, Text, Thought, ToolCall, Unknown
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.usage import FinishReason, Usage

_RESPONSE = msgspec.json.Decoder(ResponseIn).decode
_PART = msgspec.json.Decoder(PartIn).decode
_USAGE = msgspec.json.Decoder(UsageIn).decode
_DECODE = msgspec.json.Decoder(dict[str, object]).decode
_ENCODE = msgspec.json.Encoder().encode
_FINISH_REASONS: Mapping[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    # SPEC: these two are no calls, but clients of the original know them so.
    "RECITATION": "tool_call",
    "MALFORMED_FUNCTION_CALL": "tool_call",
}


def parse_response(rules: Rules, body: bytes, request: ModelRequest) -> ProviderResponse:
    """Read an answer: its first candidate.

    Raises:
        ProviderError: when it is not what the protocol promises.
    """
    display = rules.spec.display
    output: list[ModelOutput] = []
    try:
        try:
            response = _RESPONSE(body)
        except UnicodeDecodeError:
            response = _RESPONSE(repaired(body))
        if not response.candidates:
            raise _failure(rules, f"{display} response has no candidates", body)
        candidate = response.candidates[0]
        if candidate.content is not None:
            for raw in candidate.content.parts:
                _add_part(rules, output, raw, request)
        raw_usage = response.usage_metadata
        if raw_usage is UNSET or bytes(raw_usage) == b"null":
            raise _failure(rules, f"{display} non-streaming response has no usage metadata", body)
        usage = read_usage(raw_usage)
    except UNREADABLE as exc:
        message = f"Error parsing JSON response: {reason_for(exc)}"
        if rules.parse_text_has_body:
            message = f"{message}: {body.decode('utf-8', 'replace')}"
        raise _failure(rules, message, body) from exc
    return ProviderResponse(
        output=output,
        usage=usage,
        finish_reason=finish_reason(candidate.finish_reason),
        raw_usage=raw_usage,
    )


def finish_reason(reason: str | None) -> FinishReason | None:
    """Translate a finish reason."""
    return None if reason is None else _FINISH_REASONS.get(reason, "unknown")


def read_usage(raw: Raw) -> Usage:
    """Read the counts; thinking is output too.

    Raises:
        msgspec.MsgspecError: when they cannot be read.
    """
    counts = _USAGE(raw)
    answer, thinking = counts.candidates_token_count, counts.thoughts_token_count
    output = None if answer is None and thinking is None else (answer or 0) + (thinking or 0)
    return Usage(counts.prompt_token_count, output, counts.cached_content_token_count)


def _add_part(rules: Rules, output: list[ModelOutput], raw: Raw, request: ModelRequest) -> None:
    part = _PART(raw)
    tag = rules.spec.type
    if part.thought:
        output.append(_thought(tag, part, raw, request))
        return
    if part.thought_signature is not None:
        output.append(Thought(None, part.thought_signature, provider_type=tag))
    if part.text is not None:
        output.append(Text(part.text))
    elif part.function_call is not None:
        call = part.function_call
        output.append(ToolCall(new_uuid7(), call.name, compact_text(call.args)))
    else:
        output.append(Unknown(unknown_data(part, raw), request.model_name, request.provider_name))


def _thought(tag: str, part: PartIn, raw: Raw, request: ModelRequest) -> ModelOutput:
    if part.text is not None:
        return Thought(part.text, part.thought_signature, provider_type=tag)
    rest = {key: value for key, value in _DECODE(raw).items() if key not in ("thought", "thoughtSignature")}
    if not rest:
        return Thought(None, part.thought_signature, provider_type=tag)
    data = {"thought": True, "thoughtSignature": part.thought_signature, **rest}
    return Unknown(Raw(_ENCODE(data)), request.model_name, request.provider_name)


def unknown_data(part: PartIn, raw: Raw) -> Raw:
    """Return what is passed on of a part that is not looked into."""
    if part.executable_code is UNSET:
        return passed_on(raw)
    return Raw(b'{"executableCode":%b}' % bytes(passed_on(part.executable_code)))


def _failure(rules: Rules, message: str, body: bytes) -> ProviderError:
    return server_error(rules.spec.type, message, raw_response=body.decode("utf-8", "replace"))
