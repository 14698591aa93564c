"""The tool columns that inferences and datapoints are stored with. Hot where tools are."""

from __future__ import annotations

import msgspec

from tzproxy.inference.tools import InferenceTools
from tzproxy.types.request import AdditionalTool
from tzproxy.types.rows import ToolParams
from tzproxy.types.stored import ToolColumns, choice_text
from tzproxy.types.tools import FunctionTool

ENCODER = msgspec.json.Encoder()


class StoredFunction(msgspec.Struct, tag="function", tag_field="type", frozen=True):
    """A function tool that a request brought, as an element of `dynamic_tools`."""

    description: str
    parameters: msgspec.Raw
    name: str
    strict: bool


NO_TOOLS = ToolColumns()


def tool_columns(tools: InferenceTools | None) -> ToolColumns:
    """Write assembled tools as a row has them."""
    if tools is None:
        return NO_TOOLS
    config = tools.config
    return ToolColumns(
        tool_params=json_text(ToolParams(config.tools, config.tool_choice, config.parallel_tool_calls)),
        dynamic_tools=dynamic_tools(tools),
        dynamic_provider_tools=[json_text(tool) for tool in config.provider_tools],
        allowed_tools=json_text(config.allowed),
        tool_choice=choice_text(config.tool_choice),
        parallel_tool_calls=config.parallel_tool_calls,
    )


def json_text(value: object) -> str:
    """Write JSON as text; parts that clients sent lose their white space."""
    return msgspec.json.format(ENCODER.encode(value), indent=-1).decode()


def dynamic_tools(tools: InferenceTools) -> list[str]:
    """Write the tools that a request brought, with the keys that they are stored with."""
    functions = {tool.name: tool for tool in tools.config.tools} if tools.dynamic else {}
    return [
        json_text(_custom(tool)) if tool.type == "openai_custom" else _function_text(functions[tool.name])
        for tool in tools.dynamic
    ]


def _function_text(tool: FunctionTool) -> str:
    # PERF: as it is offered to the model its schema is compact already (test_encode_rows_with_tools).
    stored = StoredFunction(tool.description, tool.parameters, tool.name, tool.strict)
    return ENCODER.encode(stored).decode()


def _custom(tool: AdditionalTool) -> dict[str, object]:
    fields = {"name": tool.name, "description": tool.description, "format": tool.format}
    return {"type": tool.type, **{name: value for name, value in fields.items() if value is not None}}
