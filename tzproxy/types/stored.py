"""Reads what the JSON columns of stored inferences and datapoints hold, in today's and in older forms. Cold.

Lenient: keys that this version does not know are passed over.
Source: data model of TensorZero 2026.6, sections on inputs and tool columns.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from tzproxy.types.content import (
    RawText,
    Role,
    StoredBlock,
    StoredFile,
    StoredInput,
    StoredMessage,
    Template,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Unknown,
)
from tzproxy.types.request import AdditionalTool, ThoughtInput, given
from tzproxy.types.tools import ProviderTool, ToolChoice

TREE = msgspec.json.Decoder()
ENCODER = msgspec.json.Encoder()
RENAMED = '"model_provider_name"'
"""A key of older gateways that a decoder would pass over; whatever else was different it refuses."""

QUALIFIED = "tensorzero::model_name::"
BETWEEN = "::provider_name::"


class ToolColumns(Struct, frozen=True, kw_only=True):
    """The tool columns of a chat row. The texts are JSON, but for a bare `tool_choice`."""

    tool_params: str = ""
    """The older form: all tools that were offered, or nothing."""
    dynamic_tools: list[str] = []
    dynamic_provider_tools: list[str] = []
    allowed_tools: str | None = None
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None


class RequestedTools(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The tools of a stored row as a request would name them; the order of the fields is the wire's."""

    allowed_tools: list[str] | None = None
    """Names; None: those of the function and all that were brought."""
    additional_tools: list[Raw] = []
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: list[Raw] = []


class _AllowedTools(Struct, frozen=True):
    tools: list[str]
    choice: str


class _ToolParams(Struct, frozen=True):
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None


class _ReadMessage(Struct, frozen=True):
    role: Role
    content: list[Text | RawText | Template | ToolCall | ToolResult | ThoughtInput | StoredFile | Unknown]


class _ReadInput(Struct, frozen=True):
    messages: list[_ReadMessage]
    system: str | dict[str, object] | None = None


INPUT = msgspec.json.Decoder(_ReadInput)
ALLOWED_TOOLS = msgspec.json.Decoder(_AllowedTools)
TOOL_PARAMS = msgspec.json.Decoder(_ToolParams)
CHOICE: msgspec.json.Decoder[ToolChoice] = msgspec.json.Decoder(ToolChoice)
ADDITIONAL_TOOL = msgspec.json.Decoder(AdditionalTool)
PROVIDER_TOOL = msgspec.json.Decoder(ProviderTool)


def read_stored_input(text: str) -> StoredInput:
    """Read an `input` column.

    Raises:
        msgspec.DecodeError: when it is no stored input.
    """
    if RENAMED in text:
        return _older_input(text)
    try:
        return _as_written(INPUT.decode(text))
    except msgspec.ValidationError:
        return _older_input(text)


def _older_input(text: str) -> StoredInput:
    tree = TREE.decode(text)
    try:
        for message in tree["messages"]:
            content = message["content"]
            if isinstance(content, str):
                content = [{"type": "text", "text": content}]
            message["content"] = [_modern(block, message["role"]) for block in content]
    except (TypeError, KeyError, AttributeError) as exc:
        raise msgspec.ValidationError(f"no stored input: {exc!r}") from exc
    # Through text once more: only the decoder of JSON can keep parts as they are.
    return _as_written(INPUT.decode(ENCODER.encode(tree)))


def _as_written(read: _ReadInput) -> StoredInput:
    messages = [
        StoredMessage(message.role, [_block(block) for block in message.content]) for message in read.messages
    ]
    return StoredInput(messages, read.system)


def _block(block: StoredBlock | ThoughtInput) -> StoredBlock:
    return thought(block) if isinstance(block, ThoughtInput) else block


def thought(block: ThoughtInput) -> Thought:
    """Return a thought as it is written; the decoder needs another type to keep its extra data."""
    provider_type = block.provider_type or block.internal_provider_type
    return Thought(block.text, block.signature, block.summary, provider_type, given(block.extra_data))


def _modern(block: dict[str, Any], role: str) -> dict[str, Any]:
    kind = block.get("type")
    if kind == "text" and "value" in block:
        value = block["value"]
        if isinstance(value, str):
            return {"type": "text", "text": value}
        return {"type": "template", "name": role, "arguments": value}
    if kind in ("image", "file"):
        return _modern_file(block)
    if kind == "unknown" and isinstance(block.get("model_provider_name"), str):
        qualified = block["model_provider_name"]
        model_name, _, provider_name = qualified.removeprefix(QUALIFIED).rpartition(BETWEEN)
        return {"model_name": model_name or None, "provider_name": provider_name or None, **block}
    return block


def _modern_file(block: dict[str, Any]) -> dict[str, Any]:
    inner = block.get("file") or block.get("image")
    if not isinstance(inner, dict):
        return {**block, "type": "file"}
    return {
        "type": "file",
        "source_url": inner.get("url", inner.get("source_url")),
        "mime_type": inner["mime_type"],
        "storage_path": block["storage_path"],
    }


def read_stored_tools(columns: ToolColumns) -> RequestedTools | None:
    """Read the tool columns of a chat row; None: it had no tools.

    Raises:
        msgspec.DecodeError: when they are not what a gateway writes.
    """
    if columns.allowed_tools is None and columns.tool_choice is None:
        if not columns.tool_params:
            return None
        params = TOOL_PARAMS.decode(columns.tool_params)
        return RequestedTools(tool_choice=params.tool_choice, parallel_tool_calls=params.parallel_tool_calls)
    allowed = None if columns.allowed_tools is None else ALLOWED_TOOLS.decode(columns.allowed_tools)
    return RequestedTools(
        allowed_tools=None if allowed is None or allowed.choice == "function_default" else allowed.tools,
        additional_tools=[Raw(_today(tool).encode()) for tool in columns.dynamic_tools],
        tool_choice=None if columns.tool_choice is None else _choice(columns.tool_choice),
        parallel_tool_calls=columns.parallel_tool_calls,
        provider_tools=[Raw(tool.encode()) for tool in columns.dynamic_provider_tools],
    )


def _choice(text: str) -> ToolChoice:
    return CHOICE.decode(text if text[:1] in ('"', "{") else f'"{text}"')


def _today(tool: str) -> str:
    """Call a function tool by its name of today."""
    return tool.replace('"type":"client_side_function"', '"type":"function"', 1)


def choice_text(choice: ToolChoice) -> str:
    """Write a choice as its column has it: a bare word, or an object."""
    return choice if isinstance(choice, str) else ENCODER.encode(choice).decode()


def brought_tools(tools: RequestedTools) -> list[AdditionalTool]:
    """Decode the tools that the request brought."""
    return [ADDITIONAL_TOOL.decode(tool) for tool in tools.additional_tools]


def provider_tools(tools: RequestedTools) -> list[ProviderTool]:
    """Decode the tools that providers run themselves."""
    return [PROVIDER_TOOL.decode(tool) for tool in tools.provider_tools]
