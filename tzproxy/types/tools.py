"""Tools as requests, configuration and providers name them. Hot.

Source: `additional_tools`, `tool_choice`, `provider_tools` of the HTTP API; tool columns of the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Raw, Struct


class FunctionTool(Struct, frozen=True):
    """A function tool that may be offered to a model. `parameters` is its JSON Schema, key order kept."""

    description: str
    parameters: Raw
    name: str
    strict: bool = False


class GrammarFormat(Struct, frozen=True):
    """A grammar for the input of a custom tool."""

    syntax: Literal["lark", "regex"]
    definition: str


class CustomToolFormat(Struct, frozen=True, omit_defaults=True):
    """What a custom tool's input looks like."""

    type: Literal["text", "grammar"]
    grammar: GrammarFormat | None = None


class CustomTool(Struct, frozen=True, omit_defaults=True):
    """An OpenAI custom tool: free-text input instead of JSON arguments."""

    name: str
    description: str | None = None
    format: CustomToolFormat | None = None


class ProviderToolScope(Struct, frozen=True, omit_defaults=True):
    """The model, and perhaps its provider, that a provider tool is meant for."""

    model_name: str
    provider_name: str | None = None


class ProviderTool(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool that the provider itself runs. `scope` null: for all."""

    scope: ProviderToolScope | None = None
    tool: Raw


class SpecificTool(Struct, frozen=True, forbid_unknown_fields=True):
    """The choice of one tool by its display name."""

    specific: str


ToolChoice = Literal["none", "auto", "required"] | SpecificTool
AllowedToolsChoice = Literal["function_default", "explicit"]


class AllowedTools(Struct, frozen=True):
    """Which tools may be called. `explicit`: the request restricted them."""

    tools: list[str]
    choice: AllowedToolsChoice


class ToolConfig(Struct, frozen=True, kw_only=True):
    """All tools of one inference, in the order offered."""

    tools: list[FunctionTool]
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    allowed: AllowedTools
    custom_tools: list[CustomTool] = []
    provider_tools: Sequence[ProviderTool] = ()

    def offered(self) -> list[FunctionTool]:
        """Return the tools for a provider without a native allow-list: only the allowed ones.

        The original compares the request's words with the names that models know, so that a configured
        tool whose name is not its key is allowed by its name alone.
        """
        if self.allowed.choice != "explicit":
            return self.tools
        allowed = self.allowed.tools
        return [tool for tool in self.tools if tool.name in allowed]
