"""Tests of `tzproxy.client.gateway`. What its methods ask: `test_twins`."""

from __future__ import annotations

import threading
from typing import Any

import uuid_utils

from client.scripted_server import CHAT, CHUNK, ID, INPUT, ScriptedServer
from tzproxy import (
    BaseTensorZeroGateway,
    ChatInferenceResponse,
    CreateDatapointRequestChat,
    Input,
    ListInferencesRequest,
    TensorZeroGateway,
)
from tzproxy.client.generated_types import OrderByTimestamp


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


def test_type_checkers_follow(server: ScriptedServer) -> None:
    """What the published client's stubs allow passes a strict type checker, which reads these tests too."""
    server.answers(CHAT)
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        answer = client.inference(input=INPUT, episode_id=uuid_utils.uuid7())
        assert isinstance(answer, ChatInferenceResponse)
        assert [block.type for block in answer.content] == ["text", "tool_call", "thought", "unknown"]
        server.answers({"ids": [ID]})
        by_time = [OrderByTimestamp(direction="ascending")]
        new = [CreateDatapointRequestChat(function_name="f", input=Input())]
        assert client.create_datapoints(dataset_name="d", requests=new).ids == [ID]
        server.answers({"inferences": []})
        assert client.list_inferences(request=ListInferencesRequest(order_by=by_time)).inferences == []


async def test_a_client_that_blocks_inside_of_a_loop(server: ScriptedServer) -> None:
    """As in a notebook: a loop runs in this thread, and the client works all the same."""
    server.streams(CHUNK, "[DONE]")
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        stream: Any = client.inference(input=INPUT, stream=True)
        assert [piece.content[0].text for piece in stream] == ["a"]
