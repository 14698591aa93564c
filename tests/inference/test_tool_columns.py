"""Tests of `tzproxy.inference.tool_columns`: what is written is what is read."""

from __future__ import annotations

from msgspec import Raw

from tzproxy.inference.tool_columns import dynamic_tools, json_text, tool_columns
from tzproxy.inference.tools import FunctionTools
from tzproxy.types.request import AdditionalTool, InferenceRequest, Input
from tzproxy.types.stored import ToolColumns, brought_tools, provider_tools, read_stored_tools
from tzproxy.types.tools import CustomToolFormat, ProviderTool, SpecificTool

FUNCTION = AdditionalTool(name="n", description="d", parameters=Raw(b'{ "type": "object" }'))
CUSTOM = AdditionalTool(type="openai_custom", name="c", format=CustomToolFormat("text"))


def test_there_and_back() -> None:
    """Tools are read from their columns as they were asked for."""
    asked = InferenceRequest(
        input=Input(),
        allowed_tools=["n"],
        additional_tools=[FUNCTION, CUSTOM],
        tool_choice=SpecificTool("n"),
        parallel_tool_calls=True,
        provider_tools=[ProviderTool(tool=Raw(b"{}"))],
    )
    tools = FunctionTools([], {}, tool_choice="auto", parallel_tool_calls=None).assemble(asked)
    read = read_stored_tools(tool_columns(tools))
    assert read is not None
    assert (read.allowed_tools, read.tool_choice) == (["n"], SpecificTool("n"))
    assert read.parallel_tool_calls is True
    assert [tool.name for tool in brought_tools(read)] == ["n", "c"]
    assert bytes(provider_tools(read)[0].tool) == b"{}"


def test_no_tools() -> None:
    """An inference without tools has empty columns."""
    assert tool_columns(None) == ToolColumns()


def test_elements() -> None:
    """Elements of arrays are compact texts with the stored keys alone, in the order they came."""
    other = AdditionalTool(
        type="client_side_function", name="o", description="é", parameters=Raw(b'{"a" : [1, 2]}'), strict=True
    )
    asked = InferenceRequest(input=Input(), additional_tools=[CUSTOM, FUNCTION, other])
    tools = FunctionTools([], {}, tool_choice="auto", parallel_tool_calls=None).assemble(asked)
    assert tools is not None
    assert dynamic_tools(tools) == [
        '{"type":"openai_custom","name":"c","format":{"type":"text"}}',
        '{"type":"function","description":"d","parameters":{"type":"object"},"name":"n","strict":false}',
        '{"type":"function","description":"é","parameters":{"a":[1,2]},"name":"o","strict":true}',
    ]
    assert json_text(Raw(b'{"a" : "b c"}')) == '{"a":"b c"}'
