"""Demonstrations: checked against what their inference could have answered, written as outputs are. Cold."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from tzproxy.clickhouse.queries.feedback import StoredTools
from tzproxy.errors import RequestError, SchemaValidationError, TzproxyError
from tzproxy.inference.demonstration_blocks import CallBlock, DemonstrationError, TextBlock, read_block
from tzproxy.inference.tools import FunctionTools
from tzproxy.prompts import JsonSchema
from tzproxy.types.content import ChatOutput, JsonOutput, Text, ToolCallOutput
from tzproxy.types.request import AdditionalTool, InferenceRequest, Input
from tzproxy.types.tools import FunctionTool

ENCODER = msgspec.json.Encoder()
DYNAMIC_TOOL = msgspec.json.Decoder(AdditionalTool)
JUDGE = "tensorzero::llm_judge"
NOTHING = Input()

Schemas = Mapping[str, JsonSchema | None]
"""Tools by display name; None for a tool that takes text instead of JSON arguments."""


class _AllowedTools(Struct, frozen=True):
    tools: list[str]
    choice: str


class _ToolParams(Struct, frozen=True):
    tools_available: list[FunctionTool] = []


ALLOWED_TOOLS = msgspec.json.Decoder(_AllowedTools)
TOOL_PARAMS = msgspec.json.Decoder(_ToolParams)


def chat_demonstration(value: object, schemas: Schemas) -> str:
    """Return the stored form of a chat function's demonstration.

    Raises:
        DemonstrationError: when it is neither text nor blocks, or calls a tool in a way that is not offered.
    """
    if isinstance(value, str):
        return ENCODER.encode([Text(value)]).decode()
    if not isinstance(value, list):
        raise DemonstrationError("Demonstration must be a string or an array of content blocks")
    return ENCODER.encode(
        [_output(block, schemas) for block in [read_block(item) for item in value]]
    ).decode()


def _output(block: TextBlock | CallBlock, schemas: Schemas) -> ChatOutput:
    if isinstance(block, TextBlock):
        return Text(block.text)
    if block.name not in schemas:
        raise DemonstrationError("Demonstration contains invalid tool name")
    schema = schemas[block.name]
    if schema is None or not schema.is_valid(block.arguments):
        raise DemonstrationError("Demonstration contains invalid tool call arguments")
    arguments = ENCODER.encode(block.arguments)
    return ToolCallOutput(block.id, block.name, arguments.decode(), block.name, Raw(arguments))


def json_demonstration(value: object, schema: JsonSchema) -> str:
    """Return the stored form of a JSON function's demonstration.

    Raises:
        DemonstrationError: when it does not fit the schema.
    """
    try:
        schema.validate(value)
    except SchemaValidationError as exc:
        raise DemonstrationError(f"Demonstration does not fit function output schema: {exc.message}") from exc
    parsed = ENCODER.encode(value)
    return ENCODER.encode(JsonOutput(parsed.decode(), Raw(parsed))).decode()


def stored_schemas(stored: StoredTools, tools: FunctionTools) -> Schemas:
    """Return the tools of a stored inference: the function's, and those that the request brought.

    Raises:
        RequestError: when the row names a tool that is not configured any more.
    """
    if stored.allowed_tools is None and stored.tool_choice is None:
        return _older_schemas(stored.tool_params, tools) if stored.tool_params else {}
    allowed = None if stored.allowed_tools is None else ALLOWED_TOOLS.decode(stored.allowed_tools)
    dynamic = [DYNAMIC_TOOL.decode(tool) for tool in stored.dynamic_tools]
    names = None if allowed is None or allowed.choice == "function_default" else allowed.tools
    return _schemas(tools, dynamic, names)


def _older_schemas(tool_params: str, tools: FunctionTools) -> Schemas:
    """Read the older form, which lists all tools offered and does not say where each came from."""
    own = _schemas(tools, [], None)
    offered = TOOL_PARAMS.decode(tool_params).tools_available
    dynamic = [
        AdditionalTool(name=tool.name, description=tool.description, parameters=tool.parameters)
        for tool in offered
        if tool.name not in own
    ]
    return _schemas(tools, dynamic, None)


def _schemas(tools: FunctionTools, dynamic: list[AdditionalTool], allowed: list[str] | None) -> Schemas:
    request = InferenceRequest(
        input=NOTHING, additional_tools=dynamic, allowed_tools=allowed, tool_choice="auto"
    )
    assembled = tools.assemble(request)
    return {} if assembled is None else assembled.schemas


def stored_output_schema(text: str, function_name: str) -> JsonSchema:
    """Compile the schema of a stored JSON inference.

    The judges' schemas used to demand their reasoning as well: of those only the score is asked for.

    Raises:
        TzproxyError: when the request had brought something that is no schema.
    """
    value = msgspec.json.decode(text)
    if function_name.startswith(JUDGE) and isinstance(value, dict):
        if "thinking" in value.get("properties", ()):
            value = {**value, "required": ["score"]}
    try:
        return JsonSchema.dynamic(value)
    except RequestError as exc:
        raise TzproxyError(f"Failed to compile JSON Schema: {exc.__cause__}") from exc
