"""Tools and tool choice of Anthropic's messages protocol. Hot; the result is kept."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from tzproxy.providers.errors import refused
from tzproxy.types.tools import FunctionTool, SpecificTool, ToolConfig

_ENCODE = msgspec.json.Encoder().encode
_WORDS = {"auto": "auto", "required": "any"}


class WireTools(Struct, frozen=True):
    """Everything a body says about tools that the caller runs. `choice` is sent if any tools are.

    `tools` None: there are none, unlike an empty list. `is_silent`: no tools are to be sent, not even those
    that the provider runs.
    """

    tools: tuple[Raw, ...] | None = None
    choice: Raw | None = None
    is_silent: bool = False


NO_TOOLS = WireTools()
_SILENCE = WireTools(is_silent=True)


class _Tool(Struct, omit_defaults=True):
    name: str
    description: str
    input_schema: Raw
    strict: bool | None = None


class _Choice(Struct, gc=False):
    type: str
    disable_parallel_tool_use: bool


class _NamedChoice(Struct, tag="tool", tag_field="type", gc=False):
    name: str
    disable_parallel_tool_use: bool


def build_tools(config: ToolConfig, *, strict: bool) -> WireTools:
    """Write the tools of one inference. `strict`: each says whether its arguments are strictly checked.

    Raises:
        ProviderError: when there are OpenAI's custom tools.
    """
    if config.custom_tools:
        raise refused("OpenAI custom tools are not supported by this provider")
    choice = config.tool_choice
    if choice == "none":
        return _SILENCE
    alone = config.parallel_tool_calls is False
    wire: _Choice | _NamedChoice
    if isinstance(choice, SpecificTool):
        wire = _NamedChoice(choice.specific, alone)
    else:
        wire = _Choice(_WORDS[choice], alone)
    # SPEC: if none of the tools is left for this provider, that is an empty list, unlike no tools at all.
    tools = None
    if config.tools or config.provider_tools:
        tools = tuple(_tool(tool, strict) for tool in config.offered())
    return WireTools(tools, Raw(_ENCODE(wire)))


def _tool(tool: FunctionTool, strict: bool) -> Raw:
    schema = Raw(msgspec.json.format(tool.parameters, indent=-1))
    return Raw(_ENCODE(_Tool(tool.name, tool.description, schema, tool.strict if strict else None)))
