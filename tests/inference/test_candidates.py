"""Tests of `tzproxy.inference.candidates`: running side by side, and the order of what was called."""

from __future__ import annotations

import pytest
from msgspec import Raw

from in_process import CHAT, MODEL, StartGateway, completion
from tzproxy.errors import TzproxyError
from tzproxy.inference.candidates import Candidates, listing, with_failures
from tzproxy.inference.model import ModelCall
from tzproxy.inference.variant import VariantAnswer
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.content import Text
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.params import NO_CHAT_PARAMS
from tzproxy.types.usage import NO_USAGE

SPEC = ProviderSpec(type="t", display="T")
BEST = (
    '[functions.f.variants.best]\ntype = "experimental_best_of_n_sampling"\ncandidates = ["v", "v"]\n'
    'evaluator = { model = "m" }\n'
)


def call(name: str) -> ModelCall:
    """Make a call of a model."""
    return ModelCall(
        model_name=name,
        provider_name="p",
        spec=SPEC,
        request=ModelRequest(inference_id="i", messages=[]),
        response=ProviderResponse(output=[Text(name)], usage=NO_USAGE, raw_usage=Raw(b"{}")),
        raw_request="",
        raw_response="",
        response_time_ms=0,
    )


def made(name: str, *failures: TzproxyError) -> VariantAnswer:
    """Make an answer of one call."""
    return VariantAnswer(
        output=[Text(name)],
        finish_reason=None,
        calls=[call(name)],
        params=NO_CHAT_PARAMS,
        failures=failures,
    )


@pytest.mark.parametrize(("index", "order"), [(0, "adbcz"), (1, "badcz"), (2, "cabdz"), (3, "dabcz")])
def test_the_order_of_calls(index: int, order: str) -> None:
    """The chosen one first; the last candidate moves into its place; later calls are last."""
    candidates = Candidates([made(name) for name in "abcd"], [])
    answer = candidates.chosen(index, [call("z")], error=None)
    assert "".join(entry.model_name for entry in answer.calls) == order


def test_failures_are_noted_at_the_first_call() -> None:
    """Failed candidates, then what failed before this call, its own failures, and what failed after."""
    failed, retried, own, later = (TzproxyError(text) for text in ("failed", "retried", "own", "later"))
    answer = made("a", retried)
    answer.calls[0].failures = [own]
    candidates = Candidates([answer, made("b", retried)], [failed])
    chosen = candidates.chosen(0, (), error=later)
    assert [[str(error) for error in entry.failures] for entry in chosen.calls] == [
        ["failed", "retried", "own", "later"],
        ["retried"],
    ]
    assert chosen.failures == ()
    assert answer.calls[0].failures == [own]


def test_no_failures_change_nothing() -> None:
    """The call itself is returned."""
    entry = call("a")
    assert with_failures(entry) is entry


def test_a_listing() -> None:
    """Indices count from 0, a line of dashes follows each text."""
    assert listing(["x", "y"], " ") == "0: x\n------\n1: y\n------"
    assert listing([], " ") == ""


async def test_equal_candidates_do_not_share_a_reply(start: StartGateway) -> None:
    """The cache tells them apart by their index, and serves both the next time."""
    judge = completion('{"thinking":"","answer_choice":0}')
    gateway = await start(MODEL + CHAT + BEST, [completion("one"), judge], [completion("two"), judge])
    for _ in range(2):
        reply = await gateway.infer(variant_name="best", cache_options={"enabled": "on"})
        assert reply.json()["content"] == [{"type": "text", "text": "one"}]
    assert len(gateway.sent) == 3
    assert reply.json()["usage"] == {"input_tokens": 0, "output_tokens": 0, "cost": 0.0}
    assert [row["cached"] for row in gateway.model_rows] == [False] * 3 + [True] * 3


async def test_waiting_at_the_same_time_counts_once(start: StartGateway) -> None:
    """The gateway's own time of a request is never negative, however many providers were waited for."""
    judge = completion('{"thinking":"","answer_choice":0}')
    gateway = await start(MODEL + CHAT + BEST, [completion("one"), judge], [completion("two"), judge])
    await gateway.infer(variant_name="best")
    sums = [
        value
        for name, value in (await gateway.metrics).items()
        if name.startswith("tensorzero_inference_latency_overhead_seconds_sum")
    ]
    assert len(sums) == 1
    assert sums[0] >= 0
