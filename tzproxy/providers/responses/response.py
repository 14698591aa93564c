"""Answers of the Responses API to `ProviderResponse`. Hot."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tzproxy.providers.driving import request_id_suffix
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.protocol import HeaderView, ProviderSpec
from tzproxy.providers.responses.wire import (
    CustomCallIn,
    FunctionCallIn,
    ItemIn,
    Kind,
    MessageIn,
    ReasoningIn,
    ResponseIn,
    UsageIn,
)
from tzproxy.providers.unreadable import UNREADABLE, passed_on, reason_for, repaired
from tzproxy.types.content import ModelOutput, Text, Thought, ToolCall, Unknown
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.usage import NO_USAGE, Usage

_RESPONSE = msgspec.json.Decoder(ResponseIn).decode
_ITEM = msgspec.json.Decoder(ItemIn).decode
_KIND = msgspec.json.Decoder(Kind).decode
_USAGE = msgspec.json.Decoder(UsageIn | None).decode
_KNOWN = frozenset({"message", "function_call", "custom_tool_call", "reasoning"})


class _RefusedItemError(ValueError):
    """An item that cannot be passed on. The text is the failure's message."""


def parse_response(
    spec: ProviderSpec, body: bytes, headers: HeaderView, request: ModelRequest
) -> ProviderResponse:
    """Read an answer.

    Raises:
        ProviderError: when it is not what the API promises.
    """
    output: list[ModelOutput] = []
    try:
        try:
            response = _RESPONSE(body)
        except UnicodeDecodeError:
            response = _RESPONSE(repaired(body))
        usage, raw_usage = read_usage(response.usage)
        for item in response.output:
            _add_item(spec, output, item, request)
    except _RefusedItemError as exc:
        raise _failure(spec, str(exc), body, headers) from exc
    except UNREADABLE as exc:
        raise _failure(spec, f"Error parsing JSON response: {reason_for(exc)}", body, headers) from exc
    incomplete = response.incomplete_details
    return ProviderResponse(
        output=output,
        usage=usage or NO_USAGE,
        finish_reason="length"
        if incomplete is not None and incomplete.reason == "max_output_tokens"
        else None,
        raw_usage=raw_usage,
    )


def read_usage(raw: Raw | UnsetType) -> tuple[Usage | None, Raw | None]:
    """Read the counts, and pass them on untouched; None when there are none.

    Raises:
        msgspec.MsgspecError: when they cannot be read.
    """
    counts = None if raw is UNSET else _USAGE(raw)
    if counts is None or raw is UNSET:
        return None, None
    details = counts.input_tokens_details
    cached = None if details is None else details.cached_tokens
    return Usage(counts.input_tokens, counts.output_tokens, cached), raw


def _add_item(spec: ProviderSpec, output: list[ModelOutput], raw: Raw, request: ModelRequest) -> None:
    try:
        item: MessageIn | FunctionCallIn | CustomCallIn | ReasoningIn = _ITEM(raw)
    except msgspec.ValidationError:
        if _KIND(raw).type in _KNOWN:
            raise
        output.append(Unknown(passed_on(raw), request.model_name, request.provider_name))
        return
    if isinstance(item, MessageIn):
        if item.role != "assistant":
            raise _RefusedItemError("Only assistant messages are supported in responses API output")
        for part in item.content:
            if part.type != "output_text" or part.text is None:
                raise _RefusedItemError("Only output text is supported in responses API output")
            output.append(Text(part.text))
    elif isinstance(item, FunctionCallIn):
        output.append(ToolCall(item.call_id, item.name, item.arguments))
    elif isinstance(item, CustomCallIn):
        output.append(ToolCall(item.call_id, item.name, item.input))
    else:
        output.append(Thought(None, item.encrypted_content, item.summary, spec.type))


def _failure(spec: ProviderSpec, message: str, body: bytes, headers: HeaderView) -> ProviderError:
    return server_error(
        spec.type,
        f"{message}{request_id_suffix(spec, headers)}",
        raw_response=body.decode("utf-8", "replace"),
    )
