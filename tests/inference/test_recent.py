"""Tests of `tzproxy.inference.recent`: what is remembered, for how long, and who feeds it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from in_process import CHAT, MODEL, StartGateway, completion, streamed
from tzproxy.inference.plan import Inference
from tzproxy.inference.recent import RecentInferences

FUNCTION = SimpleNamespace(tools=SimpleNamespace(prepared=None), output_schema=None)


def inference(number: int, **fields: object) -> Inference:
    """As much of an inference as is looked at."""
    usual = {"function": FUNCTION, "tools": None, "output_schema": None}
    ids = {"inference_id": f"i{number}", "episode_id": f"e{number}"}
    return cast(Inference, SimpleNamespace(**ids, **{**usual, **fields}))


def test_the_last_ones_are_known_and_the_number_is_bounded() -> None:
    """At least the last `kept` inferences and their episodes are known, and never twice as many."""
    recent = RecentInferences(kept=10)
    for number in range(100):
        recent.add(inference(number))
        for back in range(10):
            assert recent.has_inference(f"i{number - back}") is (number >= back)
            assert recent.has_episode(f"e{number - back}") is (number >= back)
        known = [old for old in range(number + 1) if recent.has_inference(f"i{old}")]
        assert len(known) < 20
        assert sum(recent.has_episode(f"e{old}") for old in range(number + 1)) == len(known)


def test_an_inference_is_no_episode() -> None:
    """The two kinds of ids are kept apart."""
    recent = RecentInferences()
    recent.add(inference(1))
    assert not recent.has_inference("e1")
    assert not recent.has_episode("i1")
    assert recent.function_of("e1") is None


def test_a_request_s_own_tools_are_not_kept() -> None:
    """The function is told only of inferences with its own tools and schema, young and old ones."""
    recent = RecentInferences(kept=3)
    recent.add(inference(0))
    recent.add(inference(1, tools=object()))
    recent.add(inference(2, output_schema=object()))
    for number in range(3, 5):
        recent.add(inference(number))
    assert [recent.function_of(f"i{number}") for number in range(6)] == [
        FUNCTION,
        None,
        None,
        FUNCTION,
        FUNCTION,
        None,
    ]
    assert recent.has_inference("i1")


async def test_the_engine_feeds_it(start: StartGateway) -> None:
    """Whole and streamed inferences are remembered once they are recorded; dry runs and failures are not."""
    gateway = await start(
        MODEL + CHAT + '[metrics.m]\ntype = "boolean"\noptimize = "max"\nlevel = "inference"\n',
        [completion(), completion(), streamed("Hi")],
    )
    whole = (await gateway.infer()).json()["inference_id"]
    dry = (await gateway.infer(dryrun=True)).json()["inference_id"]
    stream = (await gateway.infer(stream=True)).events()[0]["inference_id"]
    statuses = [
        (await gateway.post("/feedback", {"metric_name": "m", "value": True, "inference_id": target})).status
        for target in (whole, dry, stream)
    ]
    assert statuses == [200, 400, 200]
