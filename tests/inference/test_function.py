"""Tests of `tzproxy.inference.function`: what a function takes, and which schema is in force."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from in_process import CHAT, MODEL, StartGateway, completion, tool_calls
from tzproxy._speedups.sampling import AdaptiveSampler, Sampler
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.inference.function import Function
from tzproxy.inference.input import InputChecks
from tzproxy.inference.plan import OutputSchema
from tzproxy.inference.tools import FunctionTools
from tzproxy.prompts import JsonSchema
from tzproxy.types.request import InferenceRequest
from tzproxy.types.tools import ToolChoice

JSON_FUNCTION = (
    MODEL
    + """
[functions.f]
type = "json"
output_schema = "out.json"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
json_mode = "strict"
"""
)
OUT = {"out.json": '{"type": "object", "required": ["a"]}'}


def function(
    kind: Any = "chat", *, choice: ToolChoice = "auto", parallel: bool | None = None, **options: Any
) -> Function:
    """A function without tools."""
    options.setdefault("samplers", {None: Sampler("f", [])})
    return Function(
        "f",
        kind,
        {},
        checks=InputChecks({}, frozenset()),
        tools=FunctionTools([], {}, tool_choice=choice, parallel_tool_calls=parallel),
        **options,
    )


def request(**fields: object) -> InferenceRequest:
    """A request."""
    return msgspec.json.decode(msgspec.json.encode({"input": {}, **fields}), type=InferenceRequest)


def test_unknown_variants_are_not_found() -> None:
    """A variant that the function does not have is a 404 that names it."""
    with pytest.raises(NotFoundError) as caught:
        function().variant("zz")
    assert (caught.value.status, caught.value.message) == (404, "Unknown variant: zz")


def test_namespaces_have_their_own_sampling() -> None:
    """A namespace with a table of its own uses it, any other the base."""
    base, own = Sampler("f", ["a"]), Sampler("f", ["b"])
    made = function(samplers={None: base, "own": own})
    assert made.sampler(None) is base
    assert made.sampler("zz") is base
    assert made.sampler("own") is own


def test_probabilities_are_those_of_the_base() -> None:
    """They are the shares of an episode that begins then; a function without sampling has none."""
    shares = {"a": 0.75, "b": 0.25}
    assert function(samplers={None: Sampler("f", shares, shares)}).probabilities(0) == shares
    moving = AdaptiveSampler("f", shares, shares, (), {"a": 1.0})
    moving.set_eras([(5, shares)])
    made = function(samplers={None: moving})
    assert [made.probabilities(at) for at in (4, 5)] == [{"a": 1.0, "b": 0.0}, shares]
    assert function(samplers={}).probabilities(0) == {}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"allowed_tools": []}, "Cannot pass `allowed_tools` to a JSON function."),
        (
            {"additional_tools": [{"name": "a", "description": "", "parameters": {}}]},
            "Cannot pass `additional_tools` to a JSON function.",
        ),
        ({"tool_choice": "auto"}, "Cannot pass `tool_choice` to a JSON function"),
        ({"parallel_tool_calls": False}, "Cannot pass `parallel_tool_calls` to a JSON function"),
    ],
)
async def test_json_functions_take_no_tools(
    start: StartGateway, fields: dict[str, Any], message: str
) -> None:
    """Any tool setting of a request is refused by a JSON function."""
    gateway = await start(JSON_FUNCTION, files=OUT)
    reply = await gateway.infer(**fields)
    assert (reply.status, reply.error) == (400, message)


async def test_provider_tools_do_not_matter_to_json_functions(start: StartGateway) -> None:
    """They are ignored, unlike a list of additional tools, which even empty is refused."""
    gateway = await start(JSON_FUNCTION, [completion('{"a":1}')], files=OUT)
    reply = await gateway.infer(provider_tools=[{"tool": {"type": "x"}}])
    assert reply.json()["output"] == {"raw": '{"a":1}', "parsed": {"a": 1}}
    assert "tools" not in gateway.sent[0]
    reply = await gateway.infer(additional_tools=[])
    assert reply.error == "Cannot pass `additional_tools` to a JSON function."


@pytest.mark.parametrize(
    ("options", "fields", "message"),
    [
        ({}, {}, "JSON mode `tool` requires `output_schema`."),
        (
            {"choice": "required"},
            {"output_schema": {}},
            "JSON mode `tool` is not supported with `tool_choice` configured in the function.",
        ),
        (
            {"parallel": False},
            {"output_schema": {}},
            "JSON mode `tool` is not supported with `parallel_tool_calls` configured in the function.",
        ),
        *(
            (
                {},
                {"output_schema": {}, field: value},
                f"Cannot pass `{field}` when using JSON mode `tool`.",
            )
            for field, value in (
                ("allowed_tools", []),
                ("additional_tools", []),
                ("parallel_tool_calls", True),
                ("provider_tools", [{"tool": 1}]),
                ("tool_choice", "auto"),
            )
        ),
    ],
)
def test_tool_mode_needs_a_schema_and_no_tools(
    options: dict[str, Any], fields: dict[str, Any], message: str
) -> None:
    """On a chat function JSON mode `tool` uses the one tool itself."""
    with pytest.raises(RequestError) as caught:
        function(**options).check_json_mode("tool", request(**fields))
    assert caught.value.message == message


def test_tool_mode_is_open_to_functions_without_tools() -> None:
    """A schema and no tools is all that it needs."""
    function().check_json_mode("implicit_tool", request(output_schema={}, provider_tools=[]))


async def test_tool_mode_on_a_chat_function(start: StartGateway) -> None:
    """The schema goes out as one forced tool; its call comes back as text; no tool columns are written."""
    call = completion(None, tool_calls=tool_calls(("respond", '{"a": 1}')))
    gateway = await start(MODEL + CHAT, [call])
    reply = await gateway.infer(
        output_schema={"type": "object"}, params={"chat_completion": {"json_mode": "implicit_tool"}}
    )
    assert reply.json()["content"] == [{"type": "text", "text": '{"a": 1}'}]
    sent = gateway.sent[0]
    assert sent["tools"][0]["function"]["parameters"] == {"type": "object"}
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "respond"}}
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": '{"a": 1}'}]
    assert gateway.chat_rows[0]["inference_params"] == {"chat_completion": {"json_mode": "tool"}}
    assert "tool_params" not in gateway.chat_rows[0]


async def test_tool_mode_with_own_tools_over_http(start: StartGateway) -> None:
    """A chat function with tools refuses JSON mode `tool`."""
    toml = MODEL + CHAT.replace('type = "chat"\n', 'type = "chat"\ntools = ["t"]\n', 1)
    toml += '[tools.t]\ndescription = "d"\nparameters = "out.json"\n'
    gateway = await start(toml, files=OUT)
    reply = await gateway.infer(
        output_schema={"type": "object"}, params={"chat_completion": {"json_mode": "tool"}}
    )
    assert (reply.status, reply.error) == (
        400,
        "JSON mode `tool` is not supported with other tools configured.",
    )


# ---- the schema in force

OWN = OutputSchema(Raw(b'{"own":1}'), JsonSchema(b"{}", key="k"))


def test_without_a_schema_of_its_own_a_request_uses_the_functions() -> None:
    """An absent or null schema leaves the function's."""
    made = function("json", output_schema=OWN)
    assert made.output_for(request()) is OWN
    assert made.output_for(request(output_schema=None)) is OWN


def test_a_requests_schema_replaces_the_functions() -> None:
    """It is kept in its key order, compactly, and checked against."""
    body = b'{"input": {}, "output_schema": {"type" : "object", "required": ["z"]}}'
    decoded = msgspec.json.decode(body, type=InferenceRequest)
    schema = function("json", output_schema=OWN).output_for(decoded)
    assert schema is not None
    assert schema.raw == Raw(b'{"type":"object","required":["z"]}')
    assert schema.check is not None
    assert not schema.check.is_valid({})


@pytest.mark.parametrize("broken", [{"type": 5}, "text", 7, []])
def test_a_schema_that_is_none_is_fitted_by_nothing(broken: object) -> None:
    """A broken dynamic schema is accepted, as in the original; nothing is parsed by it."""
    schema = function("json", output_schema=OWN).output_for(request(output_schema=broken))
    assert schema is not None
    assert schema.check is None


async def test_a_dynamic_schema_from_request_to_row(start: StartGateway) -> None:
    """The row has the schema that the output was checked against."""
    gateway = await start(JSON_FUNCTION, [completion('{"b":1}'), completion('{"b":1}')], files=OUT)
    reply = await gateway.infer(output_schema={"required": ["b"]})
    assert reply.json()["output"] == {"raw": '{"b":1}', "parsed": {"b": 1}}
    reply = await gateway.infer()
    assert reply.json()["output"] == {"raw": '{"b":1}', "parsed": None}
    schemas = [row["output_schema"] for row in gateway.json_rows]
    assert schemas == [{"required": ["b"]}, {"type": "object", "required": ["a"]}]


async def test_a_broken_schema_is_answered(start: StartGateway) -> None:
    """Output under a schema that is none is 200 with `parsed` null."""
    gateway = await start(JSON_FUNCTION, [completion('{"b":1}')], files=OUT)
    reply = await gateway.infer(output_schema={"type": 5})
    assert (reply.status, reply.json()["output"]) == (200, {"raw": '{"b":1}', "parsed": None})
