"""Shapes of Bedrock's Converse API, requests and answers. Hot. No behaviour.

Requests: field order is key order, a field that is None is left out. Answers: only the keys that are read.

Source: Amazon Bedrock API reference, Converse and ConverseStream; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

# ---- request


class TextBlock(Struct, gc=False):
    """Text."""

    text: str


class ToolUse(Struct, rename="camel", gc=False):
    """A tool call that the model made earlier."""

    tool_use_id: str
    name: str
    input: Raw


class ToolResult(Struct, rename="camel"):
    """The result of a tool call."""

    tool_use_id: str
    content: tuple[TextBlock]


class Bytes(Struct, gc=False):
    """A file's bytes as base64."""

    bytes: str


class Image(Struct, gc=False):
    """An image."""

    format: str
    source: Bytes


class Document(Struct, gc=False):
    """Any other file."""

    format: str
    name: str
    source: Bytes


class ReasoningText(Struct, omit_defaults=True, gc=False):
    """Reasoning."""

    text: str
    signature: str | None = None


class Reasoning(Struct, rename="camel", gc=False):
    """Earlier reasoning."""

    reasoning_text: ReasoningText


class Block(Struct, omit_defaults=True, rename="camel"):
    """A content block: one of these."""

    text: str | None = None
    tool_use: ToolUse | None = None
    tool_result: ToolResult | None = None
    image: Image | None = None
    document: Document | None = None
    reasoning_content: Reasoning | None = None


class WireMessage(Struct):
    """A turn."""

    role: str
    content: list[Block]


class InferenceConfig(Struct, omit_defaults=True, rename="camel"):
    """Parameters that all models take."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class Body(Struct, omit_defaults=True, rename="camel"):
    """A request. The default of `inference_config` is never used: it is always sent."""

    messages: list[WireMessage]
    system: tuple[TextBlock] | None = None
    inference_config: InferenceConfig | None = None
    tool_config: Raw | None = None
    additional_model_request_fields: Raw | None = None


# ---- answers


class ToolUseIn(Struct, rename="camel"):
    """A tool call."""

    tool_use_id: str
    name: str
    input: Raw


class ReasoningIn(Struct, rename="camel", forbid_unknown_fields=True):
    """Reasoning, in words or redacted."""

    reasoning_text: ReasoningText | None = None
    redacted_content: Raw | UnsetType = UNSET


class BlockIn(Struct, rename="camel", forbid_unknown_fields=True):
    """A content block: one of these."""

    text: str | None = None
    tool_use: ToolUseIn | None = None
    reasoning_content: ReasoningIn | None = None


class MessageIn(Struct):
    """What the model says."""

    content: list[BlockIn]


class OutputIn(Struct):
    """Where the message is."""

    message: MessageIn | None = None


class UsageIn(Struct, rename="camel", gc=False):
    """Token counts. The input leaves out what came from or went into the cache."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class ResponseIn(Struct, rename="camel"):
    """A complete response."""

    output: OutputIn
    stop_reason: str
    usage: Raw


# ---- events


class ToolStart(Struct, rename="camel", gc=False):
    """A tool call begins."""

    tool_use_id: str
    name: str


class Start(Struct, rename="camel"):
    """What begins, as far as it is known."""

    tool_use: ToolStart | None = None


class StartEvent(Struct):
    """A block begins."""

    start: Start


class ToolDelta(Struct, gc=False):
    """A piece of a call's arguments."""

    input: str


class ReasoningDelta(Struct, gc=False):
    """A piece of reasoning, or its signature."""

    text: str | None = None
    signature: str | None = None


class Delta(Struct, rename="camel"):
    """A piece of a block, as far as it is known."""

    text: str | None = None
    tool_use: ToolDelta | None = None
    reasoning_content: ReasoningDelta | None = None


class DeltaEvent(Struct, rename="camel"):
    """A piece of the block with this index."""

    content_block_index: int
    delta: Delta


class StopEvent(Struct, rename="camel"):
    """The message ends."""

    stop_reason: str


class MetadataEvent(Struct):
    """What the response cost."""

    usage: Raw | UnsetType = UNSET
