"""Tools, the choice among them and allow-lists on the chat-completions wire. Hot; the result is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Raw, Struct, field

from tzproxy.providers.errors import refused
from tzproxy.types.tools import CustomTool, FunctionTool, SpecificTool, ToolConfig

_ENCODER = msgspec.json.Encoder()


SAME_CHOICES: Mapping[str, str | None] = {"auto": "auto", "required": "required", "none": "none"}


class ToolRules(Struct, frozen=True, kw_only=True):
    """How a service takes tools.

    `strict`: whether a tool says if its arguments are strictly checked. `native_allow_list`: it takes all
    tools and a list of those allowed, instead of the allowed ones alone. `custom`: it knows custom tools.
    `choices`: its words for ours; None: with that choice it gets no tools at all.
    """

    strict: bool = True
    native_allow_list: bool = False
    custom: bool = False
    choices: Mapping[str, str | None] = field(default_factory=lambda: SAME_CHOICES)


class WireTools(Struct, frozen=True):
    """Everything a body says about tools; None is left out."""

    tools: Raw | None = None
    tool_choice: Raw | str | None = None
    parallel_tool_calls: bool | None = None


NO_TOOLS = WireTools()


class _Function(Struct, gc=False):
    name: str
    description: str
    parameters: Raw


class _Name(Struct, gc=False):
    name: str


class _FunctionItem(Struct, tag="function", tag_field="type", omit_defaults=True):
    function: _Function | _Name
    strict: bool | None = None


class _Grammar(Struct, gc=False):
    syntax: str
    definition: str


class _Format(Struct, omit_defaults=True):
    type: str
    grammar: _Grammar | None = None


class _Custom(Struct, omit_defaults=True):
    name: str
    description: str | None = None
    format: _Format | None = None


class _CustomItem(Struct, tag="custom", tag_field="type"):
    custom: _Custom | _Name


class _AllowList(Struct):
    mode: Literal["auto", "required"]
    tools: list[_FunctionItem | _CustomItem]


class _AllowedItem(Struct, tag="allowed_tools", tag_field="type"):
    allowed_tools: _AllowList


def build_tools(rules: ToolRules, config: ToolConfig) -> WireTools:
    """Write the tools of one inference.

    Raises:
        ProviderError: when there are custom tools among others and the service knows none.
    """
    # SPEC: a service that knows no custom tools is told nothing if there are no others; else it is an error.
    if not config.tools and not (config.custom_tools and rules.custom):
        return NO_TOOLS
    if config.custom_tools and not rules.custom:
        raise refused("OpenAI custom tools are not supported by this provider")
    # SPEC: a restriction that leaves none of the tools is an empty list on the wire, with its choice.
    functions = config.tools if rules.native_allow_list else config.offered()
    choice = config.tool_choice
    plain = rules.choices[choice] if isinstance(choice, str) else None
    if isinstance(choice, str) and plain is None:
        return NO_TOOLS
    items: list[_FunctionItem | _CustomItem] = [
        _function_item(tool, strict=rules.strict) for tool in functions
    ]
    items += [_custom_item(tool) for tool in config.custom_tools]
    wire_choice: Raw | str | None = plain
    if rules.native_allow_list and config.allowed.choice == "explicit" and choice != "none":
        wire_choice = Raw(_ENCODER.encode(_allow_list(config)))
    elif isinstance(choice, SpecificTool):
        wire_choice = Raw(_ENCODER.encode(_FunctionItem(_Name(choice.specific))))
    return WireTools(Raw(_ENCODER.encode(items)), wire_choice, config.parallel_tool_calls)


def build_no_tools(rules: ToolRules, config: ToolConfig) -> WireTools:
    """Write nothing: the service takes no tools, and is not told that there were any."""
    return NO_TOOLS


ToolWriter = Callable[[ToolRules, ToolConfig], WireTools]


def _function_item(tool: FunctionTool, *, strict: bool) -> _FunctionItem:
    parameters = Raw(msgspec.json.format(tool.parameters, indent=-1))
    return _FunctionItem(_Function(tool.name, tool.description, parameters), tool.strict if strict else None)


def _custom_item(tool: CustomTool) -> _CustomItem:
    form = tool.format
    if form is None:
        return _CustomItem(_Custom(tool.name, tool.description))
    grammar = None if form.grammar is None else _Grammar(form.grammar.syntax, form.grammar.definition)
    return _CustomItem(_Custom(tool.name, tool.description, _Format(form.type, grammar)))


def _allow_list(config: ToolConfig) -> _AllowedItem:
    custom = {tool.name for tool in config.custom_tools}
    return _AllowedItem(
        _AllowList(
            "required" if config.tool_choice == "required" else "auto",
            [
                _CustomItem(_Name(name)) if name in custom else _FunctionItem(_Name(name))
                for name in config.allowed.tools
            ],
        )
    )
