"""What a request may change of what providers are sent, parameters, and tools. Plain data; all by keyword.

Class names, fields and defaults are those of the types that TensorZero generates for its client (2026.6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

JsonMode = Literal["off", "on", "strict", "tool"]
ServiceTier = Literal["auto", "default", "priority", "flex"]
OpenAIGrammarSyntax = Literal["lark", "regex"]


@dataclass(kw_only=True)
class VariantExtraBody:
    """Sets a value in the body when this variant serves."""

    pointer: str
    value: Any
    variant_name: str


@dataclass(kw_only=True)
class VariantExtraBodyDelete:
    """Takes a value out of the body when this variant serves."""

    delete: Literal[True] = True
    pointer: str
    variant_name: str


@dataclass(kw_only=True)
class ModelProviderExtraBody:
    """Sets a value in the body for this model, and only for this of its providers if one is named."""

    model_name: str
    pointer: str
    value: Any
    provider_name: str | None = None


@dataclass(kw_only=True)
class ModelProviderExtraBodyDelete:
    """Takes a value out of the body for this model."""

    delete: Literal[True] = True
    model_name: str
    pointer: str
    provider_name: str | None = None


@dataclass(kw_only=True)
class AlwaysExtraBody:
    """Sets a value in every body."""

    pointer: str
    value: Any


@dataclass(kw_only=True)
class AlwaysExtraBodyDelete:
    """Takes a value out of every body."""

    delete: Literal[True] = True
    pointer: str


ExtraBody = (
    VariantExtraBody
    | VariantExtraBodyDelete
    | ModelProviderExtraBody
    | ModelProviderExtraBodyDelete
    | AlwaysExtraBody
    | AlwaysExtraBodyDelete
)


@dataclass(kw_only=True)
class ExtraBodyReplacementKindValue:
    """Sets a value."""

    value: Any


ExtraBodyReplacementKind = Literal["delete"] | ExtraBodyReplacementKindValue


@dataclass(kw_only=True)
class VariantExtraHeader:
    """Sets a header when this variant serves."""

    name: str
    value: str
    variant_name: str


@dataclass(kw_only=True)
class VariantExtraHeaderDelete:
    """Takes a header away when this variant serves."""

    delete: Literal[True] = True
    name: str
    variant_name: str


@dataclass(kw_only=True)
class ModelProviderExtraHeader:
    """Sets a header for this model."""

    model_name: str
    name: str
    value: str
    provider_name: str | None = None


@dataclass(kw_only=True)
class ModelProviderExtraHeaderDelete:
    """Takes a header away for this model."""

    delete: Literal[True] = True
    model_name: str
    name: str
    provider_name: str | None = None


@dataclass(kw_only=True)
class AlwaysExtraHeader:
    """Sets a header always."""

    name: str
    value: str


@dataclass(kw_only=True)
class AlwaysExtraHeaderDelete:
    """Takes a header away always."""

    delete: Literal[True] = True
    name: str


ExtraHeader = (
    VariantExtraHeader
    | VariantExtraHeaderDelete
    | ModelProviderExtraHeader
    | ModelProviderExtraHeaderDelete
    | AlwaysExtraHeader
    | AlwaysExtraHeaderDelete
)


@dataclass(kw_only=True)
class ChatCompletionInferenceParams:
    """Parameters of chat completion variants."""

    frequency_penalty: float | None = None
    json_mode: JsonMode | None = None
    max_tokens: int | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    seed: int | None = None
    service_tier: ServiceTier | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    thinking_budget_tokens: int | None = None
    top_p: float | None = None
    verbosity: str | None = None


@dataclass(kw_only=True)
class InferenceParams:
    """Parameters by type of variant."""

    chat_completion: ChatCompletionInferenceParams


@dataclass(kw_only=True)
class FunctionTool:
    """A tool whose arguments have a schema."""

    description: str
    name: str
    parameters: Any
    type: Literal["function"] = "function"
    strict: bool | None = False


@dataclass(kw_only=True)
class OpenAICustomToolFormatText:
    """A custom tool takes any text."""

    type: Literal["text"] = "text"


@dataclass(kw_only=True)
class OpenAIGrammarDefinition:
    """A grammar."""

    definition: str
    syntax: OpenAIGrammarSyntax


@dataclass(kw_only=True)
class OpenAICustomToolFormatGrammar:
    """A custom tool takes text of a grammar."""

    grammar: OpenAIGrammarDefinition
    type: Literal["grammar"] = "grammar"


OpenAICustomToolFormat = OpenAICustomToolFormatText | OpenAICustomToolFormatGrammar


@dataclass(kw_only=True)
class OpenAICustomTool:
    """A custom tool of OpenAI."""

    name: str
    type: Literal["openai_custom"] = "openai_custom"
    description: str | None = None
    format: OpenAICustomToolFormat | None = None


Tool = FunctionTool | OpenAICustomTool


@dataclass(kw_only=True)
class ProviderToolScopeModelProvider:
    """A provider's own tool is for this model, and only for this of its providers if one is named."""

    model_name: str
    provider_name: str | None = None


ProviderToolScope = ProviderToolScopeModelProvider | None


@dataclass(kw_only=True)
class ProviderTool:
    """A tool that a provider runs itself."""

    tool: Any
    scope: ProviderToolScope = None


@dataclass(kw_only=True)
class ToolChoiceSpecific:
    """This tool must be called."""

    specific: str


ToolChoice = Literal["none", "auto", "required"] | ToolChoiceSpecific


@dataclass(kw_only=True)
class DynamicToolParams:
    """What a request says of tools."""

    additional_tools: list[Tool] | None = None
    allowed_tools: list[str] | None = None
    parallel_tool_calls: bool | None = None
    provider_tools: list[ProviderTool] | None = field(default_factory=list)
    tool_choice: ToolChoice | None = None
