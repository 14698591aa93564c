from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.types.tools import (
    AllowedTools,
    CustomTool,
    CustomToolFormat,
    FunctionTool,
    GrammarFormat,
    SpecificTool,
    ToolConfig,
)

from ..samples import NAMES, ask, body_of, chat

A = FunctionTool("does a", Raw(b'{"type": "object", "x": 1.0}'), "a", True)
B = FunctionTool("does b", Raw(b"{}"), "b")
TAKES_TOOLS = [name for name in NAMES if name != "hyperbolic"]
NATIVE = {"openai", "azure", "groq", "openrouter"}
REQUIRED = {"together": "auto", "azure": "auto", "mistral": "any"}
FUNCTION_A = {"type": "function", "function": {"name": "a"}}


def _config(**fields: Any) -> ToolConfig:
    fields.setdefault("tools", [A, B])
    fields.setdefault("allowed", AllowedTools([tool.name for tool in fields["tools"]], "function_default"))
    return ToolConfig(**fields)


def _tool_keys(name: str, config: ToolConfig, **changes: Any) -> Any:
    body = body_of(chat(name, **changes), ask(tool_config=config))
    return {key: body[key] for key in ("tools", "tool_choice", "parallel_tool_calls") if key in body}


@pytest.mark.parametrize("name", TAKES_TOOLS)
def test_shape(name: str) -> None:
    """A tool's strictness stands beside the function; Fireworks and Mistral are not told."""
    first = _tool_keys(name, _config())["tools"][0]
    function = {"name": "a", "description": "does a", "parameters": {"type": "object", "x": 1.0}}
    strict = {} if name in ("fireworks", "mistral") else {"strict": True}
    assert first == {"type": "function", "function": function} | strict
    assert list(first["function"]) == ["name", "description", "parameters"]


def test_schema_bytes() -> None:
    """Schemas are sent compact, numbers and key order untouched."""
    body = chat("openai").build_request(ask(tool_config=_config()), {}).body
    assert b'"parameters":{"type":"object","x":1.0}' in body


@pytest.mark.parametrize("name", TAKES_TOOLS)
@pytest.mark.parametrize("choice", ["auto", "required", "none", SpecificTool("a")])
def test_choices(name: str, choice: Any) -> None:
    """Choices have the protocol's words, or a service's own; Together gets no tools for `none`."""
    keys = _tool_keys(name, _config(tool_choice=choice))
    if name == "together" and choice == "none":
        assert keys == {}
    elif name in REQUIRED and choice == "required":
        assert keys["tool_choice"] == REQUIRED[name]
    else:
        assert keys["tool_choice"] == (choice if isinstance(choice, str) else FUNCTION_A)
        assert len(keys["tools"]) == 2


@pytest.mark.parametrize("name", TAKES_TOOLS)
@pytest.mark.parametrize("choice", ["auto", "required", "none", SpecificTool("a")])
def test_allow_list(name: str, choice: Any) -> None:
    """An explicit list is sent as such where the protocol has one; elsewhere only those tools are sent."""
    config = _config(tool_choice=choice, allowed=AllowedTools(["a"], "explicit"))
    keys = _tool_keys(name, config)
    if name in NATIVE:
        assert len(keys["tools"]) == 2
        mode = "required" if choice == "required" else "auto"
        native = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [FUNCTION_A]}}
        assert keys["tool_choice"] == ("none" if choice == "none" else native)
    elif keys or name != "together":
        assert [tool["function"]["name"] for tool in keys["tools"]] == ["a"]
        assert keys["tool_choice"] != "allowed_tools"


def test_allow_list_of_renamed_tools() -> None:
    """Requests may call a tool by another name than models do; models are told the request's words."""
    allowed = AllowedTools(["key_of_b"], "explicit")
    keys = _tool_keys("openai", _config(allowed=allowed))
    names = [item["function"]["name"] for item in keys["tool_choice"]["allowed_tools"]["tools"]]
    assert names == ["key_of_b"]
    assert _tool_keys("mistral", _config(allowed=allowed))["tools"] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_tools_left(name: str) -> None:
    """Without tools there is neither a choice nor a word on parallel calls."""
    assert _tool_keys(name, _config(tools=[], parallel_tool_calls=True)) == {}


@pytest.mark.parametrize("name", [name for name in TAKES_TOOLS if name not in NATIVE])
def test_no_tool_allowed(name: str) -> None:
    """A restriction that leaves none of the tools is an empty list, with the choice."""
    keys = _tool_keys(name, _config(allowed=AllowedTools([], "explicit")))
    assert keys["tools"] == [] and keys["tool_choice"] == "auto"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls(name: str, parallel: bool) -> None:
    """The word on parallel calls is passed on, but for services that have none."""
    keys = _tool_keys(name, _config(parallel_tool_calls=parallel))
    silent = name in ("azure", "deepseek", "fireworks", "hyperbolic", "mistral")
    assert keys.get("parallel_tool_calls") == (None if silent else parallel)


@pytest.mark.parametrize("name", ["openai", "openrouter"])
def test_o1_does_not_forbid_parallel_calls(name: str) -> None:
    """Models named o1 get `true` but not `false`."""
    forbidding, allowing = _config(parallel_tool_calls=False), _config(parallel_tool_calls=True)
    assert "parallel_tool_calls" not in _tool_keys(name, forbidding, model_name="O1-x")
    assert _tool_keys(name, allowing, model_name="o1")["parallel_tool_calls"] is True
    assert _tool_keys(name, forbidding, model_name="openai/o1")["parallel_tool_calls"] is False


CUSTOM = [
    CustomTool("free"),
    CustomTool("text", "d", CustomToolFormat("text")),
    CustomTool("bound", None, CustomToolFormat("grammar", GrammarFormat("lark", "start: X"))),
]


def test_custom_tools() -> None:
    """OpenAI gets custom tools after the functions, and names them in its allow-list."""
    config = _config(
        tools=[B],
        custom_tools=CUSTOM,
        allowed=AllowedTools(["free", "b"], "explicit"),
        tool_choice="required",
    )
    keys = _tool_keys("openai", config)
    assert keys["tools"][1:] == [
        {"type": "custom", "custom": {"name": "free"}},
        {"type": "custom", "custom": {"name": "text", "description": "d", "format": {"type": "text"}}},
        {
            "type": "custom",
            "custom": {
                "name": "bound",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}},
            },
        },
    ]
    assert keys["tool_choice"]["allowed_tools"] == {
        "mode": "required",
        "tools": [
            {"type": "custom", "custom": {"name": "free"}},
            {"type": "function", "function": {"name": "b"}},
        ],
    }
    alone = _config(tools=[], custom_tools=CUSTOM[:1])
    assert _tool_keys("openai", alone)["tools"] == [{"type": "custom", "custom": {"name": "free"}}]


@pytest.mark.parametrize("name", [name for name in TAKES_TOOLS if name != "openai"])
def test_custom_tools_elsewhere(name: str) -> None:
    """No other service takes custom tools, or hears of them if there are no others."""
    assert _tool_keys(name, _config(tools=[], custom_tools=CUSTOM)) == {}
    with pytest.raises(ProviderError, match="^OpenAI custom tools are not supported by this provider$"):
        chat(name).build_request(ask(tool_config=_config(custom_tools=CUSTOM)), {})


def test_hyperbolic_never_hears_of_tools() -> None:
    """Hyperbolic gets no tools of any kind, without complaint."""
    assert _tool_keys("hyperbolic", _config(custom_tools=CUSTOM, parallel_tool_calls=True)) == {}


def test_tgi_does_not_stream_tools() -> None:
    """TGI refuses tools in streams before anything is sent, but takes a tool-less stream."""
    tgi = chat("tgi")
    with pytest.raises(ProviderError, match="^TGI does not support tools in streaming mode$"):
        tgi.build_request(ask(tool_config=_config(), stream=True), {})
    assert body_of(tgi, ask(tool_config=_config(tools=[]), stream=True))["stream"] is True


def test_kept_tools_are_those_of_the_request() -> None:
    """What is kept of earlier tool configurations never leaks into another request."""
    provider = chat("openai")
    for number in range(100):
        tool = msgspec.structs.replace(B, name=f"t{number}")
        config = _config(tools=[tool], parallel_tool_calls=number % 2 == 0)
        for _ in range(2):
            body = body_of(provider, ask(tool_config=config))
            assert [item["function"]["name"] for item in body["tools"]] == [f"t{number}"]
            assert body["parallel_tool_calls"] is (number % 2 == 0)
