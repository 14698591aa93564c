"""Tests of `tzproxy.inference.limited`: requests within and beyond their limits, from the client's side."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from in_process import (
    CHAT,
    DONE,
    LAST,
    MODEL,
    TWO_PROVIDERS,
    USAGE,
    RunningGateway,
    StartGateway,
    answer,
    completion,
    delta,
    native,
    streamed,
)
from tzproxy.inference.engine import Engine
from tzproxy.inference.limited import LimitedModelCaller, LimitedModelStreamer
from tzproxy.inference.model import ModelCaller
from tzproxy.limits.opening import TABLE_NAME
from tzproxy.limits.rules import Rules
from tzproxy.limits.table import BucketTable
from tzproxy.upstream.fake import Mark, event_stream

PRICES = 'cost = [{ pointer = "/usage/prompt_tokens", cost_per_unit = 0.01 }]\n'
ALL = """
[[rate_limiting.rules]]
always = true
model_inferences_per_hour = 10
tokens_per_hour = 1000
cost_per_hour = 10
"""
CALLS = "[[rate_limiting.rules]]\nalways = true\nmodel_inferences_per_hour = %d\n"
NO = answer(b'{"error":"no"}', status=500)
MAX: dict[str, Any] = {"params": {"chat_completion": {"max_tokens": 100}}}
NANO = 10**9
SHORT = "TensorZero rate limit exceeded for `model_inference` resource.\nScope: \nRequested: 1\nAvailable: 0"


async def left(gateway: RunningGateway, folder: Path, **tags: str) -> list[int]:
    """Return what the buckets of a request hold."""
    table = BucketTable(folder / TABLE_NAME)
    rules = gateway.gateway._services.loaded.config.rate_limiting.rules
    balances = await table.take([(bucket, 2**53) for bucket in Rules(rules).active(tags)])
    await table.close()
    assert balances is not None
    return balances


async def test_usage_replaces_the_estimate(start: StartGateway, tmp_path: Path) -> None:
    """Eight tokens and three cents are what is missing, not 102 tokens and a dollar."""
    gateway = await start(MODEL + PRICES + CHAT + ALL, [completion()])
    assert (await gateway.infer(**MAX)).status == 200
    assert await left(gateway, tmp_path) == [9, 992, 10 * NANO - 30_000_000]


async def test_without_a_price_the_default_cost_stands(start: StartGateway, tmp_path: Path) -> None:
    """Nobody knows better."""
    gateway = await start(MODEL + CHAT + "[rate_limiting]\ndefault_cost = 0.5\n" + ALL, [completion()])
    assert (await gateway.infer(**MAX)).status == 200
    assert await left(gateway, tmp_path) == [9, 992, 9_500_000_000]


@pytest.mark.parametrize("reply", [NO, answer(b"no json"), [Mark.EOF]])
async def test_a_failure_keeps_its_reservation(start: StartGateway, tmp_path: Path, reply: Any) -> None:
    """It may have cost something."""
    gateway = await start(MODEL + CHAT + ALL, [reply], [reply])
    assert (await gateway.infer(**MAX)).status == 502
    assert await left(gateway, tmp_path) == [9, 898, 9 * NANO]


async def test_a_timeout_keeps_its_reservation(start: StartGateway, tmp_path: Path) -> None:
    """The provider may go on without us."""
    model = MODEL + "timeouts = { non_streaming.total_ms = 50 }\n"
    gateway = await start(model + CHAT + ALL, [[]])
    assert "timed out" in (await gateway.infer(**MAX)).json()["error"]
    assert await left(gateway, tmp_path) == [9, 898, 9 * NANO]


async def test_the_limit_is_told_as_the_original_tells_it(start: StartGateway) -> None:
    """429 through all wrappers; the provider is not asked, nothing is recorded."""
    gateway = await start(MODEL + CHAT + CALLS % 1, [completion()])
    assert (await gateway.infer()).status == 200
    reply = await gateway.infer()
    assert reply.status == 429
    assert reply.json()["error"] == (
        f"All variants failed with errors: v: All model providers failed to infer with errors: p: {SHORT}"
    )
    pinned = await gateway.infer(variant_name="v")
    assert pinned.status == 429
    assert pinned.json()["error"] == f"All model providers failed to infer with errors: p: {SHORT}"
    chat = await gateway.chat()
    assert chat.status == 429
    assert chat.json()["error"]["message"].endswith(SHORT)
    stream = await gateway.infer(stream=True)
    assert (stream.status, stream.json()["error"][-len(SHORT) :]) == (429, SHORT)
    assert len(gateway.sent) == len(gateway.chat_rows) == 1


async def test_refused_attempts_are_counted(start: StartGateway) -> None:
    """`/metrics` tells how many attempts a limit has refused, also those of streams."""
    gateway = await start(MODEL + CHAT + CALLS % 1, [completion()])
    await gateway.infer()
    assert (await gateway.infer()).status == 429
    assert (await gateway.infer(stream=True)).status == 429
    assert (await gateway.metrics)['tzproxy_refused_total{code="rate_limit_exceeded"}'] == 2


async def test_a_limit_on_tokens_needs_max_tokens(start: StartGateway) -> None:
    """Its absence fails the attempt."""
    gateway = await start(MODEL + CHAT + ALL)
    reply = await gateway.infer()
    assert (reply.status, gateway.sent) == (502, [])
    assert reply.json()["error"].endswith(
        "p: Missing `max_tokens` for request subject to rate limiting rules."
    )
    assert (await gateway.infer(variant_name="v")).status == 500


async def test_limits_are_not_retried(start: StartGateway, tmp_path: Path) -> None:
    """Retries are for what may be better next time."""
    retries = "retries = { num_retries = 3 }\n"
    gateway = await start(MODEL + CHAT + retries + CALLS % 0)
    clock = asyncio.get_running_loop().time
    before = clock()
    reply = await gateway.infer()
    assert reply.status == 429
    assert "All retries failed" not in reply.json()["error"]
    assert clock() - before < 0.5


async def test_every_attempt_counts(start: StartGateway, tmp_path: Path) -> None:
    """A fallback is a second one; when it is refused, the limit is the last word."""
    gateway = await start(TWO_PROVIDERS + CHAT + CALLS % 3, [NO, NO], [completion()])
    assert (await gateway.infer()).status == 200
    assert await left(gateway, tmp_path) == [1]
    reply = await gateway.infer()
    assert reply.status == 429
    assert "p: Error from openai server" in reply.json()["error"]
    assert reply.json()["error"].endswith(f"q: {SHORT}")


async def test_another_variant_may_still_serve(start: StartGateway) -> None:
    """Its request may ask for less."""
    cheap = '[functions.f.variants.cheap]\ntype = "chat_completion"\nmodel = "m"\nmax_tokens = 10\n'
    order = (
        '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["v"]\n'
        'fallback_variants = ["cheap"]\n'
    )
    tokens = "[[rate_limiting.rules]]\nalways = true\ntokens_per_day = 50\n"
    gateway = await start(MODEL + CHAT + "max_tokens = 1000\n" + cheap + order + tokens, [completion()])
    reply = await gateway.infer()
    assert (reply.status, reply.json()["variant_name"]) == (200, "cheap")


async def test_a_cached_answer_costs_nothing(start: StartGateway, tmp_path: Path) -> None:
    """Neither whole nor streamed; a miss counts as ever."""
    gateway = await start(MODEL + CHAT + CALLS % 2, [completion(), streamed("one")])
    cached: dict[str, Any] = {"cache_options": {"enabled": "on"}}
    for stream in (False, False, False, True, True, True):
        assert (await gateway.infer(stream=stream, **cached)).status == 200
    assert await left(gateway, tmp_path) == [0]
    assert len(gateway.sent) == 2
    assert (await gateway.infer()).status == 429


async def test_a_hundred_at_once(start: StartGateway) -> None:
    """Exactly ten of a hundred pass a limit of ten."""
    gateway = await start(MODEL + CHAT + CALLS % 10, *[[completion()] for _ in range(10)])
    replies = await asyncio.gather(*(gateway.infer() for _ in range(100)))
    assert sorted(reply.status for reply in replies) == [200] * 10 + [429] * 90
    assert len(gateway.sent) == 10


async def test_tenants_have_their_own(start: StartGateway) -> None:
    """By the tags of the request, those that the gateway adds included."""
    rules = (
        "[[rate_limiting.rules]]\npriority = 0\nmodel_inferences_per_hour = 1\n"
        'scope = [{ tag_key = "tenant", tag_value = "tensorzero::each" }]\n'
        "[[rate_limiting.rules]]\npriority = 1\nmodel_inferences_per_hour = 0\n"
        'scope = [{ tag_key = "tensorzero::namespace", tag_value = "n" }]\n'
    )
    gateway = await start(MODEL + CHAT + rules, [completion()] * 3)
    statuses = [(await gateway.infer(tags={"tenant": tenant})).status for tenant in ("a", "b", "a", "b")]
    assert statuses == [200, 200, 429, 429]
    assert (await gateway.infer()).status == 200
    assert (await gateway.infer(namespace="n", tags={"tenant": "c"})).status == 429


async def test_candidates_and_judges_count(start: StartGateway, tmp_path: Path) -> None:
    """Best-of-n is as many inferences as it makes."""
    best = (
        '[functions.f.variants.best]\ntype = "experimental_best_of_n_sampling"\ncandidates = ["v", "v"]\n'
        '[functions.f.variants.best.evaluator]\nmodel = "m"\n'
    )
    choice = completion(json.dumps({"thinking": "", "answer_choice": 0}))
    gateway = await start(MODEL + CHAT + best + CALLS % 5, [completion(), choice], [completion(), choice])
    assert (await gateway.infer(variant_name="best")).status == 200
    assert await left(gateway, tmp_path) == [2]


# ---- streams

STREAM = {"stream": True, **MAX}


async def test_a_stream_is_settled_at_its_end(start: StartGateway, tmp_path: Path) -> None:
    """By the usage that it reported, and its price."""
    gateway = await start(MODEL + PRICES + CHAT + ALL, [streamed("one ", "two")])
    assert (await gateway.infer(**STREAM)).status == 200
    assert await left(gateway, tmp_path) == [9, 992, 10 * NANO - 30_000_000]


async def test_a_stream_without_usage_keeps_its_reservation(start: StartGateway, tmp_path: Path) -> None:
    """Nobody knows what it took."""
    gateway = await start(MODEL + CHAT + ALL, [event_stream([delta(content="a"), LAST, DONE])])
    assert (await gateway.infer(**STREAM)).status == 200
    assert await left(gateway, tmp_path) == [9, 898, 9 * NANO]


async def test_a_stream_that_breaks_keeps_its_reservation(start: StartGateway, tmp_path: Path) -> None:
    """Even when it reported less before."""
    broken = event_stream([delta(content="a"), USAGE])[:-1]
    gateway = await start(MODEL + CHAT + ALL, [[*broken, Mark.RESET]])
    assert (await gateway.infer(**STREAM)).status == 200
    assert await left(gateway, tmp_path) == [9, 898, 9 * NANO]


async def test_a_stream_that_does_not_begin_keeps_its_reservation(
    start: StartGateway, tmp_path: Path
) -> None:
    """It is a failed attempt."""
    gateway = await start(MODEL + CHAT + ALL, [NO])
    assert (await gateway.infer(**STREAM)).status == 502
    assert await left(gateway, tmp_path) == [9, 898, 9 * NANO]


@pytest.mark.parametrize(("reported", "used"), [(None, 102), (4, 102), (300, 305)])
async def test_a_client_that_leaves_pays_the_estimate(
    start: StartGateway, tmp_path: Path, reported: int | None, used: int
) -> None:
    """Or more, if the provider had reported more by then."""
    usage = json.dumps({"choices": [], "usage": {"prompt_tokens": reported, "completion_tokens": 5}}).encode()
    events = [delta(content="a"), *([] if reported is None else [usage]), delta(content="b")]
    gateway = await start(MODEL + CHAT + ALL, [event_stream(events)[:-1]])
    talk = gateway.begin("POST", "/inference", native(**STREAM))
    await talk.until(3)
    talk.disconnect()
    await talk.finish()
    assert await left(gateway, tmp_path) == [9, 1000 - used, 9 * NANO]


# ---- the rest


async def test_embeddings_count(start: StartGateway, tmp_path: Path) -> None:
    """They need no `max_tokens`; a cached vector costs nothing."""
    embedding = (
        '[embedding_models.e]\nrouting = ["p"]\n[embedding_models.e.providers.p]\ntype = "openai"\n'
        'api_base = "http://up.test/v1/"\nmodel_name = "ada"\napi_key_location = "none"\n'
    )
    body = {"data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 2, "total_tokens": 2}}
    gateway = await start(MODEL + CHAT + embedding + ALL, [answer(json.dumps(body).encode())])
    asked = {
        "model": "tensorzero::embedding_model_name::e",
        "input": "x" * 100,
        "tensorzero::cache_options": {"enabled": "on"},
    }
    for _ in range(2):
        assert (await gateway.post("/openai/v1/embeddings", asked)).status == 200
        assert await left(gateway, tmp_path) == [9, 998, 9 * NANO]
    refused = await gateway.post("/openai/v1/embeddings", {**asked, "input": "x" * 3000})
    assert refused.status == 429
    assert "Requested: 1500\nAvailable: 998" in refused.json()["error"]["message"]


async def test_limits_outlive_the_gateway(start: StartGateway) -> None:
    """Who is started again remembers."""
    first = await start(MODEL + CHAT + CALLS % 1, [completion()])
    assert (await first.infer()).status == 200
    await first.close()
    second = await start(MODEL + CHAT + CALLS % 1)
    assert (await second.infer()).status == 429


@pytest.mark.parametrize("rules", ["", "[rate_limiting]\nenabled = false\n" + CALLS % 0])
async def test_without_rules_nothing_is_in_the_way(
    start: StartGateway, tmp_path: Path, rules: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain callers are used, and no table is made."""
    callers: list[ModelCaller] = []
    original = Engine.__init__

    def noting(self: Engine, catalog: Any, caller: ModelCaller, *args: Any, **options: Any) -> None:
        original(self, catalog, caller, *args, **options)
        callers.append(caller)
        assert not isinstance(self._streamer, LimitedModelStreamer)

    monkeypatch.setattr(Engine, "__init__", noting)
    gateway = await start(MODEL + CHAT + rules, [completion()])
    assert (await gateway.infer()).status == 200
    assert not isinstance(callers[0], LimitedModelCaller)
    assert not (tmp_path / TABLE_NAME).exists()
