"""Tests of `tzproxy.http.openai.request`: from chat completion requests to inference requests."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from in_process import CHAT, MODEL, StartGateway, completion, openai
from tzproxy.errors import RequestError
from tzproxy.http.openai.request import WRONG_MODEL, decode_request, inference_request
from tzproxy.types.params import ChatParams
from tzproxy.types.request import InferenceRequest, given
from tzproxy.types.tools import CustomToolFormat, GrammarFormat

PREFIX = "Invalid request to OpenAI-compatible endpoint: "
FUNCTION = "tensorzero::function_name::"
EPISODE = "0198aaaa-0000-7000-8000-000000000001"
GRAMMAR = {"syntax": "regex", "definition": "x"}
MODEL_NAME = "tensorzero::model_name::"


def translate(**fields: object) -> InferenceRequest:
    """Translate a request."""
    return inference_request(decode_request(msgspec.json.encode(openai(**fields))))


def refusal(**fields: object) -> str:
    """Translate a request that has no translation."""
    with pytest.raises(RequestError) as caught:
        translate(**fields)
    assert caught.value.status == 400
    return caught.value.message


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (FUNCTION + "f", ("f", None)),
        (FUNCTION + "a::b", ("a::b", None)),
        (MODEL_NAME + "m", (None, "m")),
        (MODEL_NAME + "openai::gpt-4o-mini", (None, "openai::gpt-4o-mini")),
    ],
)
def test_the_model_names_the_target(model: str, target: tuple[str | None, str | None]) -> None:
    """Everything after the prefix is the name."""
    request = translate(model=model)
    assert (request.function_name, request.model_name) == target


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("", WRONG_MODEL),
        ("gpt-4o", WRONG_MODEL),
        ("tensorzero::f", WRONG_MODEL),
        ("Tensorzero::function_name::f", WRONG_MODEL),
        (
            FUNCTION,
            'function_name (passed in model field after "tensorzero::function_name::") cannot be empty',
        ),
        (
            MODEL_NAME,
            'model_name (passed in model field after "tensorzero::model_name::") cannot be empty',
        ),
    ],
)
def test_models_that_name_no_target(model: str, message: str) -> None:
    """The text says what to write."""
    assert refusal(model=model) == PREFIX + message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ChatParams()),
        (
            {
                "temperature": 0.1,
                "top_p": 0.2,
                "seed": 3,
                "presence_penalty": 0.4,
                "frequency_penalty": 0.5,
                "stop": ["a"],
                "reasoning_effort": "low",
                "service_tier": "flex",
                "verbosity": "high",
            },
            ChatParams(
                temperature=0.1,
                top_p=0.2,
                seed=3,
                presence_penalty=0.4,
                frequency_penalty=0.5,
                stop_sequences=["a"],
                reasoning_effort="low",
                service_tier="flex",
                verbosity="high",
            ),
        ),
        ({"max_tokens": 5}, ChatParams(max_tokens=5)),
        ({"max_completion_tokens": 6}, ChatParams(max_tokens=6)),
        ({"max_tokens": 5, "max_completion_tokens": 6}, ChatParams(max_tokens=5)),
        ({"max_tokens": 7, "max_completion_tokens": 6}, ChatParams(max_tokens=6)),
        ({"max_tokens": 0, "max_completion_tokens": 6}, ChatParams(max_tokens=0)),
        ({"response_format": {"type": "text"}}, ChatParams(json_mode="off")),
        ({"response_format": {"type": "json_object"}}, ChatParams(json_mode="on")),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}},
            ChatParams(json_mode="strict"),
        ),
        (
            {
                "temperature": 0.1,
                "seed": 1,
                "tensorzero::params": {"chat_completion": {"temperature": 0.0, "thinking_budget_tokens": 9}},
            },
            ChatParams(temperature=0.0, seed=1, thinking_budget_tokens=9),
        ),
        ({"stop": "a"}, ChatParams(stop_sequences=["a"])),
        ({"temperature": None, "stop": None, "n": None}, ChatParams()),
    ],
)
def test_parameters(fields: dict[str, object], expected: ChatParams) -> None:
    """OpenAI's names become ours; the smaller limit counts; `tensorzero::params` wins."""
    params = translate(**fields).params
    assert (ChatParams() if params is None else params.chat_completion) == expected


def test_a_schema_of_the_response_format() -> None:
    """It becomes the output schema, its key order kept."""
    body = (
        b'{"model":"tensorzero::model_name::m","messages":[],"response_format":'
        b'{"type":"json_schema","json_schema":{"name":"n","schema":{"z":1,"a":2},"strict":true}}}'
    )
    schema = given(inference_request(decode_request(body)).output_schema)
    assert schema is not None
    assert bytes(schema) == b'{"z":1,"a":2}'
    bare = {"type": "json_schema", "json_schema": {"name": "n"}}
    assert given(translate(response_format=bare).output_schema) is None


def test_tools() -> None:
    """Function tools and custom tools are brought along; a missing description is empty."""
    request = translate(
        tools=[
            {"type": "function", "function": {"name": "a", "parameters": {"z": 1}, "strict": True}},
            {
                "type": "function",
                "function": {"name": "b", "description": "B", "parameters": None},
            },
            {"type": "custom", "custom": {"name": "c", "description": "C", "format": {"type": "text"}}},
            {"type": "custom", "custom": {"name": "d", "format": {"type": "grammar", "grammar": GRAMMAR}}},
        ],
        parallel_tool_calls=False,
    )
    first, second, third, fourth = request.additional_tools or []
    assert (first.type, first.name, first.description, first.strict) == ("function", "a", "", True)
    assert (second.description, second.strict) == ("B", False)
    assert (third.type, third.name, third.description) == ("openai_custom", "c", "C")
    assert (third.format, fourth.format) == (
        CustomToolFormat("text"),
        CustomToolFormat("grammar", GrammarFormat("regex", "x")),
    )
    assert request.parallel_tool_calls is False
    assert translate().additional_tools is None


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ([{"type": "function"}], "tools[0]: missing field `function`"),
        (
            [{"type": "function", "function": {"name": "a"}}],
            "tools[0].function: missing field `parameters`",
        ),
        ([{"type": "custom"}], "tools[0]: missing field `custom`"),
        ([{"type": "zz"}], "tools[0].type: Invalid value 'zz'"),
        ([{"type": "function", "function": {"parameters": {}}}], "tools[0].function: missing field `name`"),
        (
            [{"type": "custom", "custom": {"name": "a", "zz": 1}}],
            "tools[0].custom: unknown field `zz`",
        ),
        (
            [{"type": "custom", "custom": {"name": "a", "format": {"type": "grammar"}}}],
            "tools[0].custom.format: missing field `grammar`",
        ),
        ("x", "tools: Expected `array | null`, got `str`"),
    ],
)
def test_bad_tools(tools: object, message: str) -> None:
    """What is missing is named with its place."""
    assert refusal(tools=tools) == message


def test_the_tool_choice_may_restrict() -> None:
    """The choice and the list of allowed tools are two fields of an inference."""
    functions = [{"type": "function", "function": {"name": "a"}}]
    listed = {"type": "allowed_tools", "allowed_tools": {"tools": functions, "mode": "required"}}
    request = translate(tool_choice=listed)
    assert (request.tool_choice, request.allowed_tools) == ("required", ["a"])
    assert (translate().tool_choice, translate().allowed_tools) == (None, None)


def test_the_fields_of_our_own() -> None:
    """Everything that starts with `tensorzero::` reaches the inference."""
    request = translate(
        **{
            "tensorzero::episode_id": EPISODE,
            "tensorzero::variant_name": "v",
            "tensorzero::dryrun": True,
            "tensorzero::tags": {"a": "b"},
            "tensorzero::namespace": "n",
            "tensorzero::credentials": {"k": "secret"},
            "tensorzero::cache_options": {"enabled": "on", "max_age_s": 5},
            "tensorzero::extra_body": [{"pointer": "/a", "value": 1}],
            "tensorzero::extra_headers": [{"name": "x", "value": "1"}],
            "tensorzero::provider_tools": [{"tool": {}}],
            "tensorzero::include_raw_usage": True,
            "tensorzero::include_raw_response": True,
            "tensorzero::include_original_response": True,
            "tensorzero::internal_dynamic_variant_config": {"type": "chat_completion"},
            "stream": False,
        }
    )
    assert (request.episode_id, request.variant_name, request.dryrun) == (EPISODE, "v", True)
    assert (request.tags, request.namespace, request.credentials) == ({"a": "b"}, "n", {"k": "secret"})
    assert (request.cache_options.enabled, request.cache_options.max_age_s) == ("on", 5)
    assert (request.extra_body[0].pointer, request.extra_headers[0].name) == ("/a", "x")
    assert len(request.provider_tools) == 1
    assert (request.include_raw_usage, request.include_raw_response) == (True, True)
    assert request.include_original_response
    assert given(request.internal_dynamic_variant_config) is not None
    assert request.internal is False


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"n": 2},
            PREFIX
            + "TensorZero does not support `n` other than 1. Please omit this parameter or set it to 1.",
        ),
        ({"stop": 5}, "stop: Expected `str | array | null`, got `int`"),
        ({"messages": [{"role": "zz"}]}, "messages[0].role: Invalid enum value 'zz'"),
        ({"messages": None}, "messages: Expected `array`, got `null`"),
        ({"messages": [{"content": "x"}]}, "messages[0]: missing field `role`"),
        ({"temperature": "x"}, "temperature: Expected `float | null`, got `str`"),
        ({"response_format": {"type": "zz"}}, "response_format.type: Invalid value 'zz'"),
        ({"response_format": {"type": "json_schema"}}, "response_format: missing field `json_schema`"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            "response_format.json_schema: missing field `name`",
        ),
        ({"tensorzero::params": {}}, "tensorzero::params: missing field `chat_completion`"),
        (
            {"tensorzero::namespace": "", "model": "gpt-4o"},
            "tensorzero::namespace: Namespace identifier cannot be empty",
        ),
        (
            {"tensorzero::namespace": "tensorzero::a"},
            "tensorzero::namespace: Namespace cannot start with `tensorzero::`: tensorzero::a",
        ),
        (
            {"tensorzero::episode_id": "x", "model": "gpt-4o"},
            "tensorzero::episode_id: UUID parsing failed: "
            "invalid length: expected length 32 for simple format, found 1",
        ),
        ({"tensorzero::tags": {"a": 1}}, "tensorzero::tags[...]: Expected `str`, got `int`"),
        (
            {"tensorzero::params": {"chat_completion": {"zz": 1}}},
            "tensorzero::params.chat_completion: unknown field `zz`",
        ),
        (
            {
                "stream": True,
                "stream_options": {"include_usage": False},
                "tensorzero::include_raw_usage": True,
            },
            PREFIX + "`tensorzero::include_raw_usage` requires `stream_options.include_usage` to be true "
            "(or omitted) for streaming requests",
        ),
        (
            {"tensorzero::deny_unknown_fields": True, "user": "u", "logprobs": True},
            PREFIX + "`tensorzero::deny_unknown_fields` is set to true, but found unknown fields "
            "in the request: [logprobs, user]",
        ),
    ],
)
def test_what_has_no_translation(fields: dict[str, object], message: str) -> None:
    """Each reason has its own text."""
    assert refusal(**fields) == message


def test_unknown_fields_are_tolerated() -> None:
    """Clients send much that has no meaning here."""
    request = translate(user="u", metadata={"a": "b"}, logprobs=True, logit_bias={}, n=1)
    assert request.function_name == "f"
    assert translate(**{"tensorzero::deny_unknown_fields": True}).function_name == "f"


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"model": FUNCTION + "zz"}, 404, "Unknown function: zz"),
        (
            {"model": MODEL_NAME + "m", "tensorzero::variant_name": "v"},
            400,
            "Invalid inference target: `variant_name` cannot be provided when using `model_name`",
        ),
        (
            {"tensorzero::tags": {"tensorzero::x": "y"}},
            400,
            "Tag name cannot start with 'tensorzero::': tensorzero::x",
        ),
        (
            {"model": "gpt-4o"},
            400,
            PREFIX + WRONG_MODEL,
        ),
    ],
)
async def test_refusals_over_http(
    start: StartGateway, fields: dict[str, Any], status: int, message: str
) -> None:
    """The engine's refusals have OpenAI's shape here."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.chat(**fields)
    assert (reply.status, reply.json()) == (status, {"error": {"message": message}})


async def test_settings_reach_the_provider_and_the_row(start: StartGateway) -> None:
    """A translated request is an inference like any other."""
    gateway = await start(MODEL + CHAT, [completion()])
    await gateway.chat(
        max_tokens=5,
        seed=1,
        **{"tensorzero::tags": {"a": "b"}, "tensorzero::variant_name": "v"},
    )
    assert (gateway.sent[0]["max_completion_tokens"], gateway.sent[0]["seed"]) == (5, 1)
    row = gateway.chat_rows[0]
    assert row["tags"] == {"a": "b", "tensorzero::variant_pinned": "v"}
    assert row["inference_params"] == {"chat_completion": {"max_tokens": 5, "seed": 1}}
