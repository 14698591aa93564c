"""Tests of `tzproxy.http.batch`: bodies, paths, and a gateway without a store."""

from __future__ import annotations

import re
from typing import cast

import msgspec
import pytest
from msgspec import Raw

from in_process import CHAT, MODEL, Conversation, StartGateway
from tzproxy.batch.poll import BatchAnswer, BatchPoller
from tzproxy.batch.results import FinishedInference
from tzproxy.http.app import App
from tzproxy.http.asgi import AsgiExchange, Receive, Scope, Send
from tzproxy.http.batch import BatchPollRoute
from tzproxy.types.response import ResponseUsage

PATH = "/batch_inference"
ID = "01900000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("body", "pattern"),
    [
        (b"", "Failed to parse the request body as JSON: "),
        (b"{", "Failed to parse the request body as JSON: "),
        ({}, "missing .*`function_name`"),
        ({"function_name": "f", "inputs": [], "x": 1}, "unknown field `x`"),
        ({"function_name": "f", "inputs": [{"messages": [{}]}]}, r"^inputs\[0\]\.messages\[0\]: missing"),
        ({"function_name": "f", "inputs": [{}]}, "^Batch inference requires observability to be enabled"),
    ],
)
async def test_refusals(start: StartGateway, body: object, pattern: str) -> None:
    """What is wrong is said in the native form; the last thing wrong here is that there is no store."""
    reply = await (await start(MODEL + CHAT)).post(PATH, body)
    assert reply.status == 400
    assert re.search(pattern, reply.error)


@pytest.mark.parametrize("path", [f"{PATH}/{ID}", f"{PATH}/{ID}/inference/{ID}"])
async def test_asking_without_a_store(start: StartGateway, path: str) -> None:
    """Nobody knows of any batch."""
    reply = await (await start(MODEL + CHAT)).get(path)
    assert reply.status == 400
    assert reply.error.startswith("Batch inference requires observability")


@pytest.mark.parametrize(
    ("path", "name"),
    [(f"{PATH}/nope", "batch_id"), (f"{PATH}/{ID}/inference/nope", "inference_id")],
)
async def test_bad_ids(start: StartGateway, path: str, name: str) -> None:
    """An id in the path that is none is refused in plain text."""
    reply = await (await start(MODEL + CHAT)).get(path)
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"`{name}` with value `nope`".encode() in reply.body


class Completed:
    """Knows one completed batch of many inferences."""

    def __init__(self, count: int) -> None:
        self.answer = BatchAnswer(
            status="completed",
            batch_id=ID,
            inferences=[
                FinishedInference(
                    inference_id=str(number),
                    episode_id=ID,
                    variant_name="v",
                    content=Raw(msgspec.json.encode([{"type": "text", "text": "x" * 5000}])),
                    usage=ResponseUsage(input_tokens=1, output_tokens=2, cost=None),
                )
                for number in range(count)
            ],
        )

    async def poll(self, batch_id: str, inference_id: str | None) -> BatchAnswer:
        """Answer."""
        return self.answer


@pytest.mark.parametrize("count", [0, 1, 200])
async def test_a_completed_batch(count: int) -> None:
    """The answer is the same text however long it is; a long one is sent in pieces."""
    completed = Completed(count)
    route = BatchPollRoute(cast(BatchPoller, completed))
    app = App({("GET", PATH + "/{batch_id}"): route})

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app.serve(AsgiExchange(scope, receive, send))

    conversation = Conversation(serve, "GET", f"{PATH}/{ID}")
    reply = await conversation.finish()
    assert reply.headers["content-type"] == "application/json"
    assert reply.body == msgspec.json.encode(completed.answer)
    assert (len(conversation.messages) > 2) is (count == 200)
