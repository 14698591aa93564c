"""Shapes of Anthropic's messages protocol, requests and answers. Hot. No behaviour.

Requests: field order is key order. Answers: only the keys that are read.

Source: Anthropic API reference, messages; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

# ---- request


class TextBlock(Struct, tag="text", tag_field="type", gc=False):
    """Text."""

    text: str


class ToolUseBlock(Struct, tag="tool_use", tag_field="type", gc=False):
    """A tool call that the model made earlier."""

    id: str
    name: str
    input: Raw


class ToolResultBlock(Struct, tag="tool_result", tag_field="type"):
    """The result of a tool call."""

    tool_use_id: str
    content: tuple[TextBlock]


class UrlSource(Struct, tag="url", tag_field="type", gc=False):
    """A file that Anthropic fetches."""

    url: str


class DataSource(Struct, tag="base64", tag_field="type", gc=False):
    """A file's bytes."""

    media_type: str
    data: str


class ImageBlock(Struct, tag="image", tag_field="type"):
    """An image."""

    source: UrlSource | DataSource


class DocumentBlock(Struct, tag="document", tag_field="type"):
    """Any other file."""

    source: UrlSource | DataSource


class ThinkingBlock(Struct, tag="thinking", tag_field="type", gc=False):
    """Earlier reasoning. A missing signature is sent as null."""

    thinking: str
    signature: str | None


class RedactedBlock(Struct, tag="redacted_thinking", tag_field="type", gc=False):
    """Earlier reasoning that only its maker can read."""

    data: str


Block = (
    TextBlock
    | ToolUseBlock
    | ToolResultBlock
    | ImageBlock
    | DocumentBlock
    | ThinkingBlock
    | RedactedBlock
    | Raw
)


class WireMessage(Struct):
    """A turn."""

    role: str
    content: list[Block]


class OutputConfig(Struct, omit_defaults=True):
    """The form of the answer, and the effort it is worth."""

    format: Raw | None = None
    effort: str | None = None


# ---- answers


class Kind(Struct, gc=False):
    """Any block, delta or event by its type."""

    type: str


class TextIn(Struct, tag="text", tag_field="type", gc=False):
    """What the model says."""

    text: str


class ToolUseIn(Struct, tag="tool_use", tag_field="type", gc=False):
    """A tool call."""

    id: str
    name: str
    input: Raw


class ThinkingIn(Struct, tag="thinking", tag_field="type", gc=False):
    """Reasoning."""

    thinking: str
    signature: str | None = None


class RedactedIn(Struct, tag="redacted_thinking", tag_field="type", gc=False):
    """Reasoning that only its maker can read."""

    data: str


BlockIn = TextIn | ToolUseIn | ThinkingIn | RedactedIn


class UsageIn(Struct, gc=False):
    """Token counts. The input leaves out what came from or went into the cache."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class MessageIn(Struct):
    """A complete response."""

    id: str
    type: str
    role: str
    content: list[Raw]
    model: str
    usage: Raw
    stop_reason: str | None = None


# ---- events


class TextDelta(Struct, tag="text_delta", tag_field="type", gc=False):
    """A piece of text."""

    text: str


class ThinkingDelta(Struct, tag="thinking_delta", tag_field="type", gc=False):
    """A piece of reasoning."""

    thinking: str


class SignatureDelta(Struct, tag="signature_delta", tag_field="type", gc=False):
    """The signature of the reasoning."""

    signature: str


class JsonDelta(Struct, tag="input_json_delta", tag_field="type", gc=False):
    """A piece of a call's arguments."""

    partial_json: str


DeltaIn = TextDelta | ThinkingDelta | SignatureDelta | JsonDelta


class DeltaEvent(Struct):
    """A piece of the block `index`."""

    index: int
    delta: DeltaIn


class UnknownDeltaEvent(Struct):
    """A piece of the block `index`, of a kind that is not looked into."""

    index: int
    delta: Raw


class BlockEvent(Struct):
    """The block `index` begins."""

    index: int
    content_block: Raw


class ServerToolUse(Struct, gc=False):
    """A call of a tool that Anthropic runs."""

    id: str | None = None


class StartedMessage(Struct):
    """What is known of a response when it begins."""

    usage: Raw | UnsetType = UNSET


class StartEvent(Struct):
    """The response begins."""

    message: StartedMessage


class MessageDelta(Struct, gc=False):
    """Why the response ends."""

    stop_reason: str | None = None


class MessageDeltaEvent(Struct):
    """The response is about to end."""

    delta: MessageDelta
    usage: Raw | UnsetType = UNSET


class ErrorEvent(Struct):
    """A failure of the service."""

    error: Raw
