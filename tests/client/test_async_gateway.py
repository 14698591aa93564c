"""Tests of `tzproxy.client.async_gateway`. What its methods ask is what the blocking client's ask."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from client.scripted_server import CHAT, CHUNK, HANG, ID, INPUT, ScriptedServer
from tzproxy import (
    AsyncTensorZeroGateway,
    OptimizationJobHandle,
    TensorZeroError,
    TensorZeroGateway,
)


async def test_answers_streams_and_refusals(server: ScriptedServer) -> None:
    """The client awaits answers, iterates over streams and raises refusals."""
    async with await AsyncTensorZeroGateway.build_http(gateway_url=server.url) as client:
        server.answers(CHAT)
        answers: Any = await asyncio.gather(*(client.inference(input=INPUT) for _ in range(4)))
        assert all(answer.content[0].text == "a" for answer in answers)
        server.streams(CHUNK, CHUNK, "[DONE]")
        stream: Any = await client.inference(input=INPUT, stream=True)
        assert [piece.content[0].text async for piece in stream] == ["a", "a"]
        server.answers({"error": "x"}, 404)
        for wanted in (False, True):
            with pytest.raises(TensorZeroError, match="404"):
                await client.inference(input=INPUT, stream=wanted)
        server.answers({"feedback_id": ID})
        given = await client.feedback(metric_name="m", value=True, inference_id=ID)
        assert str(given.feedback_id) == ID
        server.answers({"status": "pending", "message": "Queued"})
        info = await client.experimental_poll_optimization(job_handle=OptimizationJobHandle("x"))
        assert info.message == "Queued"


async def test_a_request_that_is_cancelled(server: ScriptedServer) -> None:
    """Cancelling the task that waits ends the request; the client goes on."""
    server.streams(HANG)
    async with await AsyncTensorZeroGateway.build_http(gateway_url=server.url) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.inference(input=INPUT)
        server.answers(CHAT)
        await client.inference(input=INPUT)


def test_both_clients_have_the_same_methods() -> None:
    """What one client can, the other can, with the same arguments."""
    for name, method in inspect.getmembers(TensorZeroGateway, inspect.isfunction):
        if not name.startswith("_"):
            twin = getattr(AsyncTensorZeroGateway, name)
            ours, theirs = inspect.signature(method), inspect.signature(twin)
            assert ours.parameters == theirs.parameters, name
