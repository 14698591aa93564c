"""Tests of `tzproxy.client.embedded.carrier`: time limits, and callers that leave."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from client.embedded.conftest import TOML, Start
from client.scripted_server import INPUT
from tzproxy import AsyncTensorZeroGateway, TensorZeroError, TensorZeroInternalError
from tzproxy.client.embedded.gateway import EmbeddedGateway

SLOW = TOML.replace("dummy::good", "dummy::slow_second_chunk").replace("dummy::json", "dummy::slow")


async def idle(gateway: EmbeddedGateway) -> None:
    """Return once the gateway serves nobody."""

    async def served() -> None:
        await asyncio.wait(list(gateway._tasks))

    if gateway._tasks:
        await asyncio.wait_for(asyncio.wrap_future(gateway.loop.submit(served())), 5.0)


def test_time_limits(start: Start) -> None:
    """A model that says nothing is waited for no longer than the client was told."""
    client = start(SLOW, timeout=0.2)
    with pytest.raises(TensorZeroInternalError, match="HTTP Error: request timed out"):
        client.inference(function_name="j", input=INPUT)
    stream: Any = client.inference(function_name="f", input=INPUT, stream=True)
    next(stream)
    with pytest.raises(TensorZeroError, match="timed out"):
        for _ in stream:
            pass


async def test_a_caller_that_is_cancelled(start: Start) -> None:
    """The engine stops asking the model."""
    client = AsyncTensorZeroGateway.build_embedded(config_file="tensorzero.toml", async_setup=False)
    gateway = client._transport.carrier.gateway
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.inference(model_name="dummy::slow", input=INPUT)
    await idle(gateway)
    await client.close()


async def test_a_stream_that_is_left(start: Start) -> None:
    """Leaving before the end, by closing or by forgetting, ends the request; the client goes on."""
    client = start(SLOW)
    gateway = client._transport.carrier.gateway
    for leave in ("close", "forget"):
        stream: Any = client.inference(function_name="f", input=INPUT, stream=True)
        next(stream)
        if leave == "close":
            stream.close()
        del stream
        await idle(gateway)


def test_threads_share_a_gateway(start: Start) -> None:
    """Many threads ask at once; each gets its answer."""
    client = start()
    answers: list[Any] = []

    def ask() -> None:
        answers.append(client.inference(function_name="f", input=INPUT))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.inference_id for answer in answers}) == 8
