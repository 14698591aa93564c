from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.types.tools import AllowedTools, CustomTool, FunctionTool, SpecificTool, ToolConfig

from ..samples import ask
from .samples import TYPES, VERTEX, body_of

A = FunctionTool("does a", Raw(b'{"type": "object", "additionalProperties": false}'), "a", True)
B = FunctionTool("does b", Raw(b"{}"), "b")


def _config(**fields: Any) -> ToolConfig:
    fields.setdefault("tools", [A, B])
    fields.setdefault("allowed", AllowedTools([tool.name for tool in fields["tools"]], "function_default"))
    return ToolConfig(**fields)


@pytest.mark.parametrize("name", TYPES)
def test_shape(name: str) -> None:
    """Tools are declared together, their schemas cleaned, strictness unmentioned."""
    body = body_of(name, ask(tool_config=_config(tools=[A], parallel_tool_calls=True)))
    declaration = {"name": "a", "description": "does a", "parameters": {"type": "object"}}
    assert body["tools"] == [{"functionDeclarations": [declaration]}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "auto"}}


@pytest.mark.parametrize(
    ("choice", "plain", "explicit"),
    [
        ("auto", {"mode": "auto"}, {"mode": "any", "allowedFunctionNames": ["a"]}),
        ("required", {"mode": "any"}, {"mode": "any", "allowedFunctionNames": ["a"]}),
        ("none", {"mode": "none"}, {"mode": "none"}),
        (
            SpecificTool("b"),
            {"mode": "any", "allowedFunctionNames": ["b"]},
            {"mode": "any", "allowedFunctionNames": ["b"]},
        ),
    ],
)
def test_choices(choice: Any, plain: Any, explicit: Any) -> None:
    """All tools are declared; the choice names those that may be called."""
    body = body_of(VERTEX, ask(tool_config=_config(tool_choice=choice)))
    assert body["toolConfig"]["functionCallingConfig"] == plain
    config = _config(tool_choice=choice, allowed=AllowedTools(["a"], "explicit"))
    body = body_of(VERTEX, ask(tool_config=config))
    assert body["toolConfig"]["functionCallingConfig"] == explicit
    assert len(body["tools"][0]["functionDeclarations"]) == 2


@pytest.mark.parametrize("name", TYPES)
def test_no_tools(name: str) -> None:
    """Without tools there is no choice."""
    body = body_of(name, ask(tool_config=_config(tools=[])))
    assert body.get("tools") is None and "toolConfig" not in body


def test_custom_tools() -> None:
    """OpenAI's custom tools are not for Gemini, which does not hear of them if there are no others."""
    alone = body_of(VERTEX, ask(tool_config=_config(tools=[], custom_tools=[CustomTool("free")])))
    assert alone.get("tools") is None and "toolConfig" not in alone
    with pytest.raises(ProviderError, match="^OpenAI custom tools are not supported by this provider$"):
        body_of(VERTEX, ask(tool_config=_config(custom_tools=[CustomTool("free")])))
