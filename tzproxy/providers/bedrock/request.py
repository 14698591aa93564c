"""Requests of Bedrock's Converse API. Hot."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from tzproxy.providers.bedrock.wire import (
    Block,
    Body,
    Bytes,
    Document,
    Image,
    InferenceConfig,
    Reasoning,
    ReasoningText,
    TextBlock,
    ToolResult,
    ToolUse,
    WireMessage,
)
from tzproxy.providers.errors import refused
from tzproxy.providers.files import mime_type_of, suffix_of
from tzproxy.providers.ignored import TRY_THINKING, warn_ignored
from tzproxy.providers.json_arguments import compact_value
from tzproxy.providers.kept import Kept
from tzproxy.providers.prefill import PREFILL
from tzproxy.types import content
from tzproxy.types.content import File, Message, ModelBlock, Text, Thought, ToolCall
from tzproxy.types.model import ModelRequest
from tzproxy.types.tools import SpecificTool, ToolConfig

logger = logging.getLogger(__name__)

TYPE = "aws_bedrock"
DISPLAY = "AWS Bedrock"
_ENCODE = msgspec.json.Encoder().encode
_PREFILLED = WireMessage("assistant", [Block(PREFILL)])
_AUTO = Raw(b'{"auto":{}}')
_CHOICES = {"auto": _AUTO, "required": Raw(b'{"any":{}}')}
# One document would do; two of this name are refused by Bedrock, as with the original.
_DOCUMENT_NAME = "input"


class _Schema(Struct):
    json: Raw


class _Tool(Struct, rename="camel"):
    name: str
    description: str
    input_schema: _Schema


class _ToolItem(Struct, rename="camel"):
    tool_spec: _Tool


class _Name(Struct, gc=False):
    name: str


class _NamedChoice(Struct):
    tool: _Name


class _ToolConfig(Struct, rename="camel"):
    tools: list[_ToolItem]
    tool_choice: Raw | _NamedChoice


def build_tools(config: ToolConfig) -> Raw | None:
    """Write the tools of one inference; None when there are to be none.

    Raises:
        ProviderError: when there are OpenAI's custom tools.
    """
    if config.custom_tools:
        raise refused("OpenAI custom tools are not supported by this provider")
    choice = config.tool_choice
    if choice == "none":
        return None
    items = [
        _ToolItem(
            _Tool(tool.name, tool.description, _Schema(Raw(msgspec.json.format(tool.parameters, indent=-1))))
        )
        for tool in config.offered()
    ]
    wire = _NamedChoice(_Name(choice.specific)) if isinstance(choice, SpecificTool) else _CHOICES[choice]
    return Raw(_ENCODE(_ToolConfig(items, wire)))


class Bodies:
    """Writes request bodies for one model; knows no URL and no key."""

    __slots__ = ("_tools", "is_claude")

    def __init__(self, model: str) -> None:
        self.is_claude = "claude" in model
        self._tools: Kept[ToolConfig, Raw | None] = Kept(build_tools)

    def is_prefilled(self, request: ModelRequest) -> bool:
        """Tell whether the answer's first character is put into the model's mouth."""
        return self.is_claude and request.json_mode != "off" and request.function_type == "json"

    def write(self, request: ModelRequest) -> bytes:
        """Write the body for a request.

        Raises:
            ProviderError: when the API cannot express it.
        """
        params = request.params
        if params.reasoning_effort is not None:
            warn_ignored(DISPLAY, "reasoning_effort", TRY_THINKING)
        for name in ("service_tier", "verbosity"):
            if getattr(params, name) is not None:
                warn_ignored(DISPLAY, name)
        messages = build_messages(request.messages)
        if self.is_prefilled(request):
            if request.json_mode == "strict":
                logger.warning("%s has no strict JSON mode; the answer is only begun with a brace", DISPLAY)
            messages.append(_PREFILLED)
        budget = params.thinking_budget_tokens
        return _ENCODE(
            Body(
                messages,
                (TextBlock(request.system),) if request.system else None,
                InferenceConfig(params.max_tokens, params.temperature, params.top_p, params.stop_sequences),
                None if request.tool_config is None else self._tools.of(request.tool_config),
                None
                if budget is None
                else Raw(b'{"thinking":{"type":"enabled","budget_tokens":%d}}' % budget),
            )
        )


def build_messages(messages: Sequence[Message]) -> list[WireMessage]:
    """Write a conversation; turns with nothing in them are left out.

    Raises:
        ProviderError: when it holds an unknown block, or a call whose arguments are no JSON.
    """
    out: list[WireMessage] = []
    for message in messages:
        blocks = [block for item in message.content if (block := _block(item)) is not None]
        if blocks:
            out.append(WireMessage(message.role, blocks))
    return out


def _block(block: ModelBlock) -> Block | None:
    if type(block) is Text:
        return Block(block.text)
    if type(block) is ToolCall:
        return Block(tool_use=ToolUse(block.id, block.name, compact_value(TYPE, block.arguments)))
    if type(block) is content.ToolResult:
        return Block(tool_result=ToolResult(block.id, (TextBlock(block.result),)))
    if type(block) is File:
        return _file(block)
    if type(block) is Thought:
        if block.text is None:
            logger.warning("%s takes no thoughts without a text; dropped one", DISPLAY)
            return None
        return Block(reasoning_content=Reasoning(ReasoningText(block.text, block.signature)))
    raise refused(f"Unsupported content block type `unknown` for provider `{TYPE}`")


def _file(file: File) -> Block:
    if file.detail is not None:
        logger.warning("%s does not support the `detail` of files, so it will be ignored.", DISPLAY)
    mime_type = mime_type_of(file)
    source = Bytes(file.data or "")
    kind, _, subtype = mime_type.partition("/")
    if kind == "image":
        return Block(image=Image(subtype, source))
    return Block(document=Document(suffix_of(mime_type), _DOCUMENT_NAME, source))
