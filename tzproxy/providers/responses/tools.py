"""Tools, tool choice and allow-lists of the Responses API. Hot; the result is kept."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw, Struct

from tzproxy.types.tools import CustomTool, FunctionTool, SpecificTool, ToolConfig

_ENCODE = msgspec.json.Encoder().encode


class WireTools(Struct, frozen=True):
    """Everything a body says about tools that the caller runs. `choice` None: left out."""

    tools: tuple[Raw, ...] = ()
    choice: Raw | str | None = None
    parallel_tool_calls: bool | None = None


NO_TOOLS = WireTools()


class _Function(Struct, tag="function", tag_field="type"):
    name: str
    description: str
    parameters: Raw
    strict: bool


class _Format(Struct, omit_defaults=True):
    type: str
    syntax: str | None = None
    definition: str | None = None


class _Custom(Struct, tag="custom", tag_field="type", omit_defaults=True):
    name: str
    description: str | None = None
    format: _Format | None = None


class _Named(Struct, gc=False):
    type: str
    name: str


class _AllowList(Struct):
    mode: Literal["auto", "required"]
    tools: list[_Named]
    type: str = "allowed_tools"


def build_tools(config: ToolConfig) -> WireTools:
    """Write the tools of one inference."""
    if not (config.tools or config.custom_tools or config.provider_tools):
        return NO_TOOLS
    tools = tuple(Raw(_ENCODE(_function(tool))) for tool in config.tools)
    tools += tuple(Raw(_ENCODE(_custom(tool))) for tool in config.custom_tools)
    return WireTools(tools, _choice(config), config.parallel_tool_calls)


def _function(tool: FunctionTool) -> _Function:
    parameters = Raw(msgspec.json.format(tool.parameters, indent=-1))
    return _Function(tool.name, tool.description, parameters, tool.strict)


def _custom(tool: CustomTool) -> _Custom:
    form = tool.format
    if form is None:
        return _Custom(tool.name, tool.description)
    grammar = form.grammar
    if grammar is None:
        return _Custom(tool.name, tool.description, _Format(form.type))
    return _Custom(tool.name, tool.description, _Format(form.type, grammar.syntax, grammar.definition))


def _choice(config: ToolConfig) -> Raw | str:
    choice = config.tool_choice
    if config.allowed.choice == "explicit":
        # SPEC: the list wins over every choice, `none` included; custom tools are named like functions.
        named = [_Named("function", name) for name in config.allowed.tools]
        return Raw(_ENCODE(_AllowList("required" if choice == "required" else "auto", named)))
    if isinstance(choice, SpecificTool):
        return Raw(_ENCODE(_AllowList("required", [_Named("function", choice.specific)])))
    return choice
