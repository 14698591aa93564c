"""Tests of `tzproxy.client.gateway`. What its methods ask: `test_twins`."""

from __future__ import annotations

import threading
from typing import Any

from client.scripted_server import CHAT, CHUNK, INPUT, ScriptedServer
from tzproxy import BaseTensorZeroGateway, TensorZeroGateway


def test_threads_share_a_client(server: ScriptedServer) -> None:
    """Many threads ask at once; each gets its answer."""
    server.answers(CHAT)
    answers: list[Any] = []
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        assert isinstance(client, BaseTensorZeroGateway)
        asking = [
            threading.Thread(target=lambda: answers.append(client.inference(input=INPUT))) for _ in range(8)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)


async def test_a_client_that_blocks_inside_of_a_loop(server: ScriptedServer) -> None:
    """As in a notebook: a loop runs in this thread, and the client works all the same."""
    server.streams(CHUNK, "[DONE]")
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        stream: Any = client.inference(input=INPUT, stream=True)
        assert [piece.content[0].text for piece in stream] == ["a"]
