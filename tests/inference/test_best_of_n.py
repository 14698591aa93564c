"""Tests of `tzproxy.inference.best_of_n`: the choice, how it is asked for, and what is left when it fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from in_process import StartGateway, answer, completion, completion_body, tool_calls
from tzproxy.inference.best_of_n import instructions, read_choice
from tzproxy.types.content import ModelOutput, Text, Thought, ToolCall

MODELS = "".join(
    f'[models.{name}]\nrouting = ["p"]\n[models.{name}.providers.p]\ntype = "openai"\n'
    f'api_base = "http://{name}.test/v1/"\nmodel_name = "{name}"\napi_key_location = "none"\n'
    for name in ("a", "b", "c", "judge")
)
VARIANTS = "".join(
    f'[functions.f.variants.{name}]\ntype = "chat_completion"\nmodel = "{name}"\n' for name in ("a", "b", "c")
)
SOLE = '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["best"]\n'
BEST = '[functions.f.variants.best]\ntype = "experimental_best_of_n_sampling"\ncandidates = ["a", "b", "c"]\n'
EVALUATOR = '[functions.f.variants.best.evaluator]\nmodel = "judge"\n'
CHAT = MODELS + '[functions.f]\ntype = "chat"\n' + SOLE + VARIANTS + BEST + EVALUATOR
ANSWERS = [[completion(name)] for name in ("one", "two", "three")]
FLAGS = {"include_raw_usage": True, "include_raw_response": True, "include_original_response": True}
NO = answer(b'{"error":"no"}', status=500)


def choice(index: object) -> bytes:
    """Write a judge's answer."""
    return completion(json.dumps({"thinking": "hm", "answer_choice": index}))


def said(reply: Any) -> str:
    """Return the one text of an answer."""
    (block,) = reply.json()["content"]
    text: str = block["text"]
    return text


@pytest.mark.parametrize(("index", "text"), [(0, "one"), (1, "two"), (2, "three")])
async def test_the_chosen_answer_is_given(start: StartGateway, index: int, text: str) -> None:
    """The judge names it by its index; the variant's name is that of the strategy."""
    gateway = await start(CHAT, *ANSWERS, [choice(index)])
    reply = await gateway.infer()
    assert said(reply) == text
    assert reply.json()["variant_name"] == "best"
    assert reply.json()["usage"]["input_tokens"] == 4 * 3
    (row,) = gateway.chat_rows
    assert row["variant_name"] == "best"


async def test_rows_begin_with_the_chosen_answer(start: StartGateway) -> None:
    """Then the other candidates, the last of them in the chosen one's place, then the judge."""
    gateway = await start(CHAT, *ANSWERS, [choice(0)])
    reply = (await gateway.infer(**FLAGS)).json()
    assert [row["model_name"] for row in gateway.model_rows] == ["a", "c", "b", "judge"]
    assert {row["inference_id"] for row in gateway.model_rows} == {reply["inference_id"]}
    assert [entry["model_inference_id"] for entry in reply["raw_response"]] == [
        row["id"] for row in gateway.model_rows
    ]
    assert len(reply["raw_usage"]) == 4
    assert json.loads(reply["original_response"])["choices"][0]["message"]["content"].startswith('{"thinking')


async def test_candidates_run_at_the_same_time(start: StartGateway) -> None:
    """All of them are asked before any of them answers."""
    gateway = await start(CHAT, *[[[]]] * 3)
    talk = gateway.begin(
        "POST", "/inference", {"function_name": "f", "input": {"messages": []}, "params": None}
    )
    while len(gateway.network.requests) < 3:
        assert not talk.task.done()
        await _turn()
    talk.task.cancel()
    assert sorted(sent["model"] for sent in gateway.sent) == ["a", "b", "c"]


async def _turn() -> None:
    """Let the loop turn once."""
    await asyncio.sleep(0)


async def test_a_client_that_leaves_stops_all_candidates(start: StartGateway) -> None:
    """Their connections are closed; nothing is recorded."""
    gateway = await start(CHAT, *[[[]]] * 3)
    talk = gateway.begin("POST", "/inference", {"function_name": "f", "input": {"messages": []}})
    while len(gateway.network.requests) < 3:
        await _turn()
    talk.disconnect()
    await talk.task
    assert all(connection.is_closed for connection in gateway.network.connections)
    assert gateway.chat_rows == []


async def test_what_the_judge_is_asked(start: StartGateway) -> None:
    """The conversation as the evaluator renders it, then the candidates by index; its own parameters only."""
    toml = CHAT + (
        'temperature = 0.5\nsystem_template = "system.minijinja"\n'
        'extra_headers = [{ name = "x-judge", value = "yes" }]\n'
    )
    files = {"system.minijinja": "Be brief."}
    gateway = await start(toml, *ANSWERS, [choice(0)], files=files)
    await gateway.infer(
        input={"messages": [{"role": "user", "content": "Why?"}]},
        params={"chat_completion": {"max_tokens": 9}},
        extra_headers=[{"name": "x-mine", "value": "1"}],
    )
    candidates, judge = gateway.sent[:3], gateway.sent[3]
    assert all("max_completion_tokens" not in sent for sent in (*candidates, judge))
    first, asked, last = judge["messages"]
    assert (first["role"], asked, last["role"]) == (
        "system",
        {"role": "user", "content": "Why?"},
        "user",
    )
    assert "\n------\nBe brief.\n------\n" in first["content"]
    assert "from 0 to 2" in first["content"]
    for index, text in enumerate(("one", "two", "three")):
        assert f'{index}: [{{"type":"text","text":"{text}"}}]\n------' in last["content"]
    assert judge["temperature"] == 0.5
    assert judge["response_format"]["json_schema"]["schema"]["required"] == ["thinking", "answer_choice"]
    heads = [request.partition(b"\r\n\r\n")[0].lower() for request in gateway.network.requests]
    assert [b"x-mine" in head for head in heads] == [True, True, True, False]
    assert [b"x-judge" in head for head in heads] == [False, False, False, True]


@pytest.mark.parametrize(
    ("mode", "present", "absent"),
    [("on", "response_format", "tools"), ("off", "messages", "response_format"), ("tool", "tools", None)],
)
async def test_json_modes_of_the_judge(
    start: StartGateway, mode: str, present: str, absent: str | None
) -> None:
    """The choice is asked for as JSON in the way that the configuration wants."""
    made = choice(1)
    if mode == "tool":
        made = completion(None, tool_calls=tool_calls(("respond", '{"thinking":"","answer_choice":1}')))
    gateway = await start(CHAT + f'json_mode = "{mode}"\n', *ANSWERS, [made])
    assert said(await gateway.infer()) == "two"
    judge = gateway.sent[3]
    assert present in judge
    assert absent not in judge


@pytest.mark.parametrize(
    "judged",
    [
        completion("no JSON"),
        completion('{"thinking":""}'),
        choice(-1),
        choice(1.0),
        choice("1"),
        choice(3),
        choice(10**30),
        completion(None),
        NO,
    ],
)
async def test_without_a_usable_choice_some_answer_is_given(
    start: StartGateway, judged: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge that fails costs nobody an answer."""
    monkeypatch.setattr("random.randrange", lambda stop: stop - 1)
    gateway = await start(CHAT, *ANSWERS, [judged])
    assert said(await gateway.infer()) == "three"


async def test_a_judge_that_answered_is_recorded(start: StartGateway) -> None:
    """Even when its answer was of no use; one that failed leaves no row and no original response."""
    gateway = await start(CHAT, *ANSWERS, [completion("what?")])
    reply = (await gateway.infer(**FLAGS)).json()
    assert len(gateway.model_rows) == 4
    assert json.loads(reply["original_response"]) == completion_body("what?")
    gateway = await start(CHAT, *ANSWERS, [NO])
    reply = (await gateway.infer(**FLAGS)).json()
    assert len(gateway.model_rows) == 3
    assert "original_response" not in reply
    assert [entry["data"] for entry in reply["raw_response"]][0] == '{"error":"no"}'


async def test_extra_body_of_a_request_reaches_candidates_only(start: StartGateway) -> None:
    """The judge cannot be asked then, so the choice is random."""
    gateway = await start(CHAT, *ANSWERS)
    reply = await gateway.infer(extra_body=[{"pointer": "/q", "value": 1}])
    assert reply.status == 200
    assert [sent["q"] for sent in gateway.sent] == [1, 1, 1]


async def test_one_answer_needs_no_judge(start: StartGateway) -> None:
    """It is given as it is; the failures of the others are told first."""
    gateway = await start(CHAT, [NO], [completion("two")], [NO])
    reply = (await gateway.infer(**FLAGS)).json()
    assert reply["content"] == [{"type": "text", "text": "two"}]
    assert [entry["data"] for entry in reply["raw_response"][:2]] == ['{"error":"no"}'] * 2
    assert json.loads(reply["original_response"]) == completion_body("two")
    assert len(gateway.model_rows) == 1


async def test_no_answer_at_all(start: StartGateway) -> None:
    """Every candidate's failure is named with its index and its variant."""
    gateway = await start(CHAT, [NO], [NO], [NO])
    reply = await gateway.infer(variant_name="best")
    assert reply.status == 502
    first, second, third = reply.error.splitlines()
    assert first.startswith(
        "All candidates failed with errors: candidates[0] (a): All model providers failed"
    )
    assert second.startswith("candidates[1] (b): ")
    assert third.startswith("candidates[2] (c): ")


async def test_no_candidates(start: StartGateway) -> None:
    """A variant without candidates loads, and fails when used."""
    gateway = await start(CHAT.replace('["a", "b", "c"]', "[]"))
    reply = await gateway.infer(variant_name="best")
    assert (reply.status, reply.error) == (502, "All candidates failed with errors: ")


async def test_a_stream_is_one_chunk(start: StartGateway) -> None:
    """Everything is known at once; the rows are those of a whole answer, with the time to the first token."""
    gateway = await start(CHAT, *ANSWERS, [choice(2)])
    events = (await gateway.infer(stream=True, **FLAGS)).events()
    assert [event.get("content") for event in events[:-1]] == [
        [],
        [],
        [{"type": "text", "id": "0", "text": "three"}],
        [],
    ]
    assert [len(event.get("raw_usage", [])) for event in events[:-1]] == [3, 0, 1, 0]
    assert [len(event.get("raw_response", [])) for event in events[:-1]] == [0, 3, 0, 0]
    assert events[-2]["usage"]["input_tokens"] == 12
    assert [row["model_name"] for row in gateway.model_rows] == ["c", "a", "b", "judge"]
    assert [row["ttft_ms"] is None for row in gateway.model_rows] == [False, True, True, True]
    assert json.loads(gateway.model_rows[0]["raw_response"]) == completion_body("three")


async def test_a_timeout_covers_everything(start: StartGateway) -> None:
    """Candidates and judge together have the variant's time."""
    toml = CHAT.replace(BEST, BEST + "timeouts = { non_streaming = { total_ms = 50 } }\n")
    gateway = await start(toml, *ANSWERS, [[]])
    reply = await gateway.infer(variant_name="best")
    assert (reply.status, reply.error) == (
        408,
        "Variant `best` timed out due to configured `non_streaming.total_ms` timeout (50ms)",
    )


async def test_candidates_keep_their_own_parameters_and_timeouts(start: StartGateway) -> None:
    """A candidate that is too slow has failed; the stored parameters are the chosen candidate's."""
    slow = VARIANTS.replace('model = "a"\n', 'model = "a"\ntimeouts.non_streaming.total_ms = 10\n')
    slow = slow.replace('model = "b"\n', 'model = "b"\nmax_tokens = 7\n')
    gateway = await start(CHAT.replace(VARIANTS, slow), [[]], *ANSWERS[1:], [choice(0)])
    assert said(await gateway.infer(params={"chat_completion": {"max_tokens": 5}})) == "two"
    (row,) = gateway.chat_rows
    assert row["inference_params"] == {"chat_completion": {"max_tokens": 7}}


async def test_a_strategy_may_be_a_candidate(start: StartGateway) -> None:
    """Its calls are recorded as one candidate's. The plain candidate is the first to ask."""
    outer = (
        '[functions.f.variants.outer]\ntype = "experimental_best_of_n_sampling"\ncandidates = ["best", "c"]\n'
        '[functions.f.variants.outer.evaluator]\nmodel = "judge"\n'
    )
    inner = BEST.replace('["a", "b", "c"]', '["a", "b"]')
    gateway = await start(
        CHAT.replace(BEST, outer + inner), ANSWERS[2], ANSWERS[0], ANSWERS[1], [choice(1), choice(0)]
    )
    assert said(await gateway.infer(variant_name="outer")) == "two"
    assert [row["model_name"] for row in gateway.model_rows] == ["b", "a", "judge", "c", "judge"]


JSON = (
    CHAT.replace('type = "chat"', 'type = "json"\noutput_schema = "answer.json"')
    .replace('model = "a"\n', 'model = "a"\njson_mode = "off"\n')
    .replace('model = "b"\n', 'model = "b"\njson_mode = "off"\n')
    .replace('model = "c"\n', 'model = "c"\njson_mode = "off"\n')
)
SCHEMA = {"answer.json": '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}'}


async def test_invalid_json_is_not_shown_to_the_judge(start: StartGateway) -> None:
    """The index that it names counts the shown answers only."""
    scripts = [[completion(text)] for text in ('{"n":1}', "bad", '{"n": 3}')]
    gateway = await start(JSON, *scripts, [choice(1)], files=SCHEMA)
    reply = (await gateway.infer()).json()
    assert reply["output"] == {"raw": '{"n": 3}', "parsed": {"n": 3}}
    listed = gateway.sent[3]["messages"][-1]["content"]
    assert '0: {"n":1}\n------\n1: {"n": 3}\n------' in listed
    assert "bad" not in listed


async def test_the_only_valid_json_needs_no_judge(start: StartGateway) -> None:
    """Nobody has to choose; there is no original response then."""
    scripts = [[completion(text)] for text in ("bad", '{"n":2}', '{"m":3}')]
    gateway = await start(JSON, *scripts, files=SCHEMA)
    reply = (await gateway.infer(include_original_response=True)).json()
    assert reply["output"]["parsed"] == {"n": 2}
    assert "original_response" not in reply
    assert [row["model_name"] for row in gateway.model_rows] == ["b", "a", "c"]


async def test_invalid_json_of_all_is_chosen_from_at_random(start: StartGateway) -> None:
    """Someone's answer is given, unparsed."""
    gateway = await start(JSON, *[[completion("bad")]] * 3, files=SCHEMA)
    reply = (await gateway.infer()).json()
    assert reply["output"] == {"raw": "bad", "parsed": None}


@pytest.mark.parametrize(
    ("output", "index"),
    [
        ([Text('{"answer_choice":2}')], 2),
        ([Thought("hm"), Text('{"answer_choice":0,"thinking":"x"}')], 0),
        ([ToolCall("1", "respond", '{"answer_choice":1}')], 1),
        ([Text("first"), Text('{"answer_choice":1}')], None),
        ([Thought("hm")], None),
        ([], None),
        ([Text('{"answer_choice":true}')], None),
        ([Text('{"answer_choice":null}')], None),
    ],
)
def test_reading_a_choice(output: list[ModelOutput], index: int | None) -> None:
    """The first text or call counts; only a whole number that is not negative is a choice."""
    assert read_choice(output) == index


def test_instructions_without_a_task() -> None:
    """No empty task is quoted when the evaluator has no system text of its own."""
    assert "------" not in instructions(None, 1)
    assert "\n------\ntask\n------\n" in instructions("task", 1)
