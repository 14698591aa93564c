"""Tests of `tzproxy.client.gateway`. What its methods ask: `test_twins`."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from client.scripted_server import CHAT, CHUNK, INPUT, ScriptedServer
from tzproxy import BaseTensorZeroGateway, NotSupportedError, TensorZeroGateway


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


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("experimental_launch_optimization_workflow", {}),
        ("experimental_poll_optimization", {"job_handle": None}),
        ("experimental_render_samples", {"stored_samples": [], "variants": {}}),
        ("experimental_launch_optimization", {"train_samples": [], "optimization_config": {}}),
    ],
)
def test_what_is_not_supported_says_so(name: str, arguments: dict[str, Any]) -> None:
    """Each method that does nothing yet is named by its error."""
    with TensorZeroGateway.build_http(gateway_url="http://h") as client:
        with pytest.raises(NotSupportedError, match=f"`{name}` is not supported"):
            getattr(client, name)(**arguments)
