"""The body of `POST /openai/v1/responses`, decoded. Hot. Unknown keys are tolerated.

What the answer repeats stays raw, and is decoded apart where it means something.
Source: OpenAI API reference, responses.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from tzproxy.http.responses.extras import GatewayExtras
from tzproxy.types.content import SummaryText
from tzproxy.types.params import U32


class ResponsesRequest(GatewayExtras, frozen=True, kw_only=True):
    """A request. `conversation`, `prompt` and `previous_response_id` point at state, which is not kept."""

    model: str
    input: str | list[Raw] = ""
    instructions: str | None = None
    tools: Raw | UnsetType = UNSET
    tool_choice: Raw | UnsetType = UNSET
    parallel_tool_calls: bool | None = None
    text: Raw | UnsetType = UNSET
    reasoning: Raw | UnsetType = UNSET
    max_output_tokens: U32 | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: object = None
    prompt: object = None
    store: bool | None = None
    include: object = None
    max_tool_calls: object = None
    prompt_cache_key: object = None
    prompt_cache_retention: object = None
    safety_identifier: object = None
    stream_options: object = None
    top_logprobs: object = None
    truncation: object = None
    user: object = None


class JsonFormat(Struct, frozen=True):
    """`text.format`."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: Raw | UnsetType = UNSET


class TextOptions(Struct, frozen=True):
    """`text`."""

    format: JsonFormat | None = None
    verbosity: str | None = None


class ReasoningOptions(Struct, frozen=True):
    """`reasoning`."""

    effort: str | None = None


class ToolFormat(Struct, frozen=True):
    """`format` of a custom tool."""

    type: Literal["text", "grammar"]
    syntax: Literal["lark", "regex"] | None = None
    definition: str | None = None


class FunctionToolIn(Struct, frozen=True):
    """A tool of type `function`."""

    name: str
    description: str | None = None
    parameters: Raw | UnsetType = UNSET
    strict: bool | None = None


class CustomToolIn(Struct, frozen=True):
    """A tool of type `custom`."""

    name: str
    description: str | None = None
    format: ToolFormat | None = None


class NamedTool(Struct, frozen=True):
    """A tool named in a choice."""

    type: str = ""
    name: str | None = None


class ToolChoiceIn(Struct, frozen=True):
    """`tool_choice` as an object."""

    type: str
    name: str | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: list[NamedTool] = []


class Head(Struct, frozen=True):
    """What tells the kinds of items, tools and parts apart."""

    type: str | None = None
    role: str | None = None


class InputAudio(Struct, frozen=True):
    """`input_audio`."""

    data: str


class Part(Struct, frozen=True):
    """One entry of a content list; which fields count depends on `type`."""

    type: str = ""
    text: str | None = None
    template_arguments: dict[str, object] | None = field(default=None, name="tensorzero::arguments")
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None
    input_audio: InputAudio | None = None
    name: str | None = None
    arguments: dict[str, object] | None = None
    value: str | None = None


class MessageIn(Struct, frozen=True):
    """An item of type `message`, or of none."""

    role: str
    content: str | list[Part] = ""


class FunctionCallIn(Struct, frozen=True):
    """An item of type `function_call`."""

    call_id: str
    name: str
    arguments: str = ""


class CustomCallIn(Struct, frozen=True):
    """An item of type `custom_tool_call`."""

    call_id: str
    name: str
    input: str = ""


class CallOutputIn(Struct, frozen=True):
    """An item of type `function_call_output` or `custom_tool_call_output`."""

    call_id: str | None = None
    output: str | list[Part] = ""
    name: str | None = None


class ReasoningPart(Struct, frozen=True):
    """A paragraph of raw reasoning."""

    text: str = ""


class ReasoningIn(Struct, frozen=True):
    """An item of type `reasoning`."""

    summary: list[SummaryText] = []
    content: list[ReasoningPart] | None = None
    encrypted_content: str | None = None


REQUEST = msgspec.json.Decoder(ResponsesRequest)
TEXT = msgspec.json.Decoder(TextOptions | None)
REASONING = msgspec.json.Decoder(ReasoningOptions | None)
TOOLS = msgspec.json.Decoder(list[Raw] | None)
CHOICE = msgspec.json.Decoder(str | ToolChoiceIn | None)
HEAD = msgspec.json.Decoder(Head)
FUNCTION_TOOL = msgspec.json.Decoder(FunctionToolIn)
CUSTOM_TOOL = msgspec.json.Decoder(CustomToolIn)
MESSAGE = msgspec.json.Decoder(MessageIn)
FUNCTION_CALL = msgspec.json.Decoder(FunctionCallIn)
CUSTOM_CALL = msgspec.json.Decoder(CustomCallIn)
CALL_OUTPUT = msgspec.json.Decoder(CallOutputIn)
REASONING_ITEM = msgspec.json.Decoder(ReasoningIn)
