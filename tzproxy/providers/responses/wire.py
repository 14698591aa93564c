"""Shapes of the Responses API, requests and answers. Hot. No behaviour.

Requests: field order is key order, a field that has its default is left out. Answers: only the keys that
are read.

Source: OpenAI API reference, Responses; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.types.content import SummaryText

# ---- request


class InputText(Struct, tag="input_text", tag_field="type", gc=False):
    """Text towards the model."""

    text: str


class OutputText(Struct, tag="output_text", tag_field="type", gc=False):
    """Text that the model said earlier."""

    text: str


class InputImage(Struct, tag="input_image", tag_field="type", omit_defaults=True, gc=False):
    """An image by URL or data URL."""

    image_url: str
    detail: str | None = None


class InputFile(Struct, tag="input_file", tag_field="type", gc=False):
    """A file as data URL."""

    file_data: str
    filename: str


class MessageItem(Struct, tag="message", tag_field="type"):
    """One block of a turn."""

    role: str
    id: None
    content: tuple[InputText | OutputText | InputImage | InputFile]


class CallItem(Struct, tag="function_call", tag_field="type", gc=False):
    """A tool call that the model made earlier."""

    call_id: str
    name: str
    arguments: str


class CallOutputItem(Struct, tag="function_call_output", tag_field="type", gc=False):
    """The result of a tool call."""

    call_id: str
    output: str


class ReasoningItem(Struct, tag="reasoning", tag_field="type"):
    """Earlier reasoning that only its maker can read."""

    encrypted_content: str
    summary: list[SummaryText]


InputItem = MessageItem | CallItem | CallOutputItem | ReasoningItem | Raw


class Reasoning(Struct, gc=False):
    """How hard to think."""

    effort: str


class TextOptions(Struct, omit_defaults=True):
    """The form of the answer's text."""

    format: Raw
    verbosity: str | None = None


class Body(Struct, omit_defaults=True):
    """A request. The defaults of `text`, `tools` and `stream` are never used: they are always sent."""

    model: str
    input: list[InputItem]
    text: TextOptions | None = None
    tools: Raw | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: Raw | str | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None
    seed: int | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    include: tuple[str, ...] | None = None
    reasoning: Reasoning | None = None
    service_tier: str | None = None
    stream: bool | None = None


# ---- answers


class Kind(Struct, gc=False):
    """Any item or event by its type."""

    type: str


class ContentIn(Struct, gc=False):
    """A part of a message."""

    type: str
    text: str | None = None


class MessageIn(Struct, tag="message", tag_field="type"):
    """What the model says."""

    role: str
    content: list[ContentIn]


class FunctionCallIn(Struct, tag="function_call", tag_field="type", gc=False):
    """A call of a function tool."""

    call_id: str
    name: str
    arguments: str


class CustomCallIn(Struct, tag="custom_tool_call", tag_field="type", gc=False):
    """A call of a custom tool."""

    call_id: str
    name: str
    input: str


class ReasoningIn(Struct, tag="reasoning", tag_field="type"):
    """Reasoning: a summary, and the whole of it encrypted."""

    summary: list[SummaryText]
    encrypted_content: str | None = None


ItemIn = MessageIn | FunctionCallIn | CustomCallIn | ReasoningIn


class IncompleteIn(Struct, gc=False):
    """Why an answer is not complete."""

    reason: str | None = None


class CachedTokens(Struct, gc=False):
    """How many prompt tokens came from the provider's cache."""

    cached_tokens: int | None = None


class UsageIn(Struct, gc=False):
    """Token counts."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: CachedTokens | None = None


class ResponseIn(Struct):
    """A complete response."""

    output: list[Raw]
    usage: Raw | UnsetType = UNSET
    incomplete_details: IncompleteIn | None = None


# ---- events


class TextDelta(Struct, gc=False):
    """A piece of text."""

    content_index: int
    delta: str


class SummaryDelta(Struct, gc=False):
    """A piece of a reasoning summary."""

    output_index: int
    summary_index: int
    delta: str


class ItemEvent(Struct):
    """An item begins or ends."""

    output_index: int
    item: Raw


class StartedItem(Struct, gc=False):
    """An item that begins."""

    type: str
    id: str | None = None
    name: str | None = None


class ArgumentsDelta(Struct, gc=False):
    """A piece of a call's arguments."""

    delta: str


class ArgumentsDone(Struct, gc=False):
    """A call's arguments are complete."""

    item_id: str


class EndedResponse(Struct):
    """What the last event says of the response."""

    output: list[Raw] = []
    usage: Raw | UnsetType = UNSET
    incomplete_details: Raw | UnsetType = UNSET


class EndEvent(Struct):
    """The response is over."""

    response: EndedResponse


class ErrorText(Struct, gc=False):
    """A failure in words."""

    message: str | None = None


class FailedResponse(Struct):
    """A response that failed."""

    error: ErrorText | None = None


class FailedEvent(Struct):
    """The response has failed."""

    response: FailedResponse


class ErrorEvent(Struct):
    """The stream has failed."""

    error: Raw | UnsetType = UNSET


class RefusalDelta(Struct, gc=False):
    """A piece of a refusal."""

    delta: str | None = None
    refusal: str | None = None
