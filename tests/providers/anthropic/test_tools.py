from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.types.tools import (
    AllowedTools,
    CustomTool,
    FunctionTool,
    ProviderTool,
    ProviderToolScope,
    SpecificTool,
    ToolConfig,
)

from ..samples import ask
from .samples import TYPES, body_of

A = FunctionTool("does a", Raw(b'{"type": "object"}'), "a", True)
B = FunctionTool("does b", Raw(b"{}"), "b")
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def _config(**fields: Any) -> ToolConfig:
    fields.setdefault("tools", [A, B])
    fields.setdefault("allowed", AllowedTools([tool.name for tool in fields["tools"]], "function_default"))
    return ToolConfig(**fields)


def _keys(config: ToolConfig | None, name: str = "anthropic", **changes: Any) -> Any:
    body = body_of(ask(tool_config=config), name, **changes)
    return {key: body[key] for key in ("tools", "tool_choice") if key in body}


@pytest.mark.parametrize("name", TYPES)
def test_shape(name: str) -> None:
    """A tool says whether it is strict, but not to Vertex AI."""
    tool = {"name": "a", "description": "does a", "input_schema": {"type": "object"}}
    strict = {"strict": True} if name == "anthropic" else {}
    assert _keys(_config(tools=[A]), name)["tools"] == [tool | strict]
    assert ("strict" in _keys(_config(tools=[B]), name)["tools"][0]) is (name == "anthropic")


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        (SpecificTool("b"), {"type": "tool", "name": "b"}),
    ],
)
@pytest.mark.parametrize(("parallel", "disabled"), [(None, False), (True, False), (False, True)])
def test_choices(choice: Any, wire: dict[str, Any], parallel: bool | None, disabled: bool) -> None:
    """The choice always says whether calls come alone."""
    keys = _keys(_config(tool_choice=choice, parallel_tool_calls=parallel))
    assert keys["tool_choice"] == wire | {"disable_parallel_tool_use": disabled}
    assert len(keys["tools"]) == 2


def test_none() -> None:
    """No choice means no tools, not even Anthropic's own."""
    assert _keys(_config(tool_choice="none"), provider_tools=(SEARCH,)) == {}


def test_allow_list() -> None:
    """Only allowed tools are offered; with none left the list is empty and there is no choice."""
    allowed = _config(allowed=AllowedTools(["b"], "explicit"))
    assert [tool["name"] for tool in _keys(allowed)["tools"]] == ["b"]
    assert _keys(_config(allowed=AllowedTools([], "explicit"))) == {"tools": []}


def test_provider_tools() -> None:
    """Anthropic's own tools follow the functions: configured ones, then the request's."""
    tools = [ProviderTool(tool=Raw(b'{"type":"x"}'))]
    keys = _keys(_config(tools=[A], provider_tools=tools), provider_tools=(SEARCH,))
    assert keys["tools"][1:] == [SEARCH, {"type": "x"}]
    assert keys["tool_choice"]["type"] == "auto"
    assert _keys(None, provider_tools=(SEARCH,)) == {"tools": [SEARCH]}
    alone = _keys(_config(tools=[], provider_tools=tools))
    assert alone["tools"] == [{"type": "x"}]
    assert alone["tool_choice"]["type"] == "auto"
    others = [ProviderTool(scope=ProviderToolScope("zz"), tool=Raw(b'{"type":"x"}'))]
    assert _keys(_config(tools=[], provider_tools=others)) == {"tools": []}


def test_custom_tools() -> None:
    """OpenAI's custom tools are not for Anthropic."""
    with pytest.raises(ProviderError, match="^OpenAI custom tools are not supported by this provider$"):
        _keys(_config(custom_tools=[CustomTool("free")]))
