"""An adaptive experiment from the first request to its winner: two workers, the embedded store, a restart."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.processes import Gateway, wait_until

pytestmark = pytest.mark.e2e
HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}
MODELS = "".join(
    f'[models.{name}]\nrouting = ["builtin"]\n[models.{name}.providers.builtin]\ntype = "openai"\n'
    f'api_base = "http://127.0.0.1:4010/v1/"\nmodel_name = "fixed-{name}"\napi_key_location = "none"\n'
    for name in ("fine", "poor")
)
EXPERIMENT = (
    MODELS
    + """
[metrics.liked]
type = "boolean"
optimize = "max"
level = "inference"
[functions.pick]
type = "chat"
[functions.pick.variants.fine]
type = "chat_completion"
model = "fine"
[functions.pick.variants.poor]
type = "chat_completion"
model = "poor"
[functions.pick.experimentation]
type = "adaptive"
metric = "liked"
candidate_variants = ["fine", "poor"]
min_samples_per_variant = 15
update_period_s = 1
"""
)
LIKED = {"fine": 0.9, "poor": 0.2}


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway of two workers, which have to agree; started by the test."""
    folder: Path = tmp_path_factory.mktemp("adaptive")
    yield Gateway(folder, extra_config=EXPERIMENT, arguments=["--workers", "2"])


def ask(gateway: Gateway, client: httpx.Client | None = None, **more: Any) -> dict[str, Any]:
    """Ask the function; without a client over a connection of its own, so that any worker may take it."""
    post = httpx.post if client is None else client.post
    answer = post(f"{gateway.url}/inference", json={"function_name": "pick", "input": HELLO, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shares(gateway: Gateway) -> dict[str, float]:
    """What one of the workers says."""
    path = f"{gateway.url}/internal/functions/pick/variant_sampling_probabilities"
    found: dict[str, float] = httpx.get(path).json()["probabilities"]
    return found


def have_all_settled(gateway: Gateway, winner: str) -> bool:
    """Whether the workers that answer ten connections send all new episodes to the winner."""
    return all(shares(gateway)[winner] == 1.0 for _ in range(10))


def test_an_experiment_ends_on_the_better_variant(two_workers: Gateway) -> None:
    """Feedback moves new episodes to it, on both workers; a restart and a silent store move no old ones."""
    source = random.Random(3)
    kept: dict[str, str] = {}
    with two_workers as gateway:
        assert shares(gateway) == {"fine": 0.5, "poor": 0.5}
        with httpx.Client() as client:
            for _ in range(120):
                answer = ask(gateway, client)
                kept[answer["episode_id"]] = variant = answer["variant_name"]
                told = {
                    "metric_name": "liked",
                    "inference_id": answer["inference_id"],
                    "value": source.random() < LIKED[variant],
                }
                assert client.post(f"{gateway.url}/feedback", json=told).status_code == 200
        assert set(kept.values()) == {"fine", "poor"}
        wait_until(lambda: have_all_settled(gateway, "fine"), "the experiment to end on `fine`")
        assert {ask(gateway)["variant_name"] for _ in range(20)} == {"fine"}
        some = dict(list(kept.items())[:25])
        assert {episode: ask(gateway, episode_id=episode)["variant_name"] for episode in some} == some
        states = gateway.rows("SELECT state FROM TzproxyExperimentState ORDER BY effective_at")
        assert states[-1]["state"] == '{"type":"stopped","winner_variant_name":"fine"}'
    with two_workers as gateway:
        assert have_all_settled(gateway, "fine")
        assert {ask(gateway)["variant_name"] for _ in range(20)} == {"fine"}
        assert {episode: ask(gateway, episode_id=episode)["variant_name"] for episode in some} == some
        pinned = ask(gateway, variant_name="poor")
        assert pinned["variant_name"] == "poor"
        store = gateway.pid_of("store")
        os.kill(store, signal.SIGSTOP)
        try:
            # It neither answers nor refuses: nobody waits for it, and the weights stay.
            began = time.monotonic()
            assert {ask(gateway)["variant_name"] for _ in range(20)} == {"fine"}
            assert {episode: ask(gateway, episode_id=episode)["variant_name"] for episode in some} == some
            assert time.monotonic() - began < 30
        finally:
            os.kill(store, signal.SIGCONT)
