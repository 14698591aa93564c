"""Strategies over real sockets: candidates wait side by side for a provider that takes its time."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from in_process import Conversation, native
from tzproxy.config import load_config
from tzproxy.http.gateway import Gateway
from tzproxy.mock import MockOptions, MockProcess
from tzproxy.recording.sink import MemorySink
from tzproxy.services.settings import WorkerSettings

pytestmark = pytest.mark.e2e
WAITS_MS = (200, 300, 400, 500)
SUM_S, LONGEST_S = sum(WAITS_MS) / 1000, max(WAITS_MS) / 1000


def configuration(url: str, last_step: str) -> str:
    """Four candidates that take their time, and a last step whose model is given by name."""
    names = [f"slow-{wait}ms+fixed-{wait}" for wait in WAITS_MS]
    models = {f"m{wait}": name for wait, name in zip(WAITS_MS, names, strict=True)} | {"last": last_step}
    toml = "".join(
        f'[models.{name}]\nrouting = ["p"]\n[models.{name}.providers.p]\ntype = "openai"\n'
        f'api_base = "{url}/v1/"\nmodel_name = "{behaviour}"\napi_key_location = "none"\n'
        for name, behaviour in models.items()
    )
    toml += '[functions.f]\ntype = "chat"\n'
    for wait in WAITS_MS:
        toml += f'[functions.f.variants.v{wait}]\ntype = "chat_completion"\nmodel = "m{wait}"\n'
    candidates = [f"v{wait}" for wait in WAITS_MS]
    for name, kind, step in (
        ("best", "experimental_best_of_n_sampling", "evaluator"),
        ("mixed", "experimental_mixture_of_n", "fuser"),
    ):
        toml += f'[functions.f.variants.{name}]\ntype = "{kind}"\ncandidates = {json.dumps(candidates)}\n'
        toml += f'{step} = {{ model = "last" }}\n'
    return toml


@pytest.fixture(scope="module")
def mock() -> Iterator[MockProcess]:
    """The mock provider in a process of its own."""
    with MockProcess(MockOptions()) as running:
        yield running


class Timed:
    """A gateway whose answers are timed."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def infer(self, variant: str) -> tuple[float, Any]:
        """Return the seconds and the answer of one inference."""
        body = json.dumps(native(variant_name=variant)).encode()
        began = time.perf_counter()
        reply = await Conversation(self.gateway, "POST", "/inference", parts=[body]).finish()
        assert reply.status == 200, reply.body
        return time.perf_counter() - began, reply.json()


async def opened(folder: Path, toml: str) -> Timed:
    """Open a gateway with real connections."""
    (folder / "tensorzero.toml").write_text(toml)
    loaded = load_config(str(folder / "tensorzero.toml"), environ={})
    gateway = Gateway(WorkerSettings(config=loaded.to_bytes(), data_dir=str(folder)), {}, sink=MemorySink())
    gateway.open()
    return Timed(gateway)


@pytest.fixture
async def chosen(tmp_path: Path, mock: MockProcess) -> AsyncIterator[Timed]:
    """A gateway whose evaluator chooses, and whose fuser writes, JSON."""
    made = await opened(tmp_path, configuration(mock.url, "json"))
    yield made
    await made.gateway.close()


@pytest.fixture
async def failing(tmp_path: Path, mock: MockProcess) -> AsyncIterator[Timed]:
    """A gateway whose evaluator and fuser are refused."""
    made = await opened(tmp_path, configuration(mock.url, "error-500"))
    yield made
    await made.gateway.close()


@pytest.mark.parametrize("variant", ["best", "mixed"])
async def test_waiting_takes_as_long_as_the_slowest(chosen: Timed, variant: str) -> None:
    """Not as long as all together; the best of three tries counts, other programs may use the processor."""
    times = [(await chosen.infer(variant))[0] for _ in range(3)]
    assert LONGEST_S <= min(times) < SUM_S * 0.75, times


@pytest.mark.parametrize("variant", ["best", "mixed"])
async def test_a_failing_last_step_leaves_a_candidates_answer(failing: Timed, variant: str) -> None:
    """After waiting for all candidates one of their answers is given, under the strategy's name."""
    seconds, answer = await failing.infer(variant)
    assert seconds >= LONGEST_S
    assert answer["content"][0]["text"] in {str(wait) for wait in WAITS_MS}
    assert answer["variant_name"] == variant
    assert "original_response" not in answer
