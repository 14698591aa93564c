"""Tests of `tzproxy.inference.engine`: which variant serves, and what follows when one fails."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from in_process import CHAT, MODEL, StartGateway, completion, streamed
from tzproxy._speedups.ids import new_uuid7
from tzproxy._speedups.sampling import Sampler
from tzproxy.upstream.fake import answer

TWO_VARIANTS = (
    MODEL
    + """
[models.n]
routing = ["p"]
[models.n.providers.p]
type = "openai"
api_base = "http://other.test/v1/"
model_name = "gpt-n"
api_key_location = "none"
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
[functions.f.variants.w]
type = "chat_completion"
model = "n"
"""
)


def episode_for(variant: str) -> str:
    """An episode that starts with a variant of `TWO_VARIANTS`."""
    sampler = Sampler("f", ["v", "w"])
    while True:
        episode = new_uuid7()
        if sampler.first(uuid.UUID(episode).bytes) == variant:
            return episode


async def test_the_episode_chooses_the_variant(start: StartGateway) -> None:
    """An episode is always served by the variant that its hash chooses."""
    gateway = await start(TWO_VARIANTS, [completion()] * 20, [completion()] * 20)
    sampler = Sampler("f", ["v", "w"])
    for _ in range(10):
        episode = new_uuid7()
        chosen = {(await gateway.infer(episode_id=episode)).json()["variant_name"] for _ in range(2)}
        assert chosen == {sampler.first(uuid.UUID(episode).bytes)}


@pytest.mark.parametrize("stream", [False, True])
async def test_after_a_failure_the_other_variant_serves(start: StartGateway, stream: bool) -> None:
    """A failed variant leaves no rows; the one that served leaves its own."""
    served = streamed("second") if stream else completion("second")
    gateway = await start(TWO_VARIANTS, [answer(b"no", status=500)], [served])
    reply = await gateway.infer(episode_id=episode_for("v"), stream=stream)
    assert reply.status == 200
    assert (gateway.chat_rows[0]["variant_name"], gateway.model_rows[0]["model_name"]) == ("w", "n")
    assert len(gateway.sink.rows) == 2


async def test_a_pinned_variant_does_not_fall_back(start: StartGateway) -> None:
    """The pinned variant's failure is the answer, whatever the others could do."""
    gateway = await start(TWO_VARIANTS, [answer(b"no", status=429)], [completion()])
    reply = await gateway.infer(variant_name="v")
    assert reply.status == 500
    assert reply.error == (
        "All model providers failed to infer with errors: "
        "p: Error 429 Too Many Requests from openai client: no"
    )
    assert len(gateway.network.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 503])
async def test_every_provider_status_is_a_failure_of_the_same_kind(start: StartGateway, status: int) -> None:
    """The provider's status shows in the text at most, never as the gateway's."""
    gateway = await start(MODEL + CHAT, [answer(b"no", status=status)], [answer(b"no", status=status)])
    assert (await gateway.infer()).status == 502
    assert (await gateway.infer(variant_name="v")).status == 500


WEIGHTED = TWO_VARIANTS.replace('model = "m"\n', 'model = "m"\nweight = 1\n', 1).replace(
    'model = "n"\n', 'model = "n"\nweight = 0\n', 1
)


async def test_weight_zero_is_never_first_but_can_be_pinned(start: StartGateway) -> None:
    """A variant without weight is reached by its name only."""
    gateway = await start(WEIGHTED, [completion()] * 10, [completion()])
    chosen = {(await gateway.infer()).json()["variant_name"] for _ in range(10)}
    assert chosen == {"v"}
    assert (await gateway.infer(variant_name="w")).json()["variant_name"] == "w"


async def test_a_dynamic_variant_serves_a_dry_run(start: StartGateway) -> None:
    """A variant that the request brings has the name of all such, and is not written down."""
    gateway = await start(MODEL + CHAT, [completion()])
    config = {"type": "chat_completion", "model": "m", "temperature": 0.5}
    reply = await gateway.infer(internal_dynamic_variant_config=config, dryrun=True)
    assert reply.json()["variant_name"] == "tensorzero::dynamic_variant"
    assert gateway.sent[0]["temperature"] == 0.5
    assert gateway.sink.rows == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"variant_name": "v"}, "`variant_name` and `internal_dynamic_variant_config` cannot both be set."),
        ({"config": {"type": "zz"}}, "internal_dynamic_variant_config: "),
        ({"config": {"type": "chat_completion", "model": "zz"}}, "internal_dynamic_variant_config: "),
        ({"config": 5}, "internal_dynamic_variant_config: "),
        ({"config": {"type": "chat_completion", "model": "m", "zz": 1}}, "internal_dynamic_variant_config: "),
    ],
)
async def test_bad_dynamic_variants(start: StartGateway, fields: dict[str, Any], message: str) -> None:
    """A variant that is none is the client's mistake."""
    gateway = await start(MODEL + CHAT)
    config = fields.pop("config", {"type": "chat_completion", "model": "m"})
    reply = await gateway.infer(internal_dynamic_variant_config=config, dryrun=True, **fields)
    assert reply.status == 400
    assert reply.error.startswith(message), reply.error
