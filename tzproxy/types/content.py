"""Content blocks: what goes to a model, what comes back, and the pieces a stream is made of. Hot.

Field order is the order on the wire and in the stored JSON. A field with a default is left out when it
has it (`omit_defaults`); a field without one is always written, `null` included. What has `gc=False` holds
JSON and nothing else, where there are no cycles: the collector need not know of it (`test_100_requests`).

Source: formats of the HTTP API and of the stored columns (`ChatInference.output`, `ModelInference.*`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Raw, Struct

if TYPE_CHECKING:
    OptionalRaw = Raw | None
else:
    # The decoder takes the union for null alone; what was stored must be read again.
    OptionalRaw = Raw

Role = Literal["user", "assistant"]


class Text(Struct, tag="text", tag_field="type", frozen=True, gc=False):
    """Plain text."""

    text: str


class RawText(Struct, tag="raw_text", tag_field="type", frozen=True):
    """Text of a request that skips schemas and templates. Stored only; models see it as `Text`."""

    value: str


class Template(Struct, tag="template", tag_field="type", frozen=True):
    """Arguments for a named template. Stored only; models see the rendered `Text`."""

    name: str
    arguments: dict[str, object]


class ToolCall(Struct, tag="tool_call", tag_field="type", frozen=True, gc=False):
    """A model's call of a tool. `arguments` is the raw JSON text, unchecked."""

    id: str
    name: str
    arguments: str


class ToolResult(Struct, tag="tool_result", tag_field="type", frozen=True, gc=False):
    """The caller's answer to the tool call `id`."""

    name: str
    result: str
    id: str


class SummaryText(Struct, tag="summary_text", tag_field="type", frozen=True):
    """One paragraph of a reasoning summary."""

    text: str


class Thought(Struct, tag="thought", tag_field="type", frozen=True, omit_defaults=True):
    """Reasoning of a model. `provider_type` set: only providers of that type may see it again."""

    text: str | None
    signature: str | None = None
    summary: list[SummaryText] | None = None
    provider_type: str | None = None
    extra_data: OptionalRaw = None


class Unknown(Struct, tag="unknown", tag_field="type", frozen=True, omit_defaults=True):
    """A provider's own content block, passed through untouched. The names restrict who may see it."""

    data: Raw
    model_name: str | None = None
    provider_name: str | None = None


class File(Struct, tag="file", tag_field="type", frozen=True, kw_only=True):
    """A file on its way to a model: by `url`, or as base64 `data`. Never stored in this form."""

    url: str | None = None
    data: str | None = None
    mime_type: str | None = None
    detail: str | None = None
    filename: str | None = None


class StoredFile(Struct, tag="file", tag_field="type", frozen=True, omit_defaults=True):
    """A file as the store knows it: where it came from and where it is kept, never its bytes."""

    source_url: str | None
    mime_type: str
    storage_path: Raw
    detail: str | None = None
    filename: str | None = None


ModelBlock = Text | ToolCall | ToolResult | Thought | File | Unknown
"""What a message to a model may hold."""

StoredBlock = Text | RawText | Template | ToolCall | ToolResult | Thought | StoredFile | Unknown
"""What `input` columns hold."""

ModelOutput = Text | ToolCall | Thought | Unknown
"""What a model answers with."""


class Message(Struct, frozen=True, gc=False):
    """One turn as a model sees it."""

    role: Role
    content: list[ModelBlock]


class StoredMessage(Struct, frozen=True, gc=False):
    """One turn as the caller sent it, files replaced by pointers."""

    role: Role
    content: list[StoredBlock]


class StoredInput(Struct, frozen=True, omit_defaults=True, gc=False):
    """The whole input of an inference as stored. `system`: text, template arguments, or absent."""

    messages: list[StoredMessage]
    system: str | dict[str, object] | None = None


class ToolCallOutput(Struct, tag="tool_call", tag_field="type", frozen=True):
    """A tool call as clients get it: the raw form, and the checked form or nulls."""

    id: str
    raw_name: str
    raw_arguments: str
    name: str | None
    arguments: Raw | None


ChatOutput = Text | ToolCallOutput | Thought | Unknown
"""What a chat function answers with."""


class JsonOutput(Struct, frozen=True):
    """What a JSON function answers with. `parsed` is null unless `raw` fits the output schema."""

    raw: str | None
    parsed: Raw | None


class TextChunk(Struct, tag="text", tag_field="type", frozen=True, gc=False):
    """A piece of the text block `id`."""

    id: str
    text: str


class ToolCallChunk(Struct, tag="tool_call", tag_field="type", frozen=True, gc=False):
    """A piece of the tool call `id`. `raw_name` is empty when this piece carries no part of the name."""

    id: str
    raw_name: str
    raw_arguments: str


class ThoughtChunk(Struct, tag="thought", tag_field="type", frozen=True, omit_defaults=True):
    """A piece of the thought block `id`."""

    id: str
    text: str | None
    signature: str | None
    summary_id: str | None
    summary_text: str | None
    provider_type: str | None = None
    extra_data: OptionalRaw = None


class UnknownChunk(Struct, tag="unknown", tag_field="type", frozen=True, omit_defaults=True):
    """A provider's own stream part, passed through untouched."""

    id: str
    data: Raw
    model_name: str | None = None
    provider_name: str | None = None


Chunk = TextChunk | ToolCallChunk | ThoughtChunk | UnknownChunk
