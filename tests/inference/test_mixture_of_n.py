"""Tests of `tzproxy.inference.mixture_of_n`: one answer made of several, and what is left when that fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from in_process import StartGateway, answer, completion, completion_body, streamed, tool_calls
from tzproxy.inference.mixture_of_n import instructions
from tzproxy.upstream.fake import event_stream

MODELS = "".join(
    f'[models.{name}]\nrouting = ["p"]\n[models.{name}.providers.p]\ntype = "openai"\n'
    f'api_base = "http://{name}.test/v1/"\nmodel_name = "{name}"\napi_key_location = "none"\n'
    for name in ("a", "b", "fuse")
)
VARIANTS = "".join(
    f'[functions.f.variants.{name}]\ntype = "chat_completion"\nmodel = "{name}"\n' for name in ("a", "b")
)
SOLE = '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["mix"]\n'
MIX = '[functions.f.variants.mix]\ntype = "experimental_mixture_of_n"\ncandidates = ["a", "b"]\n'
FUSER = '[functions.f.variants.mix.fuser]\nmodel = "fuse"\n'
CHAT = MODELS + '[functions.f]\ntype = "chat"\n' + SOLE + VARIANTS + MIX + FUSER
ANSWERS = [[completion("one")], [completion("two")]]
FLAGS = {"include_raw_usage": True, "include_raw_response": True, "include_original_response": True}
NO = answer(b'{"error":"no"}', status=500)


def said(reply: Any) -> Any:
    """Return the content of an answer."""
    return reply.json()["content"]


async def test_the_fused_answer_is_given(start: StartGateway) -> None:
    """Its call is the first of the rows, the candidates' follow in their order."""
    gateway = await start(CHAT, *ANSWERS, [completion("fused")])
    reply = await gateway.infer(**FLAGS)
    assert said(reply) == [{"type": "text", "text": "fused"}]
    assert reply.json()["usage"]["output_tokens"] == 3 * 5
    assert json.loads(reply.json()["original_response"]) == completion_body("fused")
    assert [row["model_name"] for row in gateway.model_rows] == ["fuse", "a", "b"]
    assert len(reply.json()["raw_response"]) == len(reply.json()["raw_usage"]) == 3


async def test_what_the_fuser_is_asked(start: StartGateway) -> None:
    """The conversation, then the candidates below their indices; the request's parameters are not for it."""
    gateway = await start(CHAT + "max_tokens = 7\n", *ANSWERS, [completion("fused")])
    await gateway.infer(
        input={"system": "Be brief.", "messages": [{"role": "user", "content": "Why?"}]},
        params={"chat_completion": {"temperature": 0.5}},
        extra_headers=[{"name": "x-mine", "value": "1"}],
    )
    fuser = gateway.sent[2]
    system, asked, last = fuser["messages"]
    assert "\n------\nBe brief.\n------\n" in system["content"]
    assert asked == {"role": "user", "content": "Why?"}
    assert last["role"] == "user"
    listed = [
        f'{index}:\n[{{"type":"text","text":"{text}"}}]\n------' for index, text in ((0, "one"), (1, "two"))
    ]
    assert last["content"].endswith("\n".join(listed))
    assert (fuser["max_completion_tokens"], fuser.get("temperature")) == (7, None)
    assert all(b"x-mine: 1" in request for request in gateway.network.requests)
    (row,) = gateway.chat_rows
    assert row["inference_params"] == {"chat_completion": {}}


async def test_parameters_recorded_of_streams(start: StartGateway) -> None:
    """A stream of the fuser's has its parameters; one that plays a whole answer has the request's."""
    params = {"chat_completion": {"temperature": 0.5}}
    gateway = await start(CHAT + "max_tokens = 7\n", *ANSWERS, [streamed("fused")])
    await gateway.infer(params=params, stream=True)
    assert gateway.chat_rows[0]["inference_params"] == {"chat_completion": {"max_tokens": 7}}
    gateway = await start(CHAT + "max_tokens = 7\n", *ANSWERS, [answer(b"no", status=500)])
    await gateway.infer(params=params, stream=True)
    assert gateway.chat_rows[0]["inference_params"] == params


async def test_the_fuser_may_call_tools(start: StartGateway) -> None:
    """It answers as the function would."""
    called = completion(None, tool_calls=tool_calls(("t", "{}")))
    gateway = await start(CHAT, *ANSWERS, [called])
    tool = {"name": "t", "description": "d", "parameters": {"type": "object"}}
    (block,) = said(await gateway.infer(additional_tools=[tool]))
    assert (block["type"], block["name"], block["arguments"]) == ("tool_call", "t", {})
    assert gateway.sent[2]["tools"] == gateway.sent[0]["tools"]


async def test_a_failing_fuser_leaves_some_answer(
    start: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the candidates' answers is given, its call first; there is no original response."""
    monkeypatch.setattr("random.randrange", lambda stop: stop - 1)
    gateway = await start(CHAT, *ANSWERS, [NO])
    reply = (await gateway.infer(**FLAGS)).json()
    assert reply["content"] == [{"type": "text", "text": "two"}]
    assert "original_response" not in reply
    assert [row["model_name"] for row in gateway.model_rows] == ["b", "a"]
    assert reply["raw_response"][0]["data"] == '{"error":"no"}'
    assert len(reply["raw_response"]) == 3


async def test_extra_body_of_a_request_keeps_the_fuser_out(start: StartGateway) -> None:
    """It reaches the candidates, and one of their answers is given."""
    gateway = await start(CHAT, *ANSWERS)
    reply = await gateway.infer(extra_body=[{"pointer": "/q", "value": 1}])
    assert reply.status == 200
    assert [sent["q"] for sent in gateway.sent] == [1, 1]


@pytest.mark.parametrize("stream", [False, True])
async def test_one_answer_needs_no_fuser(start: StartGateway, stream: bool) -> None:
    """It is given as it is, in a stream as one chunk."""
    gateway = await start(CHAT, [NO], [completion("two")])
    reply = await gateway.infer(stream=stream)
    if stream:
        first, last, _ = reply.events()
        assert first["content"] == [{"type": "text", "id": "0", "text": "two"}]
        assert last["finish_reason"] == "stop"
    else:
        assert said(reply) == [{"type": "text", "text": "two"}]
    assert [row["model_name"] for row in gateway.model_rows] == ["b"]


@pytest.mark.parametrize("stream", [False, True])
async def test_no_answer_at_all(start: StartGateway, stream: bool) -> None:
    """Nothing has been streamed yet, so a stream fails with a status as well."""
    gateway = await start(CHAT, [NO], [NO])
    reply = await gateway.infer(variant_name="mix", stream=stream)
    assert reply.status == 502
    assert reply.error.startswith("All candidates failed with errors: candidates[0] (a): ")


async def test_the_fuser_streams(start: StartGateway) -> None:
    """Its pieces come as they are made; the candidates' calls are told before them."""
    gateway = await start(CHAT, *ANSWERS, [streamed("fu", "sed")])
    events = (await gateway.infer(stream=True, **FLAGS)).events()
    texts = [block["text"] for event in events[:-1] for block in event["content"]]
    assert texts == ["fu", "sed"]
    assert len(events[0]["raw_usage"]) == len(events[1]["raw_response"]) == 2
    assert events[-2]["usage"] == {"input_tokens": 9, "output_tokens": 15, "cost": None}
    assert [row["model_name"] for row in gateway.model_rows] == ["fuse", "a", "b"]
    assert [row["ttft_ms"] is None for row in gateway.model_rows] == [False, True, True]
    assert gateway.sent[2]["stream"] is True
    assert gateway.sent[0]["stream"] is False


async def test_a_stream_that_does_not_begin_leaves_some_answer(start: StartGateway) -> None:
    """One candidate's answer is played as a stream."""
    gateway = await start(CHAT, *ANSWERS, [NO])
    events = (await gateway.infer(stream=True)).events()
    assert events[0]["content"][0]["text"] in ("one", "two")
    assert events[-2]["usage"]["input_tokens"] == 6


async def test_a_stream_that_breaks_is_an_ordinary_failure(start: StartGateway) -> None:
    """After the first piece there is no way back."""
    broken = event_stream([b'{"choices":[{"index":0,"delta":{"content":"fu"}}]}', b"no JSON"])
    gateway = await start(CHAT, *ANSWERS, [broken])
    events = (await gateway.infer(stream=True)).events()
    assert any("error" in event for event in events)


JSON = (
    CHAT.replace('type = "chat"', 'type = "json"\noutput_schema = "answer.json"')
    .replace('model = "a"\n', 'model = "a"\njson_mode = "off"\n')
    .replace('model = "b"\n', 'model = "b"\njson_mode = "off"\n')
    + 'json_mode = "on"\n'
)
SCHEMA = {"answer.json": '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'}


async def test_json_that_is_not_valid_is_left_out(start: StartGateway) -> None:
    """The fuser is asked even about a single valid answer, and its own answer is checked."""
    scripts = [[completion("bad")], [completion('{"n":2}')], [completion('{"n":3}')]]
    gateway = await start(JSON, *scripts, files=SCHEMA)
    reply = (await gateway.infer()).json()
    assert reply["output"] == {"raw": '{"n":3}', "parsed": {"n": 3}}
    listed = gateway.sent[2]["messages"][-1]["content"]
    assert listed.endswith('0:\n{"n":2}\n------')
    assert gateway.sent[2]["response_format"] == {"type": "json_object"}


async def test_no_valid_json_leaves_some_answer(start: StartGateway) -> None:
    """There is nothing to fuse."""
    gateway = await start(JSON, *[[completion("bad")]] * 2, files=SCHEMA)
    reply = (await gateway.infer()).json()
    assert reply["output"] == {"raw": "bad", "parsed": None}
    assert len(gateway.sent) == 2


async def test_a_timeout_of_a_stream_ends_with_its_first_piece(start: StartGateway) -> None:
    """Candidates count for the time to the first token."""
    toml = CHAT.replace(MIX, MIX + "timeouts = { streaming = { ttft_ms = 50 } }\n")
    gateway = await start(toml, ANSWERS[0], [[]], [streamed("x")])
    reply = await gateway.infer(variant_name="mix", stream=True)
    assert (reply.status, reply.error) == (
        408,
        "Variant `mix` timed out due to configured `streaming.ttft_ms` timeout (50ms)",
    )


def test_instructions_without_a_task() -> None:
    """No empty task is quoted when the fuser has no system text of its own."""
    assert "------" not in instructions(None)
    assert "\n------\ntask\n------\n" in instructions("task")
