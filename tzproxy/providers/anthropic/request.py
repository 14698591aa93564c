"""Requests of Anthropic's messages protocol. Hot."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from tzproxy.providers.anthropic.rules import Rules
from tzproxy.providers.anthropic.tools import NO_TOOLS, WireTools, build_tools
from tzproxy.providers.anthropic.wire import (
    Block,
    DataSource,
    DocumentBlock,
    ImageBlock,
    OutputConfig,
    RedactedBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
    WireMessage,
)
from tzproxy.providers.bodies import body_writer
from tzproxy.providers.errors import client_error, refused
from tzproxy.providers.files import mime_type_of
from tzproxy.providers.ignored import warn_ignored
from tzproxy.providers.json_arguments import compact_object
from tzproxy.providers.kept import Kept
from tzproxy.providers.prefill import PREFILL
from tzproxy.providers.tool_lists import encoded, joined, requested
from tzproxy.types.content import File, Message, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import ToolConfig

logger = logging.getLogger(__name__)

SLOTS = (
    "anthropic_version",
    "model",
    "messages",
    "max_tokens",
    "stream",
    "output_config",
    "system",
    "temperature",
    "thinking",
    "top_p",
    "service_tier",
    "stop_sequences",
    "tool_choice",
    "tools",
)
_PREFILLED = WireMessage("assistant", [TextBlock(PREFILL)])
_ADAPTIVE = Raw(b'{"type":"adaptive"}')
_TIERS = {"auto": "auto", "priority": "auto", "default": "standard_only"}


class Bodies:
    """Writes request bodies for one model; knows no URL and no key."""

    __slots__ = ("_limit", "_model", "_provider_tools", "_rules", "_tools", "_write")

    def __init__(self, rules: Rules, model: str, *, provider_tools: Sequence[object] = ()) -> None:
        self._rules = rules
        self._model = model
        self._limit = rules.limit_of(model)
        self._provider_tools = encoded(provider_tools)
        self._tools = Kept(self._write_tools)
        self._write = body_writer(rules.body, SLOTS)

    def write(self, request: ModelRequest) -> bytes:
        """Write the body for a request.

        Raises:
            ProviderError: when the protocol cannot express it.
        """
        rules, params = self._rules, request.params
        for name in rules.unsupported:
            if getattr(params, name) is not None:
                warn_ignored(rules.spec.display, name)
        messages = build_messages(rules, request.messages)
        if is_prefilled(rules, request):
            messages.append(_PREFILLED)
        tools, choice = self._tools_of(request)
        return self._write(
            (
                rules.version,
                self._model,
                messages,
                self._limit_of(params),
                request.stream,
                _output_config(rules, request),
                None if request.system is None else (TextBlock(request.system),),
                params.temperature,
                _thinking(params),
                params.top_p,
                self._tier(params.service_tier),
                params.stop_sequences,
                choice,
                tools,
            )
        )

    def _limit_of(self, params: ChatParams) -> int:
        limit = self._limit if params.max_tokens is None else params.max_tokens
        if limit is None:
            raise client_error(
                self._rules.spec.type,
                f"The TensorZero Gateway doesn't know the output token limit for `{self._model}` and "
                f"{self._rules.owner} requires you to provide a `max_tokens` value. "
                "Please set `max_tokens` in your configuration or inference request.",
            )
        return limit

    def _tier(self, tier: str | None) -> str | None:
        if tier is None or "service_tier" in self._rules.unsupported:
            return None
        if tier not in _TIERS:
            warn_ignored(self._rules.spec.display, f"service_tier ({tier})")
        return _TIERS.get(tier)

    def _write_tools(self, config: ToolConfig) -> WireTools:
        return build_tools(config, strict=self._rules.strict_tools)

    def _tools_of(self, request: ModelRequest) -> tuple[Raw | None, Raw | None]:
        config = request.tool_config
        tools = NO_TOOLS if config is None else self._tools.of(config)
        if tools.is_silent:
            return None, None
        theirs = [*self._provider_tools, *requested(request)]
        if tools.tools is None and not theirs:
            return None, None
        return joined(tools.tools or (), theirs), tools.choice if tools.tools or theirs else None


def is_prefilled(rules: Rules, request: ModelRequest) -> bool:
    """Tell whether the answer's first character is put into the model's mouth."""
    return request.json_mode == "on" and request.function_type == "json" and rules.json


def _output_config(rules: Rules, request: ModelRequest) -> OutputConfig | None:
    mode, effort = request.json_mode, request.params.reasoning_effort
    form: Raw | None = None
    if mode != "off":
        if not rules.json:
            logger.warning("%s has no JSON mode, so `%s` will be ignored.", rules.spec.display, mode)
        elif mode == "strict" and request.output_schema is not None:
            schema = msgspec.json.format(request.output_schema, indent=-1)
            form = Raw(b"".join((b'{"type":"json_schema","schema":', schema, b"}")))
    if form is None and effort is None:
        return None
    return OutputConfig(form, effort)


def _thinking(params: ChatParams) -> Raw | None:
    budget = params.thinking_budget_tokens
    if params.reasoning_effort is None:
        return None if budget is None else Raw(b'{"type":"enabled","budget_tokens":%d}' % budget)
    if budget is not None:
        raise refused(
            "Cannot specify both `reasoning_effort` and `thinking_budget_tokens` for Anthropic. Use "
            "`reasoning_effort` for adaptive thinking or `thinking_budget_tokens` for manual thinking."
        )
    return _ADAPTIVE


def build_messages(rules: Rules, messages: Sequence[Message]) -> list[WireMessage]:
    """Write a conversation, turn by turn; nothing is joined or left out.

    Raises:
        ProviderError: when it is empty, or a call's arguments are no JSON object.
    """
    if not messages:
        raise refused("Anthropic requires at least one message")
    out: list[WireMessage] = []
    for message in messages:
        content: list[Block] = []
        for block in message.content:
            if type(block) is Text:
                content.append(TextBlock(block.text))
            elif type(block) is ToolCall:
                arguments = compact_object(rules.spec.type, block.arguments)
                content.append(ToolUseBlock(block.id, block.name, arguments))
            elif type(block) is ToolResult:
                content.append(ToolResultBlock(block.id, (TextBlock(block.result),)))
            elif type(block) is File:
                content.append(_file(rules, block))
            elif type(block) is Unknown:
                content.append(block.data)
            else:
                assert type(block) is Thought
                if block.text is not None:
                    content.append(ThinkingBlock(block.text, block.signature))
                elif block.signature is not None:
                    content.append(RedactedBlock(block.signature))
        out.append(WireMessage(message.role, content))
    return out


def _file(rules: Rules, file: File) -> ImageBlock | DocumentBlock:
    if file.detail is not None:
        logger.warning(
            "%s does not support the `detail` of files, so it will be ignored.", rules.spec.display
        )
    mime_type = mime_type_of(file)
    source = UrlSource(file.url or "") if file.data is None else DataSource(mime_type, file.data)
    return ImageBlock(source) if mime_type.startswith("image/") else DocumentBlock(source)
