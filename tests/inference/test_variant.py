"""Tests of `tzproxy.inference.variant`: parameters, JSON modes and timeouts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from in_process import CHAT, MODEL, StartGateway, completion, tool_calls

JSON = (
    MODEL
    + """
[functions.f]
type = "json"
output_schema = "out.json"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
"""
)
OUT = {"out.json": '{"type": "object", "required": ["a"]}'}
STRICT = {
    "type": "json_schema",
    "json_schema": {"name": "response", "strict": True, "schema": {"type": "object", "required": ["a"]}},
}


async def test_parameters_of_variant_and_request(start: StartGateway) -> None:
    """The variant's parameters are sent, the request's win, the row has what was in force."""
    toml = (
        MODEL
        + CHAT
        + (
            "temperature = 0.7\nmax_tokens = 100\nseed = 1\ntop_p = 0.9\npresence_penalty = 0.1\n"
            'frequency_penalty = 0.2\nstop_sequences = ["x"]\n'
        )
    )
    gateway = await start(toml, [completion()] * 2)
    await gateway.infer()
    assert gateway.sent[0] == {
        "messages": [{"role": "user", "content": "Hello"}],
        "model": "gpt",
        "temperature": 0.699999988079071,
        "max_completion_tokens": 100,
        "seed": 1,
        "top_p": 0.8999999761581421,
        "presence_penalty": 0.10000000149011612,
        "frequency_penalty": 0.20000000298023224,
        "stop": ["x"],
        "stream": False,
    }
    changes = {"temperature": 0.0, "max_tokens": 5, "stop_sequences": []}
    await gateway.infer(params={"chat_completion": changes})
    assert (gateway.sent[1]["temperature"], gateway.sent[1]["max_completion_tokens"]) == (0.0, 5)
    assert gateway.chat_rows[1]["inference_params"] == {
        "chat_completion": {
            "temperature": 0.0,
            "max_tokens": 5,
            "seed": 1,
            "top_p": 0.9,
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
            "stop_sequences": [],
        }
    }


@pytest.mark.parametrize(
    ("configured", "requested", "expected"),
    [
        ("strict", None, STRICT),
        ("on", None, {"type": "json_object"}),
        ("off", None, None),
        ("strict", "off", None),
        ("off", "strict", STRICT),
        ("tool", "on", {"type": "json_object"}),
    ],
)
async def test_json_modes_of_json_functions(
    start: StartGateway, configured: str, requested: str | None, expected: object
) -> None:
    """The variant's mode is sent in the provider's form; the request's wins."""
    gateway = await start(JSON + f'json_mode = "{configured}"\n', [completion('{"a": 1}')], files=OUT)
    params: dict[str, Any] = {"chat_completion": {} if requested is None else {"json_mode": requested}}
    reply = await gateway.infer(params=params)
    assert reply.json()["output"] == {"raw": '{"a": 1}', "parsed": {"a": 1}}
    assert gateway.sent[0].get("response_format") == expected
    assert "tools" not in gateway.sent[0]


@pytest.mark.parametrize("mode", ["tool", "implicit_tool"])
async def test_json_mode_tool(start: StartGateway, mode: str) -> None:
    """The schema is offered as the one tool that must be called; its arguments are the output."""
    call = completion(None, tool_calls=tool_calls(("respond", '{"a": 1}')))
    gateway = await start(JSON + f'json_mode = "{mode}"\n', [call], files=OUT)
    reply = await gateway.infer()
    assert reply.json()["output"] == {"raw": '{"a": 1}', "parsed": {"a": 1}}
    assert reply.json()["finish_reason"] == "tool_call"
    sent = gateway.sent[0]
    (tool,) = sent["tools"]
    assert tool["function"]["name"] == "respond"
    assert not tool["function"].get("strict", False)
    assert tool["function"]["parameters"] == {"type": "object", "required": ["a"]}
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "respond"}}
    assert "response_format" not in sent
    assert "parallel_tool_calls" not in sent
    assert gateway.model_rows[0]["output"] == (
        '[{"type":"tool_call","id":"call_0","name":"respond","arguments":"{\\"a\\": 1}"}]'
    )


@pytest.mark.parametrize(
    ("mode", "schema", "expected"),
    [
        ("on", None, {"type": "json_object"}),
        ("strict", None, {"type": "json_object"}),
        ("strict", {"type": "object", "required": ["a"]}, STRICT),
        (None, {"type": "object"}, None),
    ],
)
async def test_json_modes_of_chat_functions(
    start: StartGateway, mode: str | None, schema: object, expected: object
) -> None:
    """A chat function takes a mode by request; the answer stays content."""
    gateway = await start(MODEL + CHAT, [completion('{"a": 1}')])
    params: dict[str, Any] = {"chat_completion": {} if mode is None else {"json_mode": mode}}
    reply = await gateway.infer(params=params, output_schema=schema)
    assert reply.json()["content"] == [{"type": "text", "text": '{"a": 1}'}]
    assert gateway.sent[0].get("response_format") == expected


TOTAL = "timeouts = { non_streaming.total_ms = 300 }\n"
TIMED_OUT = "Variant `v` timed out due to configured `non_streaming.total_ms` timeout (300ms)"


@pytest.mark.parametrize(
    ("fields", "status", "prefix"),
    [({"variant_name": "v"}, 408, ""), ({}, 502, "All variants failed with errors: v: ")],
)
async def test_a_variants_timeout_covers_its_retries(
    start: StartGateway, fields: dict[str, object], status: int, prefix: str
) -> None:
    """The variant's time is for all attempts together: 408 when pinned, 502 when sampled."""
    gateway = await start(MODEL + CHAT + TOTAL + "retries = { num_retries = 5 }\n", [[]])
    loop = asyncio.get_running_loop()
    began = loop.time()
    reply = await gateway.infer(**fields)
    assert 0.3 <= loop.time() - began < 0.4
    assert (reply.status, reply.error) == (status, prefix + TIMED_OUT)
    assert gateway.network.connections[0].is_closed


async def test_plain_answers_do_not_mind_streaming_timeouts(start: StartGateway) -> None:
    """`streaming` deadlines are not for whole answers."""
    toml = MODEL + CHAT + "timeouts = { streaming.total_ms = 1, streaming.ttft_ms = 1 }\n"
    gateway = await start(toml, [completion()])
    assert (await gateway.infer()).status == 200


FALLBACK = MODEL + (
    '[functions.f]\ntype = "chat"\n'
    'experimentation = { type = "static", candidate_variants = ["v"], fallback_variants = ["w"] }\n'
    '[functions.f.variants.v]\ntype = "chat_completion"\nmodel = "m"\n'
    + TOTAL
    + '[functions.f.variants.w]\ntype = "chat_completion"\nmodel = "dummy::alternate"\n'
)


async def test_a_slow_variant_gives_way_to_the_next(start: StartGateway) -> None:
    """A variant's timeout is its failure, and the next variant serves."""
    gateway = await start(FALLBACK, [[]])
    reply = await gateway.infer()
    assert (reply.status, reply.json()["variant_name"]) == (200, "w")
