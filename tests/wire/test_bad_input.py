"""What a provider cannot take: missing keys, parameters, blocks, tools. Every type says so by name."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.config.credentials import (
    RULES,
    AwsKeysCredential,
    Credential,
    DynamicCredential,
    NoCredential,
    StaticCredential,
)
from tzproxy.config.locations import DynamicLocation
from tzproxy.config.providers import provider_type
from tzproxy.config.secret import Secret
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.registry import build_provider
from tzproxy.types.content import File, Message, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import AllowedTools, CustomTool, ToolConfig

from .services import FIELDS, GEMINI, MESSAGES, SERVICES
from .vectors import CONFIGS, CREDENTIALS, WEATHER_TOOL, provider, single_turn

AWS = ("aws_bedrock", "aws_sagemaker")


def _sent(name: str, credential: Credential, given: dict[str, str]) -> dict[str, str]:
    built: Any = build_provider(CONFIGS[name], credential)
    wire = built.build_request(single_turn(), given)
    return dict((built.sign(wire, given) if built.spec.signs else wire).headers.pairs)


# ---- keys


def _displayed(name: str) -> str:
    return "aws" if name in AWS else RULES[provider_type(CONFIGS[name])].missing_display


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "aws_sagemaker"])
def test_missing_dynamic_key(name: str) -> None:
    """A key that the request should bring is missed by its name; one that it brings is sent."""
    credential = DynamicCredential("my_key")
    for given in ({}, {"another": "sk-secret"}):
        with pytest.raises(ProviderError) as raised:
            _sent(name, credential, given)
        assert raised.value.message == (
            f"API key missing for provider {_displayed(name)}: Dynamic api key `my_key` is missing"
        )
        assert raised.value.status == 400
    assert any("sk-secret" in value for value in _sent(name, credential, {"my_key": "sk-secret"}).values())


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "aws_sagemaker"])
def test_key_that_is_no_header(name: str) -> None:
    """A key that no header can hold is refused, and not shown."""
    with pytest.raises(ProviderError) as raised:
        _sent(name, DynamicCredential("my_key"), {"my_key": "sk-secret\r\nx: y"})
    assert raised.value.message.startswith(f"API key missing for provider {_displayed(name)}: ")
    assert "`my_key`" in raised.value.message and "sk-secret" not in raised.value.message
    assert raised.value.__cause__ is None and raised.value.__suppress_context__


@pytest.mark.parametrize("part", ["access_key_id", "secret_access_key", "session_token"])
@pytest.mark.parametrize("name", AWS)
def test_missing_part_of_an_aws_key(name: str, part: str) -> None:
    """Each part of AWS's keys that the request should bring is missed by its name."""
    names = ("access_key_id", "secret_access_key", "session_token")
    credential = AwsKeysCredential(**{each: DynamicCredential(f"my_{each}") for each in names})
    given = {f"my_{each}": "sk-secret" for each in names if each != part}
    with pytest.raises(ProviderError) as raised:
        _sent(name, credential, given)
    assert raised.value.message == (
        f"API key missing for provider aws: Dynamic `{part}` with key `my_{part}` is missing"
    )


@pytest.mark.parametrize("name", SERVICES)
def test_no_key(name: str) -> None:
    """Without a key a local server is called without one; all others refuse and name themselves."""
    if name in ("openai", "openai_responses", "groq", "openrouter", "sglang", "tgi", "vllm"):
        headers = _sent(name, NoCredential(), {})
        assert "authorization" not in {header.lower() for header in headers}
        return
    with pytest.raises(ProviderError) as raised:
        _sent(name, NoCredential(), {})
    assert raised.value.message == (
        f"API key missing for provider {_displayed(name)}: No credentials are set"
    )


@pytest.mark.parametrize(
    ("name", "field", "message"),
    [
        ("azure", "endpoint", "Dynamic endpoint 'my_place' not found in credentials"),
        ("aws_bedrock", "endpoint_url", "Dynamic endpoint 'my_place' not found in credentials"),
        ("aws_sagemaker", "endpoint_url", "Dynamic endpoint 'my_place' not found in credentials"),
        ("aws_bedrock", "region", "Dynamic region 'my_place' not found in credentials"),
        ("aws_sagemaker", "region", "Dynamic region 'my_place' not found in credentials"),
    ],
)
def test_missing_dynamic_place(name: str, field: str, message: str) -> None:
    """A place that the request should bring is missed by its name."""
    with pytest.raises(ProviderError) as raised:
        built = provider(name, **{field: DynamicLocation("my_place")})
        built.build_request(single_turn(), {})
    assert (raised.value.message, raised.value.status) == (message, 404)


# ---- parameters

PARAMETERS: dict[str, Any] = {
    "seed": 8,
    "presence_penalty": 0.125,
    "frequency_penalty": 0.75,
    "stop_sequences": ["X"],
    "reasoning_effort": "low",
    "service_tier": "auto",
    "thinking_budget_tokens": 9,
    "verbosity": "low",
}
SILENT = {
    (name, parameter)
    for name in (*MESSAGES, "aws_bedrock")
    for parameter in ("seed", "presence_penalty", "frequency_penalty")
} | {("fireworks", "seed")}
"""What the original leaves out without a word."""


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("name", SERVICES)
def test_parameter(name: str, parameter: str, caplog: pytest.LogCaptureFixture) -> None:
    """A parameter is sent, or left out with a warning that names provider and parameter; never an error."""
    plain = single_turn(tool_config=None, params=ChatParams(max_tokens=5))
    asked = single_turn(
        tool_config=None, params=ChatParams(max_tokens=5, **{parameter: PARAMETERS[parameter]})
    )
    built = provider(name)
    before = built.build_request(plain, CREDENTIALS).body
    with caplog.at_level(logging.WARNING):
        after = built.build_request(asked, CREDENTIALS).body
    # What SageMaker hosts speaks for itself.
    display = "OpenAI" if name == "aws_sagemaker" else built.spec.display
    if name == "openai_responses":
        display = "OpenAI Responses"
    warning = f"{display} does not support the inference parameter `{parameter}`, so it will be ignored."
    warned = [message for message in caplog.messages if message.startswith(warning)]
    assert (after != before) is (not warned and (name, parameter) not in SILENT)
    assert len(warned) == len(caplog.messages) <= 1


# ---- blocks and tools

_CALL = ToolCall("c", "f", "{}")
_RESULT = ToolResult("f", "r", "c")


def _refusal(name: str, *messages: Message, **fields: Any) -> str:
    with pytest.raises(ProviderError) as raised:
        request = single_turn(messages=list(messages), **fields)
        provider(name).build_request(request, CREDENTIALS)
    assert raised.value.status in (400, 500)
    return raised.value.message


@pytest.mark.parametrize("name", [*FIELDS, "openai_responses"])
def test_misplaced_blocks(name: str) -> None:
    """Services of OpenAI's kind have no place for a user's call or a model's result."""
    call, result = Message("user", [_CALL]), Message("assistant", [_RESULT])
    assert _refusal(name, call) == "Tool calls are not supported in user messages"
    assert _refusal(name, result) == "Tool results are not supported in assistant messages"


@pytest.mark.parametrize("arguments", ["nonsense", "[1]", ""])
@pytest.mark.parametrize("name", [*MESSAGES, *GEMINI])
def test_arguments_that_are_no_object(name: str, arguments: str) -> None:
    """Services that take arguments as an object refuse anything else."""
    message = _refusal(name, Message("assistant", [ToolCall("c", "f", arguments)]))
    who = name if name in MESSAGES else "gcp_vertex_gemini"
    assert message.startswith(f"Error 400 Bad Request from {who} client: ")
    assert "tool call arguments" in message.lower()


def test_blocks_without_a_place() -> None:
    """Each service names the block that it cannot take."""
    unknown = Message("user", [Unknown(Raw(b"{}"))])
    assert _refusal("aws_bedrock", unknown) == (
        "Unsupported content block type `unknown` for provider `aws_bedrock`"
    )
    sound = File(data="QQ==", mime_type="audio/wav")
    assert _refusal("openai_responses", Message("user", [sound])).startswith("Audio is not supported")
    assert _refusal("openai_responses", Message("assistant", [sound])) == (
        "Files are not supported in assistant messages"
    )
    for name in GEMINI:
        signed = Message("assistant", [Thought(None, "s")])
        assert _refusal(name, signed).endswith(
            f"Thought block with signature must be followed by a content block in {name}"
        )


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in ("openai", "aws_sagemaker")])
def test_files_without_a_suffix(name: str) -> None:
    """A file of a type that has no suffix is refused by its type, where the suffix would be sent."""
    if name == "groq":
        return
    file = File(data="QQ==", mime_type="application/x-unheard-of")
    assert _refusal(name, Message("user", [file])) == (
        "Mime type application/x-unheard-of has no filetype suffix"
    )


@pytest.mark.parametrize("name", (*MESSAGES, *GEMINI))
def test_empty_conversation(name: str) -> None:
    """Services that want a message refuse to be asked nothing, and name the protocol's owner."""
    owner = "Anthropic" if name in MESSAGES else provider(name).spec.display
    assert _refusal(name) == f"{owner} requires at least one message"


@pytest.mark.parametrize("name", SERVICES)
def test_custom_tools(name: str) -> None:
    """OpenAI's custom tools are refused by everyone else."""
    tools = ToolConfig(
        tools=[WEATHER_TOOL],
        custom_tools=[CustomTool("grammar")],
        allowed=AllowedTools(["get_weather"], "function_default"),
    )
    message = Message("user", [Text("Hi")])
    if name in ("openai", "openai_responses", "aws_sagemaker", "hyperbolic"):
        body = provider(name).build_request(single_turn(tool_config=tools), CREDENTIALS).body
        assert (b'"custom"' in body) is (name != "hyperbolic")
        return
    assert _refusal(name, message, tool_config=tools) == (
        "OpenAI custom tools are not supported by this provider"
    )


@pytest.mark.parametrize("name", MESSAGES)
def test_unknown_model_without_a_limit(name: str) -> None:
    """A model whose limit is not known needs one from the request."""
    field = "model_name" if name == "anthropic" else "model_id"
    built = provider(name, **{field: "claude-9"})
    with pytest.raises(ProviderError, match="output token limit for `claude-9`.*`max_tokens`"):
        built.build_request(single_turn(params=ChatParams()), CREDENTIALS)


def test_a_key_is_in_no_text_form() -> None:
    """Neither a provider nor its request shows the key."""
    for name in SERVICES:
        if name in AWS or CONFIGS[name].__class__.__name__.startswith("GcpVertex"):
            continue
        built = build_provider(CONFIGS[name], StaticCredential(Secret("sk-hidden")))
        wire = built.build_request(single_turn(), {})  # type: ignore[union-attr]
        assert "sk-hidden" not in repr(built) + repr(wire) + str(wire)
