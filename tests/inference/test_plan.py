"""Tests of `tzproxy.inference.plan`: what a model that works on a part of the answer gets to see."""

from __future__ import annotations

from typing import Any

import msgspec

from tzproxy.inference.cache import ModelCache
from tzproxy.inference.model import CallContext
from tzproxy.inference.plan import Inference
from tzproxy.recording.sink import NullSink
from tzproxy.types.params import NO_CHAT_PARAMS, ChatParams
from tzproxy.types.request import CacheOptions, InferenceRequest

REQUEST = msgspec.json.decode(b'{"input": {}}', type=InferenceRequest)
THING: Any = object()


def inference(**fields: Any) -> Inference:
    """An inference whose parts do not matter."""
    settled: dict[str, Any] = {
        "request": REQUEST,
        "function": THING,
        "inference_id": "i",
        "episode_id": "e",
        "episode": b"e",
        "read": THING,
        "params": ChatParams(seed=1),
        "tools": THING,
        "output_schema": THING,
        "tags": {},
        "pinned": None,
        "sole": None,
        "started": 0.0,
    }
    return Inference(**{**settled, **fields})


def test_nothing_is_spent_in_the_beginning() -> None:
    """A fresh inference has waited for nobody and tried nothing."""
    made = inference()
    assert (made.provider_seconds, made.variants_tried) == (0.0, 0)


def test_what_is_shown_of_an_inference_holds_no_secret() -> None:
    """Credentials of a request never reach a traceback or a log."""
    request = msgspec.json.decode(b'{"input": {}, "credentials": {"k": "sk-secret"}}', type=InferenceRequest)
    context = CallContext(variant_name="v", credentials=request.credentials)
    assert "sk-secret" not in repr(inference(request=request)) + repr(context)


def test_a_part_keeps_everything_but_the_parameters() -> None:
    """Candidates and judges have parameters of their own; the rest is the whole's."""
    whole = inference()
    part = whole.part()
    assert part.params is NO_CHAT_PARAMS
    for name in ("request", "function", "inference_id", "episode", "read", "tools", "output_schema", "tags"):
        assert getattr(part, name) is getattr(whole, name)
    assert whole.part(tools=None).tools is None


def test_candidates_have_cache_keys_of_their_own() -> None:
    """Equal candidates must not get the same kept reply; without a cache there is none to tell apart."""
    assert inference().for_candidate(0).cache is None
    use = ModelCache(NullSink()).use(CacheOptions("on"), dryrun=False)
    whole = inference(cache=use)
    assert whole.part().cache is use
    first, second = whole.for_candidate(0).cache, whole.for_candidate(1).cache
    assert first is not None
    assert second is not None
    assert first is not second
