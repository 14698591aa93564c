"""The tool columns that inferences and datapoints are stored with. Hot where tools are."""

from __future__ import annotations

import msgspec

from tzproxy.inference.tools import InferenceTools
from tzproxy.types.rows import ToolParams
from tzproxy.types.stored import ToolColumns, choice_text

ENCODER = msgspec.json.Encoder()
NO_TOOLS = ToolColumns()


def tool_columns(tools: InferenceTools | None) -> ToolColumns:
    """Write assembled tools as a row has them."""
    if tools is None:
        return NO_TOOLS
    config = tools.config
    return ToolColumns(
        tool_params=json_text(ToolParams(config.tools, config.tool_choice, config.parallel_tool_calls)),
        dynamic_tools=[json_text(dynamic_tool(tool)) for tool in tools.dynamic],
        dynamic_provider_tools=[json_text(tool) for tool in config.provider_tools],
        allowed_tools=json_text(config.allowed),
        tool_choice=choice_text(config.tool_choice),
        parallel_tool_calls=config.parallel_tool_calls,
    )


def json_text(value: object) -> str:
    """Write JSON as text; parts that clients sent lose their white space."""
    return msgspec.json.format(ENCODER.encode(value), indent=-1).decode()


def dynamic_tool(tool: msgspec.Struct) -> dict[str, object]:
    """Return a tool that a request brought, with the keys that it is stored with."""
    fields = msgspec.structs.asdict(tool)
    kind = fields.pop("type")
    if kind == "openai_custom":
        wanted = {
            name: fields[name] for name in ("name", "description", "format") if fields[name] is not None
        }
        return {"type": kind, **wanted}
    return {
        "type": "function",
        "description": fields["description"],
        "parameters": fields["parameters"],
        "name": fields["name"],
        "strict": fields["strict"],
    }
