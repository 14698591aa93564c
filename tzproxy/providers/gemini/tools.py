"""Tools and tool choice of Gemini's content protocol. Hot; the result is kept."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct, field

from tzproxy.providers.errors import refused
from tzproxy.providers.gemini.schema import cleaned
from tzproxy.types.tools import SpecificTool, ToolConfig

_ENCODE = msgspec.json.Encoder().encode


class WireTools(Struct, frozen=True):
    """Everything a body says about tools; None is left out."""

    tools: Raw | None = None
    tool_config: Raw | None = None


NO_TOOLS = WireTools()


class _Declaration(Struct):
    name: str
    description: str
    parameters: Raw


class _Declarations(Struct, rename="camel"):
    function_declarations: list[_Declaration]


class _Calling(Struct, omit_defaults=True):
    mode: str
    allowed: list[str] | None = field(default=None, name="allowedFunctionNames")


class _Config(Struct, rename="camel"):
    function_calling_config: _Calling


def build_tools(config: ToolConfig) -> WireTools:
    """Write the tools of one inference: all are declared, the choice may name those allowed.

    Raises:
        ProviderError: when there are OpenAI's custom tools among others.
    """
    if not config.tools:
        return NO_TOOLS
    if config.custom_tools:
        raise refused("OpenAI custom tools are not supported by this provider")
    declared = [_Declaration(tool.name, tool.description, cleaned(tool.parameters)) for tool in config.tools]
    return WireTools(Raw(_ENCODE([_Declarations(declared)])), Raw(_ENCODE(_Config(_calling(config)))))


def _calling(config: ToolConfig) -> _Calling:
    choice = config.tool_choice
    if isinstance(choice, SpecificTool):
        return _Calling("any", [choice.specific])
    if choice == "none":
        return _Calling("none")
    if config.allowed.choice == "explicit":
        return _Calling("any", config.allowed.tools)
    return _Calling("any" if choice == "required" else "auto")
