"""Shapes of the OpenAI chat-completions wire, requests and answers. Hot. No behaviour.

Requests: field order is key order, a field that is None is left out. Answers: only the keys that are
read; `UNSET` tells an absent key from `null` where the protocol demands the key.

Source: OpenAI API reference, chat completions; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from msgspec import UNSET, Raw, Struct, UnsetType

# ---- request: messages


class TextPart(Struct, tag="text", tag_field="type", gc=False):
    """Text among other parts."""

    text: str


class ImageUrl(Struct, omit_defaults=True, gc=False):
    """Where an image is: a URL or a data URL."""

    url: str
    detail: str | None = None


class ImagePart(Struct, tag="image_url", tag_field="type", gc=False):
    """An image."""

    image_url: ImageUrl


class AudioData(Struct, gc=False):
    """Sound as base64, with its short format name."""

    data: str
    format: str


class AudioPart(Struct, tag="input_audio", tag_field="type", gc=False):
    """A sound."""

    input_audio: AudioData


class FileData(Struct, gc=False):
    """A file as data URL."""

    file_data: str
    filename: str


class FilePart(Struct, tag="file", tag_field="type", gc=False):
    """A file that is neither image nor sound."""

    file: FileData


class TextChunkPart(Struct, tag="text", tag_field="type", gc=False):
    """Text in a list of chunks, which may hold nothing but text and thinking."""

    text: str


class ThinkingPart(Struct, tag="thinking", tag_field="type"):
    """Reasoning among other parts."""

    thinking: list[TextChunkPart]


Part = TextPart | ImagePart | AudioPart | FilePart | ThinkingPart | Raw
Content = str | list[Part]


class FunctionCall(Struct, gc=False):
    """Name and raw JSON arguments of a call."""

    name: str
    arguments: str


class CallPart(Struct, gc=False):
    """A tool call that the model made earlier."""

    id: str
    type: str
    function: FunctionCall


class ReasoningDetail(Struct, omit_defaults=True, gc=False):
    """One of OpenRouter's reasoning details; which fields are set depends on `type`."""

    type: str
    summary: str | None = None
    data: str | None = None
    text: str | None = None
    signature: str | None = None
    format: str | None = None


class SystemMessage(Struct, tag="system", tag_field="role", gc=False):
    """Instructions."""

    content: str


class UserMessage(Struct, tag="user", tag_field="role", gc=False):
    """A turn of the user."""

    content: Content


class AssistantMessage(Struct, tag="assistant", tag_field="role", omit_defaults=True, gc=False):
    """A turn of the model. At most one of the three reasoning fields is used by one service."""

    content: Content | None = None
    tool_calls: list[CallPart] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None


class ChunkedAssistantMessage(Struct, tag="assistant", tag_field="role", gc=False):
    """A turn of the model whose content may hold thinking; a null content is sent."""

    content: Content | None
    tool_calls: list[CallPart] | UnsetType = UNSET


class ToolMessage(Struct, tag="tool", tag_field="role", gc=False):
    """The result of a tool call."""

    content: str
    tool_call_id: str


WireMessage = SystemMessage | UserMessage | AssistantMessage | ChunkedAssistantMessage | ToolMessage


# ---- answers


class CalledFunction(Struct, gc=False):
    """Name and raw JSON arguments of a call."""

    name: str
    arguments: str


class FunctionCallIn(Struct, tag="function", tag_field="type", gc=False):
    """A call of a function tool."""

    id: str
    function: CalledFunction


class OnlyFunctionCallIn(Struct, gc=False):
    """A call of a function tool, from a service that knows no other calls."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class WholeCallIn(Struct, gc=False):
    """A call from a service that does not say what kind of call it is."""

    id: str
    function: CalledFunction


class CalledCustom(Struct, gc=False):
    """Name and free-text input of a custom tool's call."""

    name: str
    input: str


class CustomCallIn(Struct, tag="custom", tag_field="type", gc=False):
    """A call of a custom tool."""

    id: str
    custom: CalledCustom


class MessageIn(Struct, gc=False):
    """The model's turn."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[FunctionCallIn | CustomCallIn] | None = None


class DetailText(Struct, tag="reasoning.text", tag_field="type", gc=False):
    """Reasoning in plain text."""

    text: str | None = None
    signature: str | None = None
    format: str | None = None
    index: int | None = None


class DetailSummary(Struct, tag="reasoning.summary", tag_field="type", gc=False):
    """A summary of reasoning."""

    summary: str
    format: str | None = None
    index: int | None = None


class DetailEncrypted(Struct, tag="reasoning.encrypted", tag_field="type", gc=False):
    """Reasoning that only its maker can read."""

    data: str
    format: str | None = None
    index: int | None = None


DetailIn = DetailText | DetailSummary | DetailEncrypted


class DetailedMessageIn(Struct):
    """The model's turn as OpenRouter sends it."""

    content: str | None = None
    reasoning_details: list[DetailIn] | None = None
    tool_calls: list[OnlyFunctionCallIn] | None = None


class ObjectFunction(Struct):
    """A call whose arguments are a JSON value instead of text."""

    name: str
    arguments: Raw


class ObjectCallIn(Struct):
    """A call of a function tool with arguments as a JSON value."""

    id: str
    type: str
    function: ObjectFunction


class ObjectCallMessageIn(Struct):
    """The model's turn as Text Generation Inference sends it."""

    content: str | None = None
    tool_calls: list[ObjectCallIn] | None = None


MessageT = TypeVar("MessageT")


class ChoiceIn(Struct, Generic[MessageT], gc=False):
    """One answer."""

    index: int
    message: MessageT
    finish_reason: str | None | UnsetType = UNSET


class CompletionIn(Struct, Generic[MessageT], gc=False):
    """A complete response."""

    choices: list[ChoiceIn[MessageT]]
    usage: Raw | UnsetType = UNSET


class CachedTokens(Struct, gc=False):
    """How many prompt tokens came from the provider's cache."""

    cached_tokens: int | None = None


class ReasoningTokens(Struct, gc=False):
    """How many tokens the model spent thinking."""

    reasoning_tokens: int | None = None


class UsageIn(Struct, gc=False):
    """Token counts."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: CachedTokens | None = None
    completion_tokens_details: ReasoningTokens | None = None
    prompt_cache_hit_tokens: int | None = None
    prompt_cache_miss_tokens: int | None = None


# ---- streamed answers


class FunctionDelta(Struct, gc=False):
    """A piece of a call."""

    name: str | None = None
    arguments: str | None = None


class CallDelta(Struct, gc=False):
    """A piece of a tool call; the id comes with the first piece only."""

    function: FunctionDelta
    index: int | None = None
    id: str | None = None


class Delta(Struct):
    """A piece of the model's turn."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CallDelta] | None = None


class DetailedDelta(Struct):
    """A piece of the model's turn as OpenRouter sends it."""

    content: str | None = None
    reasoning_details: list[DetailIn] | None = None
    tool_calls: list[CallDelta] | None = None


DeltaT = TypeVar("DeltaT")


class ChoiceDelta(Struct, Generic[DeltaT]):
    """A piece of one answer."""

    delta: DeltaT
    finish_reason: str | None = None


class ChunkIn(Struct, Generic[DeltaT]):
    """One event of a stream."""

    choices: list[ChoiceDelta[DeltaT]]
    usage: Raw | UnsetType = UNSET
