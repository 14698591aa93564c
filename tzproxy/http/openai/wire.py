"""The body of `POST /openai/v1/chat/completions`, decoded. Hot. Unknown keys are tolerated.

Source: OpenAI API reference, chat completions; `tensorzero::` extras of TensorZero 2026.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from tzproxy.types.params import U32, InferenceParams, ServiceTier
from tzproxy.types.request import CacheOptions, ExtraBody, ExtraHeader
from tzproxy.types.tools import GrammarFormat, ProviderTool


class CalledFunction(Struct, frozen=True):
    """Name and raw arguments of a call."""

    name: str
    arguments: str


class AssistantToolCall(Struct, frozen=True):
    """A tool call that the client sends back."""

    id: str
    type: str
    function: CalledFunction


class OpenAIMessage(Struct, frozen=True, gc=False):
    """A message of any role; which fields count depends on the role. A tool's `content` is any JSON."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Raw] | dict[str, object] | bool | int | float | None = None
    tool_calls: list[AssistantToolCall] | None = None
    tool_call_id: str | None = None
    tensorzero_extra_content: list[Raw] | None = None


class DeclaredFunction(Struct, frozen=True):
    """A function tool's declaration. `parameters` is any JSON: what is no schema fits no arguments."""

    name: str
    parameters: Raw
    description: str | None = None
    strict: bool = False


class DeclaredFunctionTool(Struct, frozen=True, tag_field="type", tag="function"):
    """A function among `tools`."""

    function: DeclaredFunction


class DeclaredGrammarFormat(Struct, frozen=True, tag_field="type", tag="grammar"):
    """Input of a custom tool that follows a grammar."""

    grammar: GrammarFormat


class DeclaredTextFormat(Struct, frozen=True, tag_field="type", tag="text"):
    """Input of a custom tool that is any text."""


class DeclaredCustom(Struct, frozen=True, forbid_unknown_fields=True):
    """A custom tool's declaration."""

    name: str
    description: str | None = None
    format: DeclaredTextFormat | DeclaredGrammarFormat | None = None


class DeclaredCustomTool(Struct, frozen=True, tag_field="type", tag="custom"):
    """A custom tool among `tools`."""

    custom: DeclaredCustom


class NamedFunction(Struct, frozen=True):
    """A function's name."""

    name: str


class ToolReference(Struct, frozen=True):
    """A tool named in a list of allowed ones."""

    type: str
    function: NamedFunction


class AllowedToolList(Struct, frozen=True):
    """The tools a choice restricts the model to."""

    tools: list[ToolReference]
    mode: Literal["auto", "required"]


class JsonSchemaObject(Struct, frozen=True):
    """The inner object of `response_format` of type `json_schema`."""

    name: str
    schema: Raw | UnsetType = UNSET
    description: str | None = None
    strict: bool = False


class TextFormat(Struct, frozen=True, tag_field="type", tag="text"):
    """`response_format` of plain text."""


class JsonObjectFormat(Struct, frozen=True, tag_field="type", tag="json_object"):
    """`response_format` of any JSON."""


class JsonSchemaFormat(Struct, frozen=True, tag_field="type", tag="json_schema"):
    """`response_format` of JSON that fits a schema."""

    json_schema: JsonSchemaObject


class StreamOptions(Struct, frozen=True):
    """`stream_options`."""

    include_usage: bool = False


class ChatCompletionRequest(Struct, frozen=True, kw_only=True, gc=False):
    """A chat completion request. Fields of the original's own start with `tensorzero::` on the wire."""

    messages: list[OpenAIMessage]
    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: U32 | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    max_tokens: U32 | None = None
    max_completion_tokens: U32 | None = None
    stop: str | list[str] | None = None
    reasoning_effort: str | None = None
    service_tier: ServiceTier | None = None
    verbosity: str | None = None
    response_format: TextFormat | JsonObjectFormat | JsonSchemaFormat | None = None
    tools: list[DeclaredFunctionTool | DeclaredCustomTool] | None = None
    tool_choice: Raw | UnsetType = UNSET
    parallel_tool_calls: bool | None = None
    n: Annotated[int, Meta(ge=0)] | None = None
    episode_id: str | None = field(default=None, name="tensorzero::episode_id")
    variant_name: str | None = field(default=None, name="tensorzero::variant_name")
    dryrun: bool | None = field(default=None, name="tensorzero::dryrun")
    cache_options: CacheOptions | None = field(default=None, name="tensorzero::cache_options")
    extra_body: Sequence[ExtraBody] = field(default=(), name="tensorzero::extra_body")
    extra_headers: Sequence[ExtraHeader] = field(default=(), name="tensorzero::extra_headers")
    tags: dict[str, str] = field(default_factory=dict, name="tensorzero::tags")
    namespace: str | None = field(default=None, name="tensorzero::namespace")
    credentials: dict[str, str] = field(default_factory=dict, name="tensorzero::credentials")
    params: InferenceParams | None = field(default=None, name="tensorzero::params")
    provider_tools: Sequence[ProviderTool] = field(default=(), name="tensorzero::provider_tools")
    deny_unknown_fields: bool = field(default=False, name="tensorzero::deny_unknown_fields")
    include_raw_usage: bool = field(default=False, name="tensorzero::include_raw_usage")
    include_raw_response: bool = field(default=False, name="tensorzero::include_raw_response")
    include_original_response: bool = field(default=False, name="tensorzero::include_original_response")
    internal_dynamic_variant_config: Raw | UnsetType = field(
        default=UNSET, name="tensorzero::internal_dynamic_variant_config"
    )


KNOWN_FIELDS = frozenset(ChatCompletionRequest.__struct_encode_fields__)
