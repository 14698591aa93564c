"""Tests of `tzproxy.inference.chain_of_thought`: the wider schema out, the inner answer back."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from in_process import MODEL, StartGateway, completion, tool_calls
from tzproxy.inference.chain_of_thought import widened

TOML = (
    MODEL
    + """
[functions.f]
type = "json"
output_schema = "out.json"
[functions.f.variants.v]
type = "experimental_chain_of_thought"
model = "m"
json_mode = "{mode}"
"""
)
OUT = {"out.json": '{"type": "object", "required": ["a"]}'}


def test_the_schema_asks_for_thinking_first() -> None:
    """The wider schema wants both parts, thinking before the answer, and nothing else."""
    schema = json.loads(bytes(widened(Raw(b'{"type":"object","required":["a"]}'))))
    assert list(schema["properties"]) == ["thinking", "response"]
    assert schema["properties"]["thinking"]["type"] == "string"
    assert schema["properties"]["response"] == {"type": "object", "required": ["a"]}
    assert schema["required"] == ["thinking", "response"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("mode", ["strict", "tool"])
async def test_the_inner_answer_is_the_output(start: StartGateway, mode: str) -> None:
    """The model is asked by the wider schema; its thinking is kept beside the output."""
    said = '{"thinking": "hm", "response": {"a": [1, 2.0]}}'
    answer = (
        completion(None, tool_calls=tool_calls(("respond", said))) if mode == "tool" else completion(said)
    )
    gateway = await start(TOML.format(mode=mode), [answer], files=OUT)
    reply = await gateway.infer()
    assert reply.json()["output"] == {"raw": '{"a": [1, 2.0]}', "parsed": {"a": [1, 2.0]}}
    sent = gateway.sent[0]
    if mode == "tool":
        schema = sent["tools"][0]["function"]["parameters"]
    else:
        schema = sent["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["response"] == {"type": "object", "required": ["a"]}
    row = gateway.json_rows[0]
    assert row["auxiliary_content"] == [{"type": "thought", "text": "hm"}]
    assert row["output_schema"] == {"type": "object", "required": ["a"]}
    assert "thinking" in gateway.model_rows[0]["output"]


@pytest.mark.parametrize("said", ["no JSON", '{"a": 1}', '{"thinking": 5, "response": {}}', "[]", ""])
async def test_what_cannot_be_read_stays_as_it_is(start: StartGateway, said: str) -> None:
    """An answer of another shape is the raw output, and is not parsed even if it happens to fit."""
    gateway = await start(TOML.format(mode="on"), [completion(said)], files=OUT)
    reply = await gateway.infer()
    assert reply.status == 200
    output = reply.json()["output"]
    assert output["raw"] == (said or None) or output["raw"] == said
    assert output["parsed"] is None


async def test_a_response_that_does_not_fit_is_not_parsed(start: StartGateway) -> None:
    """The inner answer is checked against the function's own schema."""
    gateway = await start(
        TOML.format(mode="on"), [completion('{"thinking": "hm", "response": {"b": 1}}')], files=OUT
    )
    assert (await gateway.infer()).json()["output"] == {"raw": '{"b": 1}', "parsed": None}


async def test_it_does_not_stream(start: StartGateway) -> None:
    """The inner answer is not known before the end, so streaming is refused without asking anybody."""
    gateway = await start(TOML.format(mode="on"), files=OUT)
    reply = await gateway.infer(stream=True, variant_name="v")
    assert (reply.status, reply.error) == (
        500,
        "Unsupported variant for streaming inference of type chain_of_thought: v",
    )
    assert gateway.network.dialled == []
