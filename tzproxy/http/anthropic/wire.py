"""The body of `POST /anthropic/v1/messages`, decoded. Hot. Unknown keys, `cache_control` too, are tolerated.

Source: Anthropic API reference, create a message.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from tzproxy.http.responses.extras import GatewayExtras
from tzproxy.types.params import I32, U32


class Block(Struct, frozen=True):
    """A content block of any kind; which fields count depends on `type`."""

    type: str
    text: str | None = None
    template_arguments: dict[str, object] | None = field(default=None, name="tensorzero::arguments")
    id: str | None = None
    name: str | None = None
    input: Raw | UnsetType = UNSET
    tool_use_id: str | None = None
    content: str | list[Raw] | None = None
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    source: Raw | UnsetType = UNSET
    title: str | None = None
    arguments: dict[str, object] | None = None
    value: str | None = None


class Source(Struct, frozen=True):
    """Where an image or document is."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: str | list[Raw] | None = None


class WireMessage(Struct, frozen=True):
    """One turn."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Raw]


class Thinking(Struct, frozen=True):
    """`thinking`. Only `enabled` has a budget; how the others think is the model's own choice."""

    type: str
    budget_tokens: I32 | None = None


class ToolChoiceIn(Struct, frozen=True):
    """`tool_choice`."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class OutputFormat(Struct, frozen=True):
    """`output_config.format`."""

    type: Literal["json_schema"]
    schema: Raw


class OutputConfig(Struct, frozen=True):
    """`output_config`."""

    effort: str | None = None
    format: OutputFormat | None = None


class ToolIn(Struct, frozen=True):
    """An entry of `tools` that the client runs."""

    name: str
    input_schema: Raw | UnsetType = UNSET
    description: str | None = None
    strict: bool | None = None


class Head(Struct, frozen=True):
    """What tells the kinds of blocks and tools apart."""

    type: str | None = None


class MessagesRequest(GatewayExtras, frozen=True, kw_only=True):
    """A request. `top_k` has no place in the engine and is ignored."""

    model: str
    messages: list[WireMessage]
    max_tokens: U32
    system: str | list[Raw] | None = None
    tools: list[Raw] | None = None
    tool_choice: ToolChoiceIn | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    metadata: dict[str, str | None] | None = None
    service_tier: str | None = None
    stream: bool | None = None
    cache_control: object = None
    container: object = None
    context_management: object = None
    mcp_servers: object = None


REQUEST = msgspec.json.Decoder(MessagesRequest)
HEAD = msgspec.json.Decoder(Head)
BLOCK = msgspec.json.Decoder(Block)
SOURCE = msgspec.json.Decoder(Source)
TOOL = msgspec.json.Decoder(ToolIn)
