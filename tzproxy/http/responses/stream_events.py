"""The events of a streamed response, as written. Hot. Source: OpenAI API reference, streaming events."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from tzproxy.http.responses.objects import OutputItem, OutputText, ResponseObject
from tzproxy.http.responses.relay import named_frame
from tzproxy.types.content import SummaryText

ENCODER = msgspec.json.Encoder()


class Event(Struct, tag_field="type", frozen=True, kw_only=True):
    """Any event. `sequence_number` counts from 0 without gaps."""

    sequence_number: int


class Created(Event, tag="response.created", frozen=True, kw_only=True):
    """The response exists."""

    response: ResponseObject


class InProgress(Event, tag="response.in_progress", frozen=True, kw_only=True):
    """The response is being made."""

    response: ResponseObject


class Completed(Event, tag="response.completed", frozen=True, kw_only=True):
    """The response is whole."""

    response: ResponseObject


class Incomplete(Event, tag="response.incomplete", frozen=True, kw_only=True):
    """The response ended early."""

    response: ResponseObject


class Failed(Event, tag="response.failed", frozen=True, kw_only=True):
    """The response broke."""

    response: ResponseObject


class ItemEvent(Event, frozen=True, kw_only=True):
    """Any event about an item as a whole."""

    output_index: int
    item: OutputItem


class ItemAdded(ItemEvent, tag="response.output_item.added", frozen=True, kw_only=True):
    """An item begins."""


class ItemDone(ItemEvent, tag="response.output_item.done", frozen=True, kw_only=True):
    """An item is whole."""


class InItem(Event, frozen=True, kw_only=True):
    """Any event inside an item."""

    item_id: str
    output_index: int


class PartAdded(InItem, tag="response.content_part.added", frozen=True, kw_only=True):
    """A message's part begins."""

    content_index: int = 0
    part: OutputText


class PartDone(InItem, tag="response.content_part.done", frozen=True, kw_only=True):
    """A message's part is whole."""

    content_index: int = 0
    part: OutputText


class TextDelta(InItem, tag="response.output_text.delta", frozen=True, kw_only=True):
    """Text goes on."""

    content_index: int = 0
    delta: str
    logprobs: list[str] = []


class TextDone(InItem, tag="response.output_text.done", frozen=True, kw_only=True):
    """Text is whole."""

    content_index: int = 0
    text: str
    logprobs: list[str] = []


class ArgumentsDelta(InItem, tag="response.function_call_arguments.delta", frozen=True, kw_only=True):
    """Arguments of a call go on."""

    delta: str


class ArgumentsDone(InItem, tag="response.function_call_arguments.done", frozen=True, kw_only=True):
    """Arguments of a call are whole."""

    name: str
    arguments: str


class CustomInputDelta(InItem, tag="response.custom_tool_call_input.delta", frozen=True, kw_only=True):
    """The input of a custom tool goes on."""

    delta: str


class CustomInputDone(InItem, tag="response.custom_tool_call_input.done", frozen=True, kw_only=True):
    """The input of a custom tool is whole."""

    input: str


class SummaryPartAdded(InItem, tag="response.reasoning_summary_part.added", frozen=True, kw_only=True):
    """A paragraph of reasoning begins."""

    summary_index: int
    part: SummaryText


class SummaryPartDone(InItem, tag="response.reasoning_summary_part.done", frozen=True, kw_only=True):
    """A paragraph of reasoning is whole."""

    summary_index: int
    part: SummaryText


class SummaryDelta(InItem, tag="response.reasoning_summary_text.delta", frozen=True, kw_only=True):
    """A paragraph of reasoning goes on."""

    summary_index: int
    delta: str


class SummaryDone(InItem, tag="response.reasoning_summary_text.done", frozen=True, kw_only=True):
    """The text of a paragraph of reasoning is whole."""

    summary_index: int
    text: str


KINDS: tuple[type[Event], ...] = (
    Created,
    InProgress,
    Completed,
    Incomplete,
    Failed,
    ItemAdded,
    ItemDone,
    PartAdded,
    PartDone,
    TextDelta,
    TextDone,
    ArgumentsDelta,
    ArgumentsDone,
    CustomInputDelta,
    CustomInputDone,
    SummaryPartAdded,
    SummaryPartDone,
    SummaryDelta,
    SummaryDone,
)
NAMES = {kind: str(kind.__struct_config__.tag).encode() for kind in KINDS}


def event_frame(event: Event) -> bytes:
    """Write an event under its name."""
    return named_frame(NAMES[type(event)], ENCODER.encode(event))
