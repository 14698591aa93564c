"""Requests of Gemini's content protocol. Hot."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from tzproxy.providers.bodies import object_maker
from tzproxy.providers.errors import ProviderError, refused, server_error
from tzproxy.providers.files import mime_type_of
from tzproxy.providers.gemini.rules import Rules
from tzproxy.providers.gemini.schema import cleaned
from tzproxy.providers.gemini.tools import NO_TOOLS, WireTools, build_tools
from tzproxy.providers.gemini.wire import (
    Body,
    Content,
    FunctionCall,
    FunctionResponse,
    FunctionResult,
    InlineData,
    Part,
    ThinkingConfig,
)
from tzproxy.providers.ignored import warn_ignored
from tzproxy.providers.json_arguments import compact_object
from tzproxy.providers.kept import Kept
from tzproxy.types.content import File, Message, ModelBlock, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import ToolConfig

logger = logging.getLogger(__name__)

SLOTS = (
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "maxOutputTokens",
    "topP",
    "presencePenalty",
    "frequencyPenalty",
    "seed",
    "responseMimeType",
    "responseSchema",
)
_ENCODE = msgspec.json.Encoder().encode
_NULL = Raw(b"null")
_JSON = "application/json"
_ROLES = {"user": "user", "assistant": "model"}
_UNCHECKED = "skip_thought_signature_validator"
# SPEC: whoever speaks the protocol, bad arguments are told in this name; clients of the original know it so.
_ARGUMENTS_TYPE = "gcp_vertex_gemini"


class Bodies:
    """Writes request bodies; knows no model, no URL and no key."""

    __slots__ = ("_generation", "_no_tools", "_rules", "_schemas", "_tools")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._generation = object_maker(rules.generation, SLOTS)
        self._no_tools = WireTools(_NULL) if rules.writes_no_tools else NO_TOOLS
        self._tools: Kept[ToolConfig, WireTools] = Kept(build_tools)
        self._schemas: Kept[Raw, Raw] = Kept(cleaned)

    def write(self, request: ModelRequest) -> bytes:
        """Write the body for a request.

        Raises:
            ProviderError: when the protocol cannot express it.
        """
        spec, params = self._rules.spec, request.params
        for name in ("service_tier", "verbosity"):
            if getattr(params, name) is not None:
                warn_ignored(spec.display, name)
        tools = NO_TOOLS if request.tool_config is None else self._tools.of(request.tool_config)
        if tools.tools is None:
            tools = self._no_tools
        system = request.system
        return _ENCODE(
            Body(
                build_contents(self._rules, request.messages),
                tools.tools,
                tools.tool_config,
                self._generation_config(request),
                None if system is None else Content("model", [Part(text=system)]),
            )
        )

    def _generation_config(self, request: ModelRequest) -> Struct:
        params = request.params
        mime_type: str | None = None
        schema: Raw | None = None
        if request.json_mode != "off":
            mime_type = _JSON
            if request.output_schema is not None:
                schema = self._schemas.of(request.output_schema)
        return self._generation(
            (
                params.stop_sequences,
                params.temperature,
                _thinking(params),
                params.max_tokens,
                params.top_p,
                params.presence_penalty,
                params.frequency_penalty,
                params.seed,
                mime_type,
                schema,
            )
        )


def _thinking(params: ChatParams) -> ThinkingConfig | None:
    if params.thinking_budget_tokens is None and params.reasoning_effort is None:
        return None
    return ThinkingConfig(params.thinking_budget_tokens, params.reasoning_effort)


def build_contents(rules: Rules, messages: Sequence[Message]) -> list[Content]:
    """Write a conversation; turns with nothing in them are left out.

    Raises:
        ProviderError: when it is empty, or a block stands where the protocol cannot have it.
    """
    if not messages:
        raise refused(f"{rules.spec.display} requires at least one message")
    contents: list[Content] = []
    for message in messages:
        blocks = message.content
        # PERF: most turns are one text (test_build_other).
        if len(blocks) == 1 and type(blocks[0]) is Text:
            parts: list[Part | Raw] = [Part(text=blocks[0].text)]
        else:
            parts = _parts(rules, blocks)
        if parts:
            contents.append(Content(_ROLES[message.role], parts))
    return contents


def _parts(rules: Rules, blocks: Sequence[ModelBlock]) -> list[Part | Raw]:
    parts: list[Part | Raw] = []
    signature: str | None = None
    for block in blocks:
        if signature is not None and type(block) in (Thought, Unknown):
            kind = "another thought" if type(block) is Thought else "an unknown"
            raise _signature_failure(rules, f"cannot be followed by {kind} block")
        if type(block) is Thought:
            if block.text is not None:
                parts.append(Part(thought=True, thought_signature=block.signature, text=block.text))
            else:
                signature = block.signature
        elif type(block) is Unknown:
            parts.append(_foreign(rules, block.data))
        else:
            part = _part(rules, block)
            part.thought_signature = signature
            signature = None
            parts.append(part)
    if signature is not None:
        raise _signature_failure(rules, "must be followed by a content block")
    _excuse_calls(parts)
    return parts


def _foreign(rules: Rules, data: Raw) -> Raw:
    """Return a part of Gemini's own that a client wrote: an object, or nothing in an object's place."""
    first = bytes(data).lstrip()[:1]
    if first == b"{":
        return data
    if first == b"n":
        return Raw(b"{}")
    raise ProviderError(f"Error serializing {rules.spec.display} request: an unknown block is no object")


def _part(rules: Rules, block: ModelBlock) -> Part:
    if type(block) is Text:
        return Part(text=block.text)
    if type(block) is ToolCall:
        arguments = compact_object(_ARGUMENTS_TYPE, block.arguments)
        return Part(function_call=FunctionCall(block.name, arguments))
    if type(block) is ToolResult:
        result = FunctionResult(block.name, block.result)
        return Part(function_response=FunctionResponse(block.name, result))
    assert type(block) is File
    if block.detail is not None:
        logger.warning(
            "%s does not support the `detail` of files, so it will be ignored.", rules.spec.display
        )
    return Part(inline_data=InlineData(mime_type_of(block), block.data or ""))


def _excuse_calls(parts: Sequence[Part | Raw]) -> None:
    """Say that a turn's calls come without a signature, if none has one."""
    calls = [part for part in parts if isinstance(part, Part) and part.function_call is not None]
    if calls and all(call.thought_signature is None for call in calls):
        calls[0].thought_signature = _UNCHECKED


def _signature_failure(rules: Rules, what: str) -> ProviderError:
    return server_error(rules.spec.type, f"Thought block with signature {what} in {rules.spec.type}")
