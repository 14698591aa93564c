"""Tests of `tzproxy.inference.answer`: sums of usage, raw texts, and the form of whole answers."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from in_process import (
    CHAT,
    MODEL,
    TWO_PROVIDERS,
    StartGateway,
    completion,
    completion_body,
)
from tzproxy.inference.answer import total_usage
from tzproxy.inference.model import ModelCall
from tzproxy.providers.dummy.provider import SPEC
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.response import ResponseUsage
from tzproxy.types.usage import Usage
from tzproxy.upstream.fake import answer

RAW_FLAGS = {"include_raw_response": True, "include_raw_usage": True, "include_original_response": True}


def call(usage: Usage, cost: float | None = None, *, cached: bool = False) -> ModelCall:
    """A call of a model that used this much."""
    return ModelCall(
        model_name="m",
        provider_name="p",
        spec=SPEC,
        request=ModelRequest(inference_id="", messages=[]),
        response=ProviderResponse(output=[], usage=usage),
        raw_request="",
        raw_response="",
        response_time_ms=0,
        cost=cost,
        cached=cached,
    )


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([call(Usage(1, 2, 3, 4), 0.5)], (1, 2, 3, 4, 0.5)),
        ([call(Usage(None, None))], (None, None, None, None, None)),
        ([call(Usage(1, 2), 0.5), call(Usage(10, 20), 0.25)], (11, 22, None, None, 0.75)),
        ([call(Usage(1, None), 0.5), call(Usage(10, 20))], (11, None, None, None, None)),
        ([call(Usage(1, 1, None, 4)), call(Usage(1, 1, 7, None))], (2, 2, 7, 4, None)),
        ([call(Usage(5, 6, 7, 8), 9.0, cached=True)], (0, 0, None, None, 0.0)),
        ([call(Usage(5, 6), cached=True), call(Usage(1, 2), 0.5)], (1, 2, None, None, 0.5)),
        ([], (0, 0, None, None, 0.0)),
    ],
)
def test_usage_is_the_sum_of_the_calls(calls: list[ModelCall], expected: tuple[Any, ...]) -> None:
    """One unknown makes a sum unknown, for the providers' caches it is skipped; kept replies are free."""
    tokens_in, tokens_out, read, written, cost = expected
    assert total_usage(calls) == ResponseUsage(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        provider_cache_read_input_tokens=read,
        provider_cache_write_input_tokens=written,
        cost=cost,
    )


async def test_the_keys_of_a_plain_answer(start: StartGateway) -> None:
    """Nothing that was not asked for is there; the order is the API's."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.infer()
    assert reply.body.startswith(b'{"inference_id":"')
    assert list(reply.json()) == [
        "inference_id",
        "episode_id",
        "variant_name",
        "content",
        "usage",
        "finish_reason",
    ]
    assert b'"usage":{"input_tokens":3,"output_tokens":5,"cost":null}' in reply.body
    assert reply.headers["content-type"] == "application/json"


async def test_raw_parts_on_request(start: StartGateway) -> None:
    """The provider's own usage, texts and the old single text come with the flags."""
    body = json.dumps(completion_body())
    gateway = await start(MODEL + CHAT, [answer(body.encode())])
    reply = (await gateway.infer(**RAW_FLAGS)).json()
    (usage,) = reply["raw_usage"]
    (raw,) = reply["raw_response"]
    assert uuid.UUID(usage.pop("model_inference_id")).version == 7
    assert usage == {
        "provider_type": "openai",
        "api_type": "chat_completions",
        "data": {"prompt_tokens": 3, "completion_tokens": 5},
    }
    assert uuid.UUID(raw.pop("model_inference_id")).version == 7
    assert raw == {"provider_type": "openai", "api_type": "chat_completions", "data": body}
    assert reply["original_response"] == body


async def test_raw_ids_are_those_of_the_rows(start: StartGateway) -> None:
    """The ids of raw entries name the model inference that was recorded."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = (await gateway.infer(**RAW_FLAGS)).json()
    recorded = gateway.model_rows[0]["id"]
    assert reply["raw_usage"][0]["model_inference_id"] == recorded
    assert reply["raw_response"][0]["model_inference_id"] == recorded


async def test_flags_without_anything_raw_give_empty_lists(start: StartGateway) -> None:
    """The keys are there even when the provider reported no usage."""
    body = {key: value for key, value in completion_body().items() if key != "usage"}
    gateway = await start(MODEL + CHAT, [answer(json.dumps(body).encode())])
    reply = (await gateway.infer(include_raw_usage=True)).json()
    assert reply["raw_usage"] == []
    assert "raw_response" not in reply


async def test_failed_attempts_come_first(start: StartGateway) -> None:
    """What failed providers said stands before the answer, without an id."""
    gateway = await start(TWO_PROVIDERS + CHAT, [answer(b"broken", status=500)], [completion("fine")])
    reply = (await gateway.infer(include_raw_response=True)).json()
    failed, served = reply["raw_response"]
    assert failed == {"provider_type": "openai", "api_type": "chat_completions", "data": "broken"}
    assert "fine" in served["data"]


async def test_failed_variants_come_before_everything(start: StartGateway) -> None:
    """Variants that failed before are told first, in the order in which they were tried."""
    toml = MODEL + (
        '[functions.f]\ntype = "chat"\n'
        'experimentation = { type = "static", candidate_variants = ["v"], fallback_variants = ["w"] }\n'
        '[functions.f.variants.v]\ntype = "chat_completion"\nmodel = "m"\nretries = { num_retries = 1 }\n'
        '[functions.f.variants.w]\ntype = "chat_completion"\nmodel = "dummy::alternate"\n'
    )
    gateway = await start(toml, [answer(b"first", status=500), answer(b"second", status=500)])
    reply = (await gateway.infer(include_raw_response=True)).json()
    assert [entry["data"] for entry in reply["raw_response"]][:2] == ["first", "second"]
    assert reply["raw_response"][2]["provider_type"] == "dummy"


async def test_reasons_and_blocks_of_the_provider(start: StartGateway) -> None:
    """Thoughts come before text; an answer without text is an empty list; a missing reason is left out."""
    body = completion_body("Hi", reasoning_content="hm")
    gateway = await start(
        MODEL + CHAT,
        [answer(json.dumps(body).encode()), completion(None), completion("")],
    )
    content = (await gateway.infer()).json()["content"]
    assert [block["type"] for block in content] == ["thought", "text"]
    assert content[0]["text"] == "hm"
    assert (await gateway.infer()).json()["content"] == []
