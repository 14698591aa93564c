"""Tests of `tzproxy.inference.tools`: assembly from function and request, and the check of calls."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from in_process import CHAT, MODEL, StartGateway, completion, tool_calls
from tzproxy.errors import RequestError
from tzproxy.inference.tools import FunctionTools, InferenceTools, Tool, checked_call, checked_output
from tzproxy.prompts import JsonSchema
from tzproxy.types.content import Text, ToolCall, ToolCallOutput
from tzproxy.types.request import InferenceRequest
from tzproxy.types.tools import AllowedTools, FunctionTool, SpecificTool, ToolChoice

PARAMETERS = b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'
SCHEMA = JsonSchema(PARAMETERS, key="k")


def configured(key: str, name: str | None = None) -> Tool:
    """A tool of the configuration."""
    return Tool(key, FunctionTool("", Raw(PARAMETERS), name or key), SCHEMA)


ALL = {
    "weather": configured("weather"),
    "time": configured("time", "clock"),
    "extra": configured("extra"),
    "twin": configured("twin", "weather"),
}
BROUGHT = {"name": "brought", "description": "d", "parameters": {"type": "object"}}


def assemble(
    *keys: str,
    choice: ToolChoice = "auto",
    parallel: bool | None = None,
    **request: object,
) -> InferenceTools | None:
    """Assemble a function with these tools and a request."""
    tools = FunctionTools(list(keys), ALL, tool_choice=choice, parallel_tool_calls=parallel)
    body = msgspec.json.encode({"input": {}, **request})
    return tools.assemble(msgspec.json.decode(body, type=InferenceRequest))


def names_of(tools: InferenceTools | None) -> list[str]:
    """The display names in the order offered."""
    assert tools is not None
    return [tool.name for tool in tools.config.tools]


def test_a_request_without_tools_gets_what_was_prepared() -> None:
    """The function's own tools are assembled once, when it is built."""
    function = FunctionTools(["weather", "time"], ALL, tool_choice="required", parallel_tool_calls=True)
    request = msgspec.json.decode(b'{"input":{}}', type=InferenceRequest)
    tools = function.assemble(request)
    assert tools is function.assemble(request)
    assert names_of(tools) == ["weather", "clock"]
    assert tools is not None
    assert (tools.config.tool_choice, tools.config.parallel_tool_calls) == ("required", True)
    assert tools.config.allowed == AllowedTools(["weather", "time"], "function_default")
    assert tools.dynamic == ()


@pytest.mark.parametrize("request_fields", [{}, {"tool_choice": "required"}, {"parallel_tool_calls": True}])
def test_no_tools_is_no_configuration(request_fields: dict[str, object]) -> None:
    """Without any tool nothing is sent, whatever else the request says."""
    assert assemble(**request_fields) is None


def test_brought_tools_come_after_the_functions() -> None:
    """Additional tools are available beside the function's, and all are allowed by default."""
    tools = assemble("weather", additional_tools=[BROUGHT])
    assert names_of(tools) == ["weather", "brought"]
    assert tools is not None
    assert tools.config.allowed == AllowedTools(["weather", "brought"], "function_default")
    assert tools.config.offered() == tools.config.tools
    assert [tool.name for tool in tools.dynamic] == ["brought"]
    assert names_of(assemble(additional_tools=[BROUGHT])) == ["brought"]


def test_allowed_names_are_keys_and_make_configured_tools_available() -> None:
    """A configured tool that the function does not have becomes available by naming its key."""
    tools = assemble("weather", "time", allowed_tools=["extra", "time"])
    assert names_of(tools) == ["weather", "clock", "extra"]
    assert tools is not None
    assert tools.config.allowed == AllowedTools(["extra", "time"], "explicit")
    # Services without an allow-list compare with the names that models know, as the original does.
    assert [tool.name for tool in tools.config.offered()] == ["extra"]


def test_an_empty_list_allows_none() -> None:
    """An explicit empty restriction hides every tool but keeps them known."""
    tools = assemble("weather", allowed_tools=[])
    assert tools is not None
    assert tools.config.offered() == []
    assert tools.config.allowed == AllowedTools([], "explicit")


def test_names_may_be_repeated() -> None:
    """Naming a tool twice is naming it once."""
    assert names_of(assemble(allowed_tools=["extra", "extra"])) == ["extra"]
    assert names_of(assemble("weather", allowed_tools=["weather", "weather"])) == ["weather"]


def test_a_brought_tool_shadows_a_configured_key() -> None:
    """A name that the request brings a tool for means that tool."""
    brought = {**BROUGHT, "name": "extra"}
    assert names_of(assemble("weather", additional_tools=[brought], allowed_tools=["extra"])) == [
        "weather",
        "extra",
    ]


@pytest.mark.parametrize(
    ("keys", "fields", "message"),
    [
        (["weather"], {"allowed_tools": ["zz"]}, "Tool not found: zz"),
        (["time"], {"allowed_tools": ["clock"]}, "Tool not found: clock"),
        (["weather"], {"tool_choice": {"specific": "zz"}}, "Tool not found: zz"),
        (["time"], {"tool_choice": {"specific": "time"}}, "Tool not found: time"),
        (
            ["weather"],
            {"additional_tools": [{**BROUGHT, "name": "weather"}]},
            "Duplicate tool name: weather. Tool names must be unique.",
        ),
        (
            [],
            {"additional_tools": [BROUGHT, {"type": "openai_custom", "name": "brought"}]},
            "Duplicate tool name: brought. Tool names must be unique.",
        ),
        (["weather", "twin"], {}, "Duplicate tool name: weather. Tool names must be unique."),
        (
            ["weather"],
            {"allowed_tools": ["twin"]},
            "Duplicate tool name: weather. Tool names must be unique.",
        ),
        (
            [],
            {"additional_tools": [{"name": "a", "description": "d"}]},
            "additional_tools: missing field `parameters` of tool `a`",
        ),
        (
            [],
            {"additional_tools": [{"name": "a", "parameters": {}}]},
            "additional_tools: missing field `description` of tool `a`",
        ),
        ([], {"tool_choice": {"specific": "a"}}, "Tool not found: a"),
    ],
)
def test_bad_tools_are_refused(keys: list[str], fields: dict[str, Any], message: str) -> None:
    """Unknown, ambiguous and broken tools are the client's mistake."""
    with pytest.raises(RequestError) as caught:
        assemble(*keys, **fields)
    assert caught.value.message.startswith(message)


def test_a_choice_is_matched_by_display_name() -> None:
    """The tool that must be called is named as the model knows it, brought tools included."""
    for name in ("clock", "brought"):
        tools = assemble("time", additional_tools=[BROUGHT], tool_choice={"specific": name})
        assert tools is not None
        assert tools.config.tool_choice == SpecificTool(name)
    tools = assemble("time", choice=SpecificTool("clock"))
    assert tools is not None
    assert tools.config.tool_choice == SpecificTool("clock")


def test_the_request_overrides_choice_and_parallel_calls() -> None:
    """What the request says about calling wins over the function."""
    overrides = {"tool_choice": "none", "parallel_tool_calls": False}
    tools = assemble("weather", choice="required", parallel=True, **overrides)
    assert tools is not None
    assert (tools.config.tool_choice, tools.config.parallel_tool_calls) == ("none", False)


def test_schemas_of_brought_tools_keep_their_key_order() -> None:
    """A schema goes to the provider as it came, without spaces."""
    tool = b'{"name": "a", "description": "", "strict": true, "parameters": { "z": 1, "a": [ ] }}'
    body = b'{"input": {}, "additional_tools": [%s]}' % tool
    tools = FunctionTools([], ALL, tool_choice="auto", parallel_tool_calls=None).assemble(
        msgspec.json.decode(body, type=InferenceRequest)
    )
    assert tools is not None
    assert tools.config.tools == [FunctionTool("", Raw(b'{"z":1,"a":[]}'), "a", True)]


def test_custom_and_provider_tools_are_kept_apart() -> None:
    """OpenAI's custom tools are no function tools; provider tools alone are tools, too."""
    tools = assemble(additional_tools=[{"type": "openai_custom", "name": "c", "format": {"type": "text"}}])
    assert tools is not None
    assert tools.config.tools == []
    assert [tool.name for tool in tools.config.custom_tools] == ["c"]
    tools = assemble(provider_tools=[{"tool": {"type": "web_search"}}])
    assert tools is not None
    assert tools.config.tools == []
    assert tools.config.provider_tools[0].tool == Raw(b'{"type":"web_search"}')


# ---- what a model calls


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("weather", '{"city": "Oslo"}', ("weather", b'{"city":"Oslo"}')),
        ("weather", '{"city": "Oslo", "unit": 1}', ("weather", b'{"city":"Oslo","unit":1}')),
        ("weather", '{"city": 5}', ("weather", None)),
        ("weather", "{}", ("weather", None)),
        ("weather", "{", ("weather", None)),
        ("weather", "", ("weather", None)),
        ("weather", '"Oslo"', ("weather", None)),
        ("clock", '{"city": ""}', ("clock", b'{"city":""}')),
        ("time", '{"city": ""}', (None, None)),
        ("zz", '{"city": ""}', (None, None)),
        ("custom", "free text", ("custom", None)),
        ("custom", '{"a":1}', ("custom", None)),
    ],
)
def test_calls_are_checked(name: str, arguments: str, expected: tuple[str | None, bytes | None]) -> None:
    """A known name and fitting arguments are given; the raw forms always are."""
    tools = assemble("weather", "time", additional_tools=[{"type": "openai_custom", "name": "custom"}])
    checked = checked_call(ToolCall("1", name, arguments), tools)
    found, parsed = expected
    assert checked == ToolCallOutput("1", name, arguments, found, None if parsed is None else Raw(parsed))


@pytest.mark.parametrize("parameters", [{"type": 5}, 5, None])
def test_no_arguments_fit_a_broken_schema(parameters: object) -> None:
    """A tool whose parameters are no schema is offered, and its calls have no checked arguments."""
    broken = {"name": "a", "description": "d", "parameters": parameters}
    tools = assemble(additional_tools=[broken])
    assert names_of(tools) == ["a"]
    assert checked_call(ToolCall("1", "a", "{}"), tools) == ToolCallOutput("1", "a", "{}", "a", None)


def test_calls_without_any_tools_are_unknown() -> None:
    """A model that calls what nobody offered is heard, but not believed."""
    output = checked_output([Text("a"), ToolCall("1", "n", "{}")], None)
    assert output == [Text("a"), ToolCallOutput("1", "n", "{}", None, None)]


TOOLS = (
    MODEL
    + CHAT.replace('type = "chat"\n', 'type = "chat"\ntools = ["weather"]\n', 1)
    + '[tools.weather]\ndescription = "Weather"\nparameters = "weather.json"\nname = "get_weather"\n'
    + '[tools.other]\ndescription = "Other"\nparameters = "weather.json"\n'
)
FILES = {"weather.json": PARAMETERS.decode()}


async def test_a_call_from_request_to_rows(start: StartGateway) -> None:
    """A call is answered in both forms, stored in both, and kept raw in ModelInference."""
    calls = tool_calls(("get_weather", '{"city": "Oslo"}'), ("zz", "{"))
    gateway = await start(TOOLS, [completion(None, tool_calls=calls)], files=FILES)
    reply = await gateway.infer(additional_tools=[BROUGHT], tool_choice="required", parallel_tool_calls=True)
    content = [
        {
            "type": "tool_call",
            "id": "call_0",
            "raw_name": "get_weather",
            "raw_arguments": '{"city": "Oslo"}',
            "name": "get_weather",
            "arguments": {"city": "Oslo"},
        },
        {
            "type": "tool_call",
            "id": "call_1",
            "raw_name": "zz",
            "raw_arguments": "{",
            "name": None,
            "arguments": None,
        },
    ]
    assert reply.json()["content"] == content
    assert reply.json()["finish_reason"] == "tool_call"
    sent = gateway.sent[0]
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["get_weather", "brought"]
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ("required", True)
    assert gateway.chat_rows[0]["output"] == content
    assert json.loads(gateway.model_rows[0]["output"]) == [
        {"type": "tool_call", "id": "call_0", "name": "get_weather", "arguments": '{"city": "Oslo"}'},
        {"type": "tool_call", "id": "call_1", "name": "zz", "arguments": "{"},
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"allowed_tools": ["zz"]}, "Tool not found: zz"),
        ({"tool_choice": {"specific": "weather"}}, "Tool not found: weather"),
        (
            {"additional_tools": [{**BROUGHT, "name": "get_weather"}]},
            "Duplicate tool name: get_weather. Tool names must be unique.",
        ),
    ],
)
async def test_bad_tools_over_http(start: StartGateway, fields: dict[str, Any], message: str) -> None:
    """Tool errors end the request with 400 before any provider is asked."""
    gateway = await start(TOOLS, files=FILES)
    reply = await gateway.infer(**fields)
    assert (reply.status, reply.error) == (400, message)
    assert gateway.network.dialled == []
