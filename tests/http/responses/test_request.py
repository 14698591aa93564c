"""Tests of `tzproxy.http.responses.request`: what a provider is sent for a request."""

from __future__ import annotations

from typing import Any

import pytest

from in_process import CHAT, MODEL, StartGateway, completion
from tzproxy.upstream.fake import answer

PATH = "/openai/v1/responses"
ASK: dict[str, Any] = {"model": "f", "input": "Hello"}
LOOK_UP = {"type": "function", "name": "look_up", "parameters": {"type": "object"}}
RESPONSES_MODEL = MODEL.replace('type = "openai"', 'type = "openai"\napi_type = "responses"')
WHOLE = (
    b'{"id":"r","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}],'
    b'"usage":{"input_tokens":1,"output_tokens":1},"status":"completed"}'
)


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
        max_output_tokens=7,
        reasoning={"effort": "low", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "text"}},
        service_tier="flex",
        instructions="Be kind.",
    )
    assert (body["temperature"], body["top_p"], body["max_completion_tokens"]) == (0.5, 0.25, 7)
    assert (body["reasoning_effort"], body["verbosity"], body["service_tier"]) == ("low", "low", "flex")
    assert body["messages"][0] == {"role": "system", "content": "Be kind."}


async def test_parameters_of_the_gateway_win(start: StartGateway) -> None:
    """`tensorzero::params` say more than the protocol's own fields."""
    params = {"chat_completion": {"seed": 5, "temperature": 1.0}}
    body = await sent(start, temperature=0.5, top_p=0.5, **{"tensorzero::params": params})
    assert (body["seed"], body["temperature"], body["top_p"]) == (5, 1.0, 0.5)


async def test_what_means_nothing_here_is_tolerated(start: StartGateway) -> None:
    """State is not demanded by `store`; hints for OpenAI alone change nothing."""
    plain = await sent(start)
    hints = {
        "store": True,
        "include": ["reasoning.encrypted_content"],
        "truncation": "auto",
        "prompt_cache_key": "k",
        "user": "u",
        "service_tier": "scale",
        "previous_response_id": None,
        "tools": None,
        "tool_choice": None,
        "text": None,
        "reasoning": None,
        "stream": False,
        "novelty": {"a": 1},
    }
    assert await sent(start, **hints) == plain


async def test_function_tools(start: StartGateway) -> None:
    """Function tools are offered with all that was said of them; a schema may be missing."""
    full = {**LOOK_UP, "description": "Looks", "strict": True}
    bare = {"type": "function", "name": "bare", "parameters": None, "strict": None}
    body = await sent(start, tools=[full, bare], tool_choice="required", parallel_tool_calls=False)
    first, second = (tool["function"] for tool in body["tools"])
    assert (first["name"], first["description"]) == ("look_up", "Looks")
    assert second["parameters"] == {"type": "object", "properties": {}}
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)


async def test_custom_tools(start: StartGateway) -> None:
    """Custom tools keep their grammar."""
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: A"}
    body = await sent(
        start,
        tools=[
            {"type": "custom", "name": "a", "description": "A", "format": grammar},
            {"type": "custom", "name": "b", "format": {"type": "text"}},
        ],
    )
    assert body["tools"][0]["custom"]["format"] == {
        "type": "grammar",
        "grammar": {"syntax": "lark", "definition": "start: A"},
    }
    assert body["tools"][1]["custom"]["format"] == {"type": "text"}


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ("none", "none"),
        ("auto", "auto"),
        ({"type": "function", "name": "look_up"}, {"type": "function", "function": {"name": "look_up"}}),
    ],
)
async def test_choices(start: StartGateway, choice: object, forced: object) -> None:
    """A choice is passed on in the provider's own form."""
    body = await sent(start, tools=[LOOK_UP], tool_choice=choice)
    assert body["tool_choice"] == forced


async def test_allowed_tools(start: StartGateway) -> None:
    """A restriction names the tools that may be called, and whether one must be."""
    other = {**LOOK_UP, "name": "other"}
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "other"}]}
    body = await sent(start, tools=[LOOK_UP, other], tool_choice=choice)
    allowed = body["tool_choice"]["allowed_tools"]
    assert (allowed["mode"], [tool["function"]["name"] for tool in allowed["tools"]]) == (
        "required",
        ["other"],
    )


async def test_structured_output(start: StartGateway) -> None:
    """A schema of `text.format` is the answer's."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = {"type": "json_schema", "name": "n", "schema": schema, "strict": True}
    body = await sent(start, text={"format": wanted})
    assert body["response_format"]["json_schema"]["schema"] == schema
    body = await sent(start, text={"format": {"type": "json_object"}})
    assert body["response_format"] == {"type": "json_object"}


async def test_hosted_tools_are_for_those_who_run_them(start: StartGateway) -> None:
    """A hosted tool reaches a provider that speaks this protocol, and no other is told of it."""
    search = {"type": "web_search", "filters": {"allowed_domains": ["a.test"]}}
    gateway = await start(RESPONSES_MODEL + CHAT, [answer(WHOLE)])
    assert (await gateway.post(PATH, {**ASK, "tools": [LOOK_UP, search]})).status == 200
    assert gateway.sent[0]["tools"][-1] == search
    body = await sent(start, tools=[LOOK_UP, search])
    assert [tool["type"] for tool in body["tools"]] == ["function"]
    assert "tools" not in await sent(start, tools=[search])


@pytest.mark.parametrize(
    ("request_fields", "complaint"),
    [
        ({"previous_response_id": "resp_1"}, "`previous_response_id` is not supported"),
        ({"conversation": "conv_1"}, "`conversation` is not supported"),
        ({"prompt": {"id": "p"}}, "`prompt` is not supported"),
        ({"background": True}, "`background` is not supported"),
        ({"tools": [{"name": "a"}]}, "tools[0]: missing field `type`"),
        ({"tools": "all"}, "tools: "),
        ({"tools": [{"type": "custom", "name": "a", "format": {"type": "grammar"}}]}, "a grammar needs"),
        ({"tool_choice": "maybe"}, "tool_choice: Invalid enum value 'maybe'"),
        ({"tool_choice": {"type": "function"}}, "tool_choice: missing field `name`"),
        ({"tool_choice": {"type": "web_search"}}, "cannot be forced"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format: missing field `schema`"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type: "),
        ({"max_output_tokens": -1}, "max_output_tokens: "),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"tensorzero::deny_unknown_fields": True, "novelty": 1}, "unknown fields in the request: [novelty]"),
        ({"metadata": {"tensorzero::x": "y"}}, "Tag name cannot start with"),
    ],
)
async def test_mistakes_are_named(
    start: StartGateway, request_fields: dict[str, object], complaint: str
) -> None:
    """What cannot be done is refused before any provider is asked, and said."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.post(PATH, {**ASK, **request_fields})
    assert reply.status == 400
    assert complaint in reply.json()["error"]["message"]
    assert gateway.sent == []


async def test_a_body_that_is_no_json(start: StartGateway) -> None:
    """A body that cannot be decoded is the client's mistake."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.post(PATH, b"{")
    assert reply.status == 400
    assert "Failed to parse the request body as JSON" in reply.json()["error"]["message"]
