"""Tests of `tzproxy.http.anthropic.request`: what a provider is sent for a request."""

from __future__ import annotations

from typing import Any

import pytest

from in_process import CHAT, MODEL, StartGateway, completion

PATH = "/anthropic/v1/messages"
ASK: dict[str, Any] = {"model": "f", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
LOOK_UP = {"name": "look_up", "description": "Looks", "input_schema": {"type": "object"}}


async def sent(start: StartGateway, **request: object) -> Any:
    """Ask function `f` and return what the provider got."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.post(PATH, {**ASK, **request})
    assert reply.status == 200, reply.body
    return gateway.sent[0]


async def test_parameters(start: StartGateway) -> None:
    """Each parameter of the protocol reaches the provider under its own name for it."""
    body = await sent(
        start,
        temperature=0.5,
        top_p=0.25,
        stop_sequences=["END"],
        service_tier="standard_only",
        output_config={"effort": "low"},
        system="Be kind.",
    )
    assert (body["temperature"], body["top_p"], body["max_completion_tokens"]) == (0.5, 0.25, 9)
    assert (body["stop"], body["service_tier"], body["reasoning_effort"]) == (["END"], "default", "low")
    assert body["messages"][0] == {"role": "system", "content": "Be kind."}


@pytest.mark.parametrize(
    ("thinking", "budget"),
    [
        ({"type": "enabled", "budget_tokens": 1024, "display": "summarized"}, 1024),
        ({"type": "adaptive"}, None),
        ({"type": "disabled"}, None),
    ],
)
async def test_thinking(start: StartGateway, thinking: object, budget: int | None) -> None:
    """A thinking budget is recorded as the engine's parameter; other kinds set none."""
    gateway = await start(MODEL + CHAT, [completion()])
    await gateway.post(PATH, {**ASK, "thinking": thinking})
    (row,) = gateway.chat_rows
    assert row["inference_params"]["chat_completion"].get("thinking_budget_tokens") == budget


async def test_what_means_nothing_here_is_tolerated(start: StartGateway) -> None:
    """Hints for Anthropic alone change nothing."""
    plain = await sent(start)
    hints = {
        "top_k": 5,
        "cache_control": {"type": "ephemeral"},
        "metadata": {"user_id": None},
        "service_tier": "priority",
        "context_management": {"edits": []},
        "novelty": [1],
    }
    assert await sent(start, **hints) == plain


async def test_tools(start: StartGateway) -> None:
    """Tools are offered with their schema; those that only Anthropic runs are for no other provider."""
    search = {"type": "web_search_20250305", "name": "web_search"}
    body = await sent(start, tools=[LOOK_UP, {**LOOK_UP, "type": "custom", "name": "b"}, search])
    assert [tool["function"]["name"] for tool in body["tools"]] == ["look_up", "b"]
    assert body["tools"][0]["function"]["parameters"] == {"type": "object"}


@pytest.mark.parametrize(
    ("choice", "forced", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "none"}, "none", None),
        (
            {"type": "tool", "name": "look_up", "disable_parallel_tool_use": False},
            {"type": "function", "function": {"name": "look_up"}},
            True,
        ),
    ],
)
async def test_choices(start: StartGateway, choice: object, forced: object, parallel: bool | None) -> None:
    """A choice is passed on in the provider's own form, and the wish for single calls turned around."""
    body = await sent(start, tools=[LOOK_UP], tool_choice=choice)
    assert (body["tool_choice"], body.get("parallel_tool_calls")) == (forced, parallel)


async def test_structured_output(start: StartGateway) -> None:
    """A schema of `output_config.format` is the answer's."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    body = await sent(start, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert body["response_format"]["json_schema"]["schema"] == schema


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role"),
        ({"tools": [{"name": "a"}]}, "tools[0]: missing field `input_schema`"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice: missing field `name`"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"tensorzero::deny_unknown_fields": True, "novelty": 1}, "unknown fields in the request: [novelty]"),
    ],
)
async def test_mistakes_are_named(start: StartGateway, fields: dict[str, object], complaint: str) -> None:
    """What cannot be done is refused before any provider is asked, and said."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.post(PATH, {**ASK, **fields})
    error = reply.json()["error"]
    assert (reply.status, error["type"]) == (400, "invalid_request_error")
    assert complaint in error["message"]
    assert gateway.sent == []
