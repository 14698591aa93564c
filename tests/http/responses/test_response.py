"""Tests of `tzproxy.http.responses.response`: the response object of an answer."""

from __future__ import annotations

import json
from typing import Any

from openai.types.responses import Response

from in_process import CHAT, MODEL, StartGateway, completion, completion_body, tool_calls
from tzproxy.http.responses.thoughts import opened
from tzproxy.upstream.fake import answer

PATH = "/openai/v1/responses"
ASK: dict[str, Any] = {"model": "f", "input": "Hello"}
REASONING_MODEL = MODEL.replace('type = "openai"', 'type = "vllm"')
JSON_FUNCTION = """
[functions.j]
type = "json"
[functions.j.variants.v]
type = "chat_completion"
model = "m"
json_mode = "off"
"""


def ended(reason: str, text: str = "Hi", **usage: object) -> bytes:
    """Write a provider's answer that ends for a reason."""
    body: Any = completion_body(text)
    body["choices"][0]["finish_reason"] = reason
    body["usage"].update(usage)
    return answer(json.dumps(body).encode())


async def test_the_object_fits_the_clients_model(start: StartGateway) -> None:
    """The published client's strict model takes the response, and what the request said is repeated."""
    gateway = await start(MODEL + CHAT, [completion("Hi")])
    tools = [{"type": "function", "name": "t", "parameters": {"type": "object"}, "strict": False}]
    request = {"instructions": "Be kind.", "tools": tools, "temperature": 0.5, "metadata": {"a": "b"}}
    reply = await gateway.post(PATH, {**ASK, **request})
    response = Response.model_validate(reply.json(), strict=True)
    assert response.output_text == "Hi"
    assert (response.instructions, response.temperature, response.metadata) == (
        "Be kind.",
        0.5,
        {"a": "b"},
    )
    assert reply.json()["tools"] == tools
    (row,) = gateway.chat_rows
    assert (row["id"], row["episode_id"]) == (response.id, reply.json()["episode_id"])
    assert row["tags"] == {"a": "b"}


async def test_texts_calls_and_thoughts_are_items(start: StartGateway) -> None:
    """Each block of an answer is an item, in the answer's order, with ids of their own."""
    message = completion("Hi", reasoning="Hm", tool_calls=tool_calls(("a", "{}"), ("patch", "***")))
    gateway = await start(REASONING_MODEL + CHAT, [message])
    reply = await gateway.post(PATH, ASK)
    output = reply.json()["output"]
    assert sorted(item["type"] for item in output) == [
        "function_call",
        "function_call",
        "message",
        "reasoning",
    ]
    by_type = {item["type"]: item for item in output}
    assert by_type["reasoning"]["summary"] == [{"type": "summary_text", "text": "Hm"}]
    seal = opened(by_type["reasoning"]["encrypted_content"])
    assert seal is not None
    assert (seal.shown, seal.provider_type) == ("text", "vllm")
    assert by_type["function_call"]["call_id"] == "call_1"
    assert len({item["id"] for item in output}) == 4


async def test_calls_of_custom_tools(start: StartGateway) -> None:
    """A call of a tool that the request declared as custom is an item of its own kind."""
    gateway = await start(MODEL + CHAT, [completion(None, tool_calls=tool_calls(("patch", "***")))])
    reply = await gateway.post(PATH, {**ASK, "tools": [{"type": "custom", "name": "patch"}]})
    (item,) = reply.json()["output"]
    assert (item["type"], item["input"], item["call_id"]) == ("custom_tool_call", "***", "call_0")


async def test_json_functions(start: StartGateway) -> None:
    """A JSON function's answer is a message with its text."""
    gateway = await start(MODEL + JSON_FUNCTION, [completion('{"a": 1}')])
    reply = await gateway.post(PATH, {**ASK, "model": "j"})
    assert reply.json()["output"][0]["content"][0]["text"] == '{"a": 1}'
    assert len(gateway.json_rows) == 1


async def test_ends(start: StartGateway) -> None:
    """A cut or filtered answer is incomplete and says why."""
    gateway = await start(MODEL + CHAT, [ended("length"), ended("content_filter"), ended("stop")])
    replies = [(await gateway.post(PATH, ASK)).json() for _ in range(3)]
    assert [reply["status"] for reply in replies] == ["incomplete", "incomplete", "completed"]
    assert [reply["incomplete_details"] for reply in replies] == [
        {"reason": "max_output_tokens"},
        {"reason": "content_filter"},
        None,
    ]
    assert [reply["output"][0]["status"] for reply in replies] == ["incomplete", "incomplete", "completed"]
    assert [reply["completed_at"] is None for reply in replies] == [True, True, False]


async def test_usage(start: StartGateway) -> None:
    """Usage is told with the provider's cache; without any it is null."""
    cached = ended("stop", prompt_tokens_details={"cached_tokens": 2})
    silent: Any = completion_body()
    del silent["usage"]
    gateway = await start(MODEL + CHAT, [cached, answer(json.dumps(silent).encode())])
    usage = (await gateway.post(PATH, ASK)).json()["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (3, 5, 8)
    assert usage["input_tokens_details"]["cached_tokens"] == 2
    assert (await gateway.post(PATH, ASK)).json()["usage"] is None


async def test_what_the_provider_said(start: StartGateway) -> None:
    """Raw usage, raw and original responses are added when they are asked for."""
    gateway = await start(MODEL + CHAT, [completion("Hi")])
    wanted = {
        "tensorzero::include_raw_usage": True,
        "tensorzero::include_raw_response": True,
        "tensorzero::include_original_response": True,
    }
    body = (await gateway.post(PATH, {**ASK, **wanted})).json()
    assert body["tensorzero_raw_usage"][0]["data"]["prompt_tokens"] == 3
    assert "Hi" in body["tensorzero_raw_response"][0]["data"]
    assert "Hi" in body["tensorzero_original_response"]
