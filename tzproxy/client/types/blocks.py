"""Content blocks of datapoints and of stored inferences. Plain data; all fields by keyword.

Class names, fields and defaults are those of the types that TensorZero generates for its client (2026.6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tzproxy.client.types.content import Detail, System

Role = Literal["user", "assistant"]


@dataclass(kw_only=True)
class StorageKindS3Compatible:
    """An S3 bucket, or what speaks like one."""

    type: Literal["s3_compatible"] = "s3_compatible"
    allow_http: bool | None = None
    bucket_name: str | None = None
    endpoint: str | None = None
    prefix: str | None = ""
    region: str | None = None


@dataclass(kw_only=True)
class StorageKindFilesystem:
    """A folder of the gateway's machine."""

    path: str
    type: Literal["filesystem"] = "filesystem"


@dataclass(kw_only=True)
class StorageKindDisabled:
    """Nowhere: the file was not kept."""

    type: Literal["disabled"] = "disabled"


StorageKind = StorageKindS3Compatible | StorageKindFilesystem | StorageKindDisabled


@dataclass(kw_only=True)
class StoragePath:
    """Where a file is kept."""

    kind: StorageKind
    path: str


@dataclass(kw_only=True)
class Text:
    """Text."""

    text: str


@dataclass(kw_only=True)
class Template:
    """A prompt template by name, and its arguments."""

    arguments: dict[str, Any]
    name: str


@dataclass(kw_only=True)
class RawText:
    """Text that goes past templates and schemas."""

    value: str


@dataclass(kw_only=True)
class ToolCall:
    """A call of a tool in an input; `arguments` is JSON text."""

    arguments: str
    id: str
    name: str


@dataclass(kw_only=True)
class InferenceResponseToolCall:
    """A call of a tool in an answer."""

    id: str
    raw_arguments: str
    raw_name: str
    arguments: Any | None = None
    name: str | None = None


ToolCallWrapper = ToolCall | InferenceResponseToolCall


@dataclass(kw_only=True)
class ToolResult:
    """What a tool returned."""

    id: str
    name: str
    result: str


@dataclass(kw_only=True)
class ThoughtSummaryBlockSummaryText:
    """A part of the summary of a thought."""

    text: str
    type: Literal["summary_text"] = "summary_text"


ThoughtSummaryBlock = ThoughtSummaryBlockSummaryText


@dataclass(kw_only=True)
class Thought:
    """A thought of a model."""

    extra_data: Any | None = None
    provider_type: str | None = None
    signature: str | None = None
    summary: list[ThoughtSummaryBlock] | None = None
    text: str | None = None


@dataclass(kw_only=True)
class Unknown:
    """A block of a provider's own."""

    data: Any
    model_name: str | None = None
    provider_name: str | None = None


# ---- in inputs


@dataclass(kw_only=True)
class InputMessageContentText(Text):
    """Text of a message."""

    type: Literal["text"] = "text"


@dataclass(kw_only=True)
class InputMessageContentTemplate(Template):
    """A template in a message."""

    type: Literal["template"] = "template"


@dataclass(kw_only=True)
class InputMessageContentToolCall(ToolCall):
    """A call of a tool in a message."""

    type: Literal["tool_call"] = "tool_call"


@dataclass(kw_only=True)
class InputMessageContentInferenceResponseToolCall(InferenceResponseToolCall):
    """A call of a tool in a message, as an answer held it."""

    type: Literal["tool_call"] = "tool_call"


@dataclass(kw_only=True)
class InputMessageContentToolResult(ToolResult):
    """What a tool returned, in a message."""

    type: Literal["tool_result"] = "tool_result"


@dataclass(kw_only=True)
class InputMessageContentRawText:
    """Text of a message that goes past templates and schemas."""

    type: Literal["raw_text"] = "raw_text"
    value: str


@dataclass(kw_only=True)
class InputMessageContentThought(Thought):
    """A thought in a message."""

    type: Literal["thought"] = "thought"


@dataclass(kw_only=True)
class InputMessageContentFile:
    """A file in a message. `file_type` says which of the fields there are.

    TensorZero's class has `type` alone and loses the rest; here a datapoint's file survives reading.
    """

    type: Literal["file"] = "file"
    file_type: str | None = None
    url: str | None = None
    data: str | None = None
    mime_type: str | None = None
    detail: Detail | None = None
    filename: str | None = None
    source_url: str | None = None
    storage_path: StoragePath | None = None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the block as it is sent: without the parts that are None."""
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass(kw_only=True)
class InputMessageContentUnknown(Unknown):
    """A provider's own block in a message."""

    type: Literal["unknown"] = "unknown"


InputMessageContent = (
    InputMessageContentText
    | InputMessageContentTemplate
    | InputMessageContentToolCall
    | InputMessageContentInferenceResponseToolCall
    | InputMessageContentToolResult
    | InputMessageContentRawText
    | InputMessageContentThought
    | InputMessageContentFile
    | InputMessageContentUnknown
)


@dataclass(kw_only=True)
class InputMessage:
    """One message."""

    content: list[InputMessageContent]
    role: Role


@dataclass(kw_only=True)
class Input:
    """What an inference is asked."""

    messages: list[InputMessage] | None = field(default_factory=list)
    system: System | None = None


# ---- in stored inputs


@dataclass(kw_only=True)
class StoredInputMessageContentText(Text):
    """Text of a stored message."""

    type: Literal["text"] = "text"


@dataclass(kw_only=True)
class StoredInputMessageContentTemplate(Template):
    """A template in a stored message."""

    type: Literal["template"] = "template"


@dataclass(kw_only=True)
class StoredInputMessageContentToolCall(ToolCall):
    """A call of a tool in a stored message."""

    type: Literal["tool_call"] = "tool_call"


@dataclass(kw_only=True)
class StoredInputMessageContentToolResult(ToolResult):
    """What a tool returned, in a stored message."""

    type: Literal["tool_result"] = "tool_result"


@dataclass(kw_only=True)
class StoredInputMessageContentRawText:
    """Raw text of a stored message."""

    type: Literal["raw_text"] = "raw_text"
    value: str


@dataclass(kw_only=True)
class StoredInputMessageContentThought(Thought):
    """A thought in a stored message."""

    type: Literal["thought"] = "thought"


@dataclass(kw_only=True)
class StoredInputMessageContentFile:
    """A file of a stored message: where it is kept."""

    mime_type: str
    storage_path: StoragePath
    type: Literal["file"] = "file"
    detail: Detail | None = None
    filename: str | None = None
    source_url: str | None = None


@dataclass(kw_only=True)
class StoredInputMessageContentUnknown(Unknown):
    """A provider's own block in a stored message."""

    type: Literal["unknown"] = "unknown"


StoredInputMessageContent = (
    StoredInputMessageContentText
    | StoredInputMessageContentTemplate
    | StoredInputMessageContentToolCall
    | StoredInputMessageContentToolResult
    | StoredInputMessageContentRawText
    | StoredInputMessageContentThought
    | StoredInputMessageContentFile
    | StoredInputMessageContentUnknown
)


@dataclass(kw_only=True)
class StoredInputMessage:
    """One stored message."""

    content: list[StoredInputMessageContent]
    role: Role


@dataclass(kw_only=True)
class StoredInput:
    """What a stored inference was asked."""

    messages: list[StoredInputMessage] | None = field(default_factory=list)
    system: System | None = None


# ---- in outputs


@dataclass(kw_only=True)
class ContentBlockChatOutputText(Text):
    """Text of an answer."""

    type: Literal["text"] = "text"


@dataclass(kw_only=True)
class ContentBlockChatOutputToolCall(InferenceResponseToolCall):
    """A call of a tool in an answer."""

    type: Literal["tool_call"] = "tool_call"


@dataclass(kw_only=True)
class ContentBlockChatOutputThought(Thought):
    """A thought in an answer."""

    type: Literal["thought"] = "thought"


@dataclass(kw_only=True)
class ContentBlockChatOutputUnknown(Unknown):
    """A provider's own block in an answer."""

    type: Literal["unknown"] = "unknown"


ContentBlockChatOutput = (
    ContentBlockChatOutputText
    | ContentBlockChatOutputToolCall
    | ContentBlockChatOutputThought
    | ContentBlockChatOutputUnknown
)
