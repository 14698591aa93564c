"""Tests of `tzproxy.types.tools`: what is offered under an explicit restriction."""

from __future__ import annotations

from msgspec import Raw

from tzproxy.types.tools import AllowedTools, FunctionTool, ToolConfig

TOOLS = [FunctionTool("", Raw(b"{}"), name) for name in ("a", "b", "c")]


def test_all_tools_are_offered_without_a_restriction() -> None:
    """The list is handed out as it is, not copied."""
    config = ToolConfig(tools=TOOLS, allowed=AllowedTools(["a", "b", "c"], "function_default"))
    assert config.offered() is TOOLS


def test_only_allowed_tools_are_offered() -> None:
    """Providers without a native allow-list get the tools allowed by name only, in their order."""
    config = ToolConfig(tools=TOOLS, allowed=AllowedTools(["c", "a", "key_of_b"], "explicit"))
    assert [tool.name for tool in config.offered()] == ["a", "c"]
