from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.providers.responses.provider import build_responses_provider
from tzproxy.types.tools import (
    AllowedTools,
    CustomTool,
    CustomToolFormat,
    FunctionTool,
    GrammarFormat,
    ProviderTool,
    ProviderToolScope,
    SpecificTool,
    ToolConfig,
)

from ..samples import KEY, ask

A = FunctionTool("does a", Raw(b'{"type": "object"}'), "a", True)
B = FunctionTool("does b", Raw(b"{}"), "b")
WIRE_A = {
    "type": "function",
    "name": "a",
    "description": "does a",
    "parameters": {"type": "object"},
    "strict": True,
}


def _keys(config: ToolConfig | None, names: tuple[str, str] = ("", ""), **changes: Any) -> Any:
    fields: dict[str, Any] = {"model_name": "m", "api_type": "responses"} | changes
    provider = build_responses_provider(OpenAIProviderConfig(**fields), KEY)
    request = ask(tool_config=config, model_name=names[0], provider_name=names[1])
    body = json.loads(provider.build_request(request, {}).body)
    return {key: body[key] for key in ("tools", "tool_choice", "parallel_tool_calls") if key in body}


def _config(**fields: Any) -> ToolConfig:
    fields.setdefault("tools", [A, B])
    fields.setdefault("allowed", AllowedTools([tool.name for tool in fields["tools"]], "function_default"))
    return ToolConfig(**fields)


def test_shape() -> None:
    """A tool is flat; strictness is part of it."""
    keys = _keys(_config(tools=[A], parallel_tool_calls=True))
    assert keys == {"tools": [WIRE_A], "tool_choice": "auto", "parallel_tool_calls": True}


def test_no_tools() -> None:
    """The list is sent even when it is empty, the choice is not."""
    assert _keys(None) == {"tools": []}
    assert _keys(_config(tools=[], parallel_tool_calls=True)) == {"tools": []}


def _list(mode: str, *names: str) -> dict[str, Any]:
    tools = [{"type": "function", "name": name} for name in names]
    return {"mode": mode, "tools": tools, "type": "allowed_tools"}


@pytest.mark.parametrize(
    ("choice", "plain", "explicit"),
    [
        ("auto", "auto", _list("auto", "a")),
        ("required", "required", _list("required", "a")),
        ("none", "none", _list("auto", "a")),
        (SpecificTool("b"), _list("required", "b"), _list("auto", "a")),
    ],
)
def test_choices(choice: Any, plain: Any, explicit: Any) -> None:
    """One tool is a list of one; an explicit list wins over every choice."""
    assert _keys(_config(tool_choice=choice))["tool_choice"] == plain
    config = _config(tool_choice=choice, allowed=AllowedTools(["a"], "explicit"))
    keys = _keys(config)
    assert keys["tool_choice"] == explicit
    assert len(keys["tools"]) == 2


def test_custom_tools() -> None:
    """Custom tools follow the functions, their grammar flat."""
    custom = [
        CustomTool("free"),
        CustomTool("text", "d", CustomToolFormat("text")),
        CustomTool("bound", None, CustomToolFormat("grammar", GrammarFormat("lark", "start: X"))),
    ]
    allowed = AllowedTools(["free", "a"], "explicit")
    keys = _keys(_config(tools=[A], custom_tools=custom, allowed=allowed))
    assert keys["tools"] == [
        WIRE_A,
        {"type": "custom", "name": "free"},
        {"type": "custom", "name": "text", "description": "d", "format": {"type": "text"}},
        {
            "type": "custom",
            "name": "bound",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"},
        },
    ]
    assert keys["tool_choice"]["tools"] == [
        {"type": "function", "name": "free"},
        {"type": "function", "name": "a"},
    ]


def test_provider_tools() -> None:
    """Configured tools of the provider come before those of the request that are meant for it."""
    scoped = ProviderToolScope("model", "provider")
    tools = [
        ProviderTool(tool=Raw(b'{"type":"all"}')),
        ProviderTool(scope=scoped, tool=Raw(b'{"type":"mine"}')),
        ProviderTool(scope=ProviderToolScope("model"), tool=Raw(b'{"type":"models"}')),
        ProviderTool(scope=ProviderToolScope("other"), tool=Raw(b'{"type":"other"}')),
    ]
    config = _config(tools=[A], provider_tools=tools)
    keys = _keys(config, ("model", "provider"), provider_tools=({"type": "web_search"},))
    types = [tool["type"] for tool in keys["tools"]]
    assert types == ["function", "web_search", "all", "mine", "models"]
    alone = _keys(None, provider_tools=({"type": "web_search"},))
    assert alone == {"tools": [{"type": "web_search"}]}
    asked = _keys(_config(tools=[], provider_tools=tools, parallel_tool_calls=True))
    assert (asked["tool_choice"], asked["parallel_tool_calls"]) == ("auto", True)


@pytest.mark.parametrize(("model", "parallel", "sent"), [("o1-x", False, None), ("o1", True, True)])
def test_o1(model: str, parallel: bool, sent: bool | None) -> None:
    """Models named o1 get `true` but not `false`."""
    keys = _keys(_config(parallel_tool_calls=parallel), model_name=model)
    assert keys.get("parallel_tool_calls") is sent
