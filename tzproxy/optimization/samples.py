"""Examples for training: as clients give and get them. Data, and its codecs. Cold.

Source: `experimental_render_samples` of TensorZero's client (2026.6), its arguments and its results.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.errors import RequestError
from tzproxy.inference.learning_examples import StoredCall
from tzproxy.types.content import Message, StoredMessage, Text, Thought, Unknown
from tzproxy.types.request import AdditionalTool, Input
from tzproxy.types.stored import RequestedTools, brought_tools
from tzproxy.types.tools import FunctionTool, ToolChoice

NULL = Raw(b"null")
ENCODER = msgspec.json.Encoder()
OutputBlock = Text | StoredCall | Thought | Unknown
OUTPUT = msgspec.json.Decoder(list[OutputBlock])


class StoredSample(Struct, frozen=True, kw_only=True):
    """A stored inference or a datapoint, as the API gives it. A datapoint has no `inference_id`."""

    type: Literal["chat", "json"]
    function_name: str
    input: Input | None = None
    """None: it is gone, and the rest with it."""
    output: Raw = NULL
    dispreferred_outputs: list[Raw] | None = None
    inference_id: str | None = None
    episode_id: str | None = None
    allowed_tools: list[str] | None = None
    additional_tools: list[Raw] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: list[Raw] | None = None
    output_schema: Raw = NULL
    tags: dict[str, str] | None = None


class SampleInput(Struct, frozen=True, kw_only=True):
    """An input before its templates are applied. The system comes first, if there is one."""

    system: str | dict[str, object] | UnsetType | None = UNSET
    messages: list[StoredMessage]


class ModelInput(Struct, frozen=True, kw_only=True):
    """An input as a model sees it."""

    system: str | None
    messages: list[Message]


class SampleTools(Struct, frozen=True, kw_only=True):
    """The tools of a sample, as its request named them. Unset fields are left out."""

    allowed_tools: list[str] | UnsetType | None = UNSET
    additional_tools: list[Raw] | UnsetType | None = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    provider_tools: list[Raw] = []


class RenderedSample(Struct, frozen=True, kw_only=True):
    """A sample whose templates are applied. `output`: content blocks or null, of JSON functions one text."""

    function_name: str
    function_type: Literal["chat", "json"]
    input: ModelInput
    stored_input: SampleInput
    output: Raw = NULL
    stored_output: Raw = NULL
    dispreferred_outputs: list[Raw] = []
    episode_id: str | None = None
    inference_id: str | None = None
    tool_params: SampleTools = SampleTools()
    output_schema: Raw = NULL
    tags: dict[str, str] = {}

    @property
    def has_output(self) -> bool:
        """Whether there is something to learn from."""
        return bytes(self.output) != b"null"

    def output_blocks(self) -> list[OutputBlock]:
        """Return the output; empty when there is none.

        Raises:
            InvalidSampleError: when it holds what no gateway writes.
        """
        if not self.has_output:
            return []
        try:
            return OUTPUT.decode(self.output)
        except msgspec.DecodeError as exc:
            raise InvalidSampleError(f"output: {exc}") from exc

    def brought_functions(self) -> list[FunctionTool]:
        """Return the function tools that the request brought; the function's own are not among them.

        Raises:
            InvalidSampleError: for a tool that is none.
        """
        tools = self.tool_params.additional_tools or []
        try:
            return [
                _function_tool(tool)
                for tool in brought_tools(RequestedTools(additional_tools=tools))
                if tool.type != "openai_custom"
            ]
        except msgspec.DecodeError as exc:
            raise InvalidSampleError(f"tool_params.additional_tools: {exc}") from exc

    @property
    def parallel_tool_calls(self) -> bool | None:
        """Whether several tools may be called at once; None: it was not said."""
        value = self.tool_params.parallel_tool_calls
        return None if value is UNSET else value


class InvalidSampleError(RequestError):
    """A sample cannot be trained on."""

    code = "invalid_rendered_sample"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid rendered stored inference: {reason}")


def _function_tool(tool: AdditionalTool) -> FunctionTool:
    parameters = Raw(b"{}") if tool.parameters is UNSET else tool.parameters
    return FunctionTool(tool.description or "", parameters, tool.name, tool.strict)


class TrainingData(Struct, frozen=True, kw_only=True):
    """What a model learns from, and what its progress is measured on. `validation` None: on nothing."""

    training: list[RenderedSample]
    validation: list[RenderedSample] | None = None
