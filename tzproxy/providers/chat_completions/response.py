"""Answers of the chat-completions wire to `ProviderResponse`. Hot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from tzproxy._speedups.chat_wire import AnswerParser
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.chat_completions.think_tags import ThinkTagError, split_think_tags
from tzproxy.providers.chat_completions.thoughts import TAGS_FORMAT
from tzproxy.providers.chat_completions.usage import decode_usage
from tzproxy.providers.chat_completions.wire import (
    ChoiceIn,
    CompletionIn,
    CustomCallIn,
    FunctionCallIn,
    MessageIn,
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

AnyCall = FunctionCallIn | OnlyFunctionCallIn | WholeCallIn | CustomCallIn | ObjectCallIn

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


class _Rare:
    """What most answers do not need, for the parser."""

    def repaired(self, body: bytes) -> bytes:
        return repaired(body)

    def no_usage(self, row: ChatRow) -> Usage:
        if row.usage_required:
            raise ValueError("missing field `usage`")
        return NO_USAGE

    def wrong_count(
        self, row: ChatRow, choices: list[ChoiceIn[Any]], body: bytes, headers: HeaderView
    ) -> ProviderError:
        return _failure(row, row.choices_text.format(len(choices)), body, headers)

    def no_finish_reason(self, row: ChatRow) -> FinishReason | None:
        if row.finish_required:
            raise ValueError("missing field `finish_reason`")
        return None

    def read_thoughtful(self, row: ChatRow, message: Any) -> tuple[list[ModelOutput], str | None]:
        """Read reasoning, and the text that stands beside it."""
        if row.read_content is None:
            return [*row.read_thoughts(message)], message.content
        return row.read_content(message), None

    def add_tagged(
        self, row: ChatRow, output: list[ModelOutput], text: str, body: bytes, headers: HeaderView
    ) -> None:
        try:
            thought, clean = split_think_tags(text)
        except ThinkTagError as exc:
            raise _failure(row, str(exc), body, headers) from exc
        if thought is not None:
            output.append(Thought(thought, provider_type=row.spec.type, extra_data=TAGS_FORMAT))
        if clean:
            output.append(Text(clean))

    def tool_calls(self, calls: Sequence[AnyCall]) -> list[ToolCall]:
        return [_tool_call(call) for call in calls]

    def with_header(self, usage: Usage, cached: str | None) -> Usage:
        tokens = int(cached) if cached is not None and cached.isascii() and cached.isdigit() else None
        return Usage(usage.input_tokens, usage.output_tokens, tokens)

    def fail(self, row: ChatRow, body: bytes, headers: HeaderView, exc: Exception) -> ProviderError:
        message = row.parse_text.format(reason_for(exc))
        if row.parse_text_has_body:
            message = f"{message}: {body.decode('utf-8', 'replace')}"
        return _failure(row, message, body, headers)


# PERF: nearly all answers are one text and its usage (test_parse_plain).
_PARSER = AnswerParser(
    row=ChatRow,
    completion=CompletionIn,
    choice=ChoiceIn,
    message=MessageIn,
    thoughts=("reasoning", "reasoning_content"),
    text=Text,
    response=ProviderResponse,
    unset=UNSET,
    decode_usage=decode_usage,
    unreadable=UNREADABLE,
    rare=_Rare(),
)
parse_response: Callable[[ChatRow, bytes, HeaderView], ProviderResponse] = _PARSER.parse
"""Reads a service's answer. Raises ProviderError when it is not what the protocol promises."""


def _tool_call(call: AnyCall) -> ToolCall:
    if isinstance(call, CustomCallIn):
        return ToolCall(call.id, call.custom.name, call.custom.input)
    if isinstance(call, ObjectCallIn):
        return ToolCall(call.id, call.function.name, _ENCODE(_DECODE(call.function.arguments)).decode())
    return ToolCall(call.id, call.function.name, call.function.arguments)


def _failure(row: ChatRow, message: str, body: bytes, headers: HeaderView) -> ProviderError:
    return server_error(
        row.spec.type,
        f"{message}{request_id_suffix(row.spec, headers)}",
        raw_response=body.decode("utf-8", "replace") if row.spec.keeps_raw_response_on_error else None,
    )
