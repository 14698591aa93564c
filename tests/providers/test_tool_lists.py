from __future__ import annotations

from msgspec import Raw

from tzproxy.providers.tool_lists import encoded, joined, requested
from tzproxy.types.tools import AllowedTools, FunctionTool, ProviderTool, ProviderToolScope, ToolConfig

from .samples import ask

A = FunctionTool("", Raw(b"{}"), "a")
B = FunctionTool("", Raw(b"{}"), "b")


def test_requested() -> None:
    """A request's provider tools reach the models and providers they name."""
    tools = [
        ProviderTool(tool=Raw(b"1")),
        ProviderTool(scope=ProviderToolScope("m"), tool=Raw(b"2")),
        ProviderTool(scope=ProviderToolScope("m", "p"), tool=Raw(b"3")),
        ProviderTool(scope=ProviderToolScope("m", "q"), tool=Raw(b"4")),
        ProviderTool(scope=ProviderToolScope("n"), tool=Raw(b"5")),
    ]
    config = ToolConfig(tools=[], allowed=AllowedTools([], "function_default"), provider_tools=tools)
    found = requested(ask(tool_config=config, model_name="m", provider_name="p"))
    assert [bytes(tool) for tool in found] == [b"1", b"2", b"3"]
    assert requested(ask()) == []


def test_joined() -> None:
    """Lists are written as one; nothing is an empty list."""
    assert bytes(joined(encoded([{"a": 1}]), [], [Raw(b"2")])) == b'[{"a":1},2]'
    assert bytes(joined([], [])) == b"[]"
