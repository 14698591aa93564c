"""Content blocks: what messages are made of, and what answers hold. Plain data.

Class names, fields, their order and their defaults are those of TensorZero's client (2026.6).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Detail = Literal["low", "high", "auto"]
System = str | dict[str, Any]


class HasTypeField(Protocol):
    """What says of which kind it is."""

    type: str


@dataclass
class ContentBlock(HasTypeField):
    """The root of all blocks."""


@dataclass
class Template(ContentBlock):
    """A prompt template of the function, by name, and its arguments."""

    name: str
    arguments: Any
    type: str = "template"


@dataclass
class Text(ContentBlock):
    """Text; or, in the older way, arguments of the template that is named after the role."""

    text: str | None = None
    arguments: Any | None = None
    type: str = "text"

    def __post_init__(self) -> None:
        """Check that there is one of the two.

        Raises:
            ValueError: when there is none, or both.
        """
        if self.text is None and self.arguments is None:
            raise ValueError("Either `text` or `arguments` must be provided.")
        if self.text is not None and self.arguments is not None:
            raise ValueError("Only one of `text` or `arguments` must be provided.")
        given: object = self.text
        if given is not None and not isinstance(given, str):
            warnings.warn(
                "`Text(text=...)` takes a string: give arguments of a template as `Text(arguments=...)`",
                DeprecationWarning,
                stacklevel=3,
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the block as it is sent."""
        if isinstance(self.text, str):
            return {"type": "text", "text": self.text}
        return {"type": "text", "arguments": self.text if self.arguments is None else self.arguments}


@dataclass
class RawText(ContentBlock):
    """Text that goes past the function's templates and schemas."""

    value: str
    type: str = "raw_text"


@dataclass
class ImageBase64(ContentBlock):
    """An image."""

    data: str | None
    mime_type: str | None = None
    type: str = "image"


@dataclass
class FileBase64(ContentBlock):
    """A file of any kind."""

    data: str | None
    mime_type: str | None = None
    type: str = "file"


@dataclass
class ImageUrl(ContentBlock):
    """An image that the gateway fetches."""

    url: str
    mime_type: str | None = None
    detail: Detail | None = None
    type: str = "image"


@dataclass
class FileUrl(ContentBlock):
    """A file that the gateway fetches."""

    url: str
    type: str = "file"


@dataclass
class ToolCall(ContentBlock):
    """A call of a tool. `name` and `arguments` are there when they fit an offered tool and its schema."""

    id: str
    raw_arguments: str
    raw_name: str
    arguments: dict[str, Any] | None = None
    name: str | None = None
    type: str = "tool_call"

    def to_dict(self) -> dict[str, Any]:
        """Return the block as it is sent: without the parts that are None."""
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass
class ToolResult(ContentBlock):
    """What a tool returned for the call with this id."""

    name: str
    result: str
    id: str
    type: str = "tool_result"


@dataclass
class ThoughtSummaryBlock:
    """A part of the summary of a thought."""

    text: str
    type: str = "summary_text"


@dataclass
class Thought(ContentBlock):
    """What a model thought before it answered."""

    text: str | None = None
    type: str = "thought"
    signature: str | None = None
    summary: list[ThoughtSummaryBlock] | None = None
    provider_type: str | None = None


@dataclass
class UnknownContentBlock(ContentBlock):
    """A block of a provider's own, as it came."""

    data: Any
    model_name: str | None = None
    provider_name: str | None = None
    type: str = "unknown"


@dataclass
class ContentBlockChunk(HasTypeField):
    """The root of the pieces of blocks."""


@dataclass
class TextChunk(ContentBlockChunk):
    """More text of the block with this id."""

    id: str
    text: str
    type: str = "text"


@dataclass
class ToolCallChunk(ContentBlockChunk):
    """More of a call's arguments, and of its name."""

    id: str
    raw_arguments: str
    raw_name: str
    type: str = "tool_call"


@dataclass
class ThoughtChunk(ContentBlockChunk):
    """More of a thought."""

    id: str
    text: str | None
    type: str = "thought"
    signature: str | None = None
    summary_id: str | None = None
    summary_text: str | None = None
    provider_type: str | None = None


@dataclass
class UnknownChunk(ContentBlockChunk):
    """A piece of a provider's own."""

    id: str
    data: Any
    type: str = "unknown"
