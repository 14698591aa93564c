"""Answers of the chat-completions wire to `ProviderResponse`. Hot."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.chat_completions.think_tags import ThinkTagError, split_think_tags
from tzproxy.providers.chat_completions.thoughts import TAGS_FORMAT
from tzproxy.providers.chat_completions.usage import decode_usage
from tzproxy.providers.chat_completions.wire import (
    CustomCallIn,
    FunctionCallIn,
    ObjectCallIn,
    OnlyFunctionCallIn,
    WholeCallIn,
)
from tzproxy.providers.driving import request_id_suffix
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.protocol import HeaderView
from tzproxy.providers.unreadable import UNREADABLE, reason_for, repaired
from tzproxy.types.content import ModelOutput, Text, Thought, ToolCall
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import NO_USAGE, FinishReason, Usage

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


def parse_response(row: ChatRow, body: bytes, headers: HeaderView) -> ProviderResponse:
    """Read a service's answer.

    Raises:
        ProviderError: when the answer is not what the protocol promises.
    """
    try:
        try:
            completion = row.decode(body)
        except UnicodeDecodeError:
            completion = row.decode(repaired(body))
        sent = completion.usage
        counts = None if sent is UNSET else decode_usage(sent)
        raw_usage: Raw | None
        if counts is None or sent is UNSET:
            usage, raw_usage = _no_usage(row), None
        else:
            usage, raw_usage = row.read_usage(counts), sent
        choices = completion.choices
        if len(choices) != 1:
            raise _failure(row, row.choices_text.format(len(choices)), body, headers)
        choice = choices[0]
        finish_reason = (
            row.finish_reasons.get(choice.finish_reason, "unknown")
            if isinstance(choice.finish_reason, str)
            else _no_finish_reason(row)
        )
        message = choice.message
        output: list[ModelOutput]
        if row.read_content is None:
            output = [*row.read_thoughts(message)]
            text = message.content
        else:
            output = row.read_content(message)
            text = None
    except UNREADABLE as exc:
        raise _unreadable(row, body, headers, exc) from exc
    if text is not None:
        if row.think_tags:
            _add_tagged(row, output, text, body, headers)
        else:
            output.append(Text(text))
    if message.tool_calls:
        output += [_tool_call(call) for call in message.tool_calls]
    if row.cached_tokens_header is not None:
        usage = _with_header(usage, headers.get(row.cached_tokens_header))
    # PERF: by position (test_parse_plain).
    return ProviderResponse(output, usage, finish_reason, raw_usage)


def _no_usage(row: ChatRow) -> Usage:
    if row.usage_required:
        raise ValueError("missing field `usage`")
    return NO_USAGE


def _no_finish_reason(row: ChatRow) -> FinishReason | None:
    if row.finish_required:
        raise ValueError("missing field `finish_reason`")
    return None


def _tool_call(
    call: FunctionCallIn | OnlyFunctionCallIn | WholeCallIn | CustomCallIn | ObjectCallIn,
) -> ToolCall:
    if isinstance(call, CustomCallIn):
        return ToolCall(call.id, call.custom.name, call.custom.input)
    if isinstance(call, ObjectCallIn):
        return ToolCall(call.id, call.function.name, _ENCODE(_DECODE(call.function.arguments)).decode())
    return ToolCall(call.id, call.function.name, call.function.arguments)


def _add_tagged(row: ChatRow, output: list[ModelOutput], text: str, body: bytes, headers: HeaderView) -> None:
    try:
        thought, clean = split_think_tags(text)
    except ThinkTagError as exc:
        raise _failure(row, str(exc), body, headers) from exc
    if thought is not None:
        output.append(Thought(thought, provider_type=row.spec.type, extra_data=TAGS_FORMAT))
    if clean:
        output.append(Text(clean))


def _with_header(usage: Usage, cached: str | None) -> Usage:
    tokens = int(cached) if cached is not None and cached.isascii() and cached.isdigit() else None
    return Usage(usage.input_tokens, usage.output_tokens, tokens)


def _unreadable(row: ChatRow, body: bytes, headers: HeaderView, exc: Exception) -> ProviderError:
    message = row.parse_text.format(reason_for(exc))
    if row.parse_text_has_body:
        message = f"{message}: {body.decode('utf-8', 'replace')}"
    return _failure(row, message, body, headers)


def _failure(row: ChatRow, message: str, body: bytes, headers: HeaderView) -> ProviderError:
    return server_error(
        row.spec.type,
        f"{message}{request_id_suffix(row.spec, headers)}",
        raw_response=body.decode("utf-8", "replace") if row.spec.keeps_raw_response_on_error else None,
    )
