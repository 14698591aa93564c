from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import File, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import AllowedTools, CustomTool, FunctionTool, SpecificTool, ToolConfig

from ..samples import ask, assistant, user
from .samples import CLAUDE, body_of

PREFILL = {"role": "assistant", "content": [{"text": "Here is the JSON requested:\n{"}]}


@pytest.mark.parametrize(
    ("block", "wire"),
    [
        (Text(""), {"text": ""}),
        (
            ToolCall("c", "f", '{"b": 1.0, "a": 2}'),
            {"toolUse": {"toolUseId": "c", "name": "f", "input": {"b": 1.0, "a": 2}}},
        ),
        (ToolCall("c", "f", "[1]"), {"toolUse": {"toolUseId": "c", "name": "f", "input": [1]}}),
        (ToolResult("f", "r", "c"), {"toolResult": {"toolUseId": "c", "content": [{"text": "r"}]}}),
        (
            File(data="QQ==", mime_type="image/jpeg"),
            {"image": {"format": "jpeg", "source": {"bytes": "QQ=="}}},
        ),
        (
            File(data="QQ==", mime_type="application/pdf", filename="x.pdf"),
            {"document": {"format": "pdf", "name": "input", "source": {"bytes": "QQ=="}}},
        ),
        (Thought("t", "s"), {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}),
        (Thought("t"), {"reasoningContent": {"reasoningText": {"text": "t"}}}),
    ],
)
def test_blocks(block: Any, wire: Any) -> None:
    """Each block has its form, in either role; nothing is joined."""
    body = body_of(ask(user(block), user(block), assistant(block)))
    turn = {"role": "user", "content": [wire]}
    assert body["messages"] == [turn, turn, {"role": "assistant", "content": [wire]}]


def test_nothing_left(caplog: pytest.LogCaptureFixture) -> None:
    """A thought without a text is dropped with a warning, and a turn of nothing with it."""
    with caplog.at_level(logging.WARNING):
        body = body_of(ask(user(Text("a")), assistant(Thought(None, "s"))))
    assert body["messages"] == [{"role": "user", "content": [{"text": "a"}]}]
    assert len(caplog.messages) == 1
    assert body_of(msgspec.structs.replace(ask(), messages=[]))["messages"] == []


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            ToolCall("c", "f", "{"),
            "Error 400 Bad Request from aws_bedrock client: Error parsing tool call arguments as JSON: ",
        ),
        (Unknown(Raw(b"{}")), "Unsupported content block type `unknown` for provider `aws_bedrock`"),
    ],
)
def test_refused_blocks(block: Any, message: str) -> None:
    """What the API cannot have is refused before anything is sent."""
    with pytest.raises(ProviderError) as raised:
        body_of(ask(assistant(block)))
    assert raised.value.message.startswith(message)
    assert raised.value.status == 400


@pytest.mark.parametrize(("system", "sent"), [("S", [{"text": "S"}]), ("", None), (None, None)])
def test_system(system: str | None, sent: Any) -> None:
    """An empty system text is none."""
    assert body_of(ask(system=system)).get("system") == sent


def test_parameters(caplog: pytest.LogCaptureFixture) -> None:
    """Common parameters have an object of their own; what is unknown is left out, some in silence."""
    params = ChatParams(
        temperature=0.5,
        max_tokens=1,
        seed=2,
        top_p=0.25,
        presence_penalty=0.125,
        frequency_penalty=0.75,
        stop_sequences=["X"],
        reasoning_effort="low",
        service_tier="auto",
        thinking_budget_tokens=3,
        verbosity="low",
    )
    with caplog.at_level(logging.WARNING):
        body = body_of(ask(params=params, system="S"))
    assert list(body) == ["messages", "system", "inferenceConfig", "additionalModelRequestFields"]
    config = {"maxTokens": 1, "temperature": 0.5, "topP": 0.25, "stopSequences": ["X"]}
    assert body["inferenceConfig"] == config and list(body["inferenceConfig"]) == list(config)
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 3}}
    tip = " Tip: You might want to use `thinking` for this provider."
    assert caplog.messages == [
        f"AWS Bedrock does not support the inference parameter `{name}`, so it will be ignored.{suffix}"
        for name, suffix in (("reasoning_effort", tip), ("service_tier", ""), ("verbosity", ""))
    ]
    assert body_of(ask())["inferenceConfig"] == {}


@pytest.mark.parametrize(("mode", "warnings"), [("off", 0), ("on", 0), ("strict", 1)])
def test_prefill(mode: Any, warnings: int, caplog: pytest.LogCaptureFixture) -> None:
    """A JSON function of a Claude model is answered after a brace; other models and functions are not."""
    schema = Raw(b"{}")
    with caplog.at_level(logging.WARNING):
        body = body_of(ask(json_mode=mode, function_type="json", output_schema=schema), CLAUDE)
    assert body["messages"][1:] == ([] if mode == "off" else [PREFILL])
    assert len(caplog.messages) == warnings
    assert len(body_of(ask(json_mode=mode, function_type="json"))["messages"]) == 1
    assert len(body_of(ask(json_mode=mode), CLAUDE)["messages"]) == 1


A = FunctionTool("does a", Raw(b'{"type": "object"}'), "a", True)
B = FunctionTool("does b", Raw(b"{}"), "b")


def _tools(**fields: Any) -> Any:
    fields.setdefault("tools", [A, B])
    fields.setdefault("allowed", AllowedTools([tool.name for tool in fields["tools"]], "function_default"))
    return body_of(ask(tool_config=ToolConfig(**fields))).get("toolConfig")


def test_tools() -> None:
    """A tool has its schema one level down; strictness and parallel calls are not mentioned."""
    spec = {"name": "a", "description": "does a", "inputSchema": {"json": {"type": "object"}}}
    assert _tools(tools=[A], parallel_tool_calls=True) == {
        "tools": [{"toolSpec": spec}],
        "toolChoice": {"auto": {}},
    }


@pytest.mark.parametrize(
    ("choice", "wire"),
    [("auto", {"auto": {}}), ("required", {"any": {}}), (SpecificTool("b"), {"tool": {"name": "b"}})],
)
def test_choices(choice: Any, wire: Any) -> None:
    """Each choice has its form."""
    assert _tools(tool_choice=choice)["toolChoice"] == wire


def test_no_tools() -> None:
    """No choice leaves no word of tools; only allowed ones are offered, even if that is none."""
    assert _tools(tool_choice="none") is None
    assert _tools(tools=[]) == {"tools": [], "toolChoice": {"auto": {}}}
    some = _tools(allowed=AllowedTools(["b"], "explicit"))
    assert [item["toolSpec"]["name"] for item in some["tools"]] == ["b"]
    assert _tools(allowed=AllowedTools([], "explicit"))["tools"] == []


def test_custom_tools() -> None:
    """OpenAI's custom tools are not for Bedrock."""
    with pytest.raises(ProviderError, match="^OpenAI custom tools are not supported by this provider$"):
        _tools(custom_tools=[CustomTool("free")])
