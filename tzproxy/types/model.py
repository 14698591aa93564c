"""What the engine hands to a provider and what it gets back. Hot."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

from tzproxy.types.content import Chunk, Message, ModelOutput
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import ToolConfig
from tzproxy.types.usage import FinishReason, Usage

ApiType = Literal["chat_completions", "responses", "embeddings", "other"]


class ModelRequest(Struct, frozen=True, kw_only=True, gc=False):
    """One call of a model, independent of who provides it.

    `json_mode` is what providers know of: a configured `tool` arrives as `off` plus a forced tool.
    Content that this provider must not see (foreign thoughts, scoped unknown blocks) is already gone.
    """

    inference_id: str
    messages: list[Message]
    system: str | None = None
    tool_config: ToolConfig | None = None
    params: ChatParams = ChatParams()
    stream: bool = False
    json_mode: Literal["off", "on", "strict"] = "off"
    function_type: Literal["chat", "json"] = "chat"
    output_schema: Raw | None = None
    model_name: str = ""
    provider_name: str = ""
    fetch_files: bool = False


class ProviderResponse(Struct, frozen=True, gc=False):
    """A provider's complete answer. `raw_usage` is its own usage object, untouched."""

    output: list[ModelOutput]
    usage: Usage
    finish_reason: FinishReason | None = None
    raw_usage: Raw | None = None


class ProviderChunk(Struct, frozen=True):
    """One piece of a provider's stream. May carry content, usage, the finish reason, or none of them."""

    content: list[Chunk]
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    raw_usage: Raw | None = None
