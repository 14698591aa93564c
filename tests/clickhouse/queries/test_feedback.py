"""Tests of `tzproxy.clickhouse.queries.feedback`, on the embedded engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from clickhouse.rows import chat_inference, lines
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.feedback import FeedbackTargets, StoredTools, TargetInference


def json_inference(**changes: object) -> dict[str, object]:
    """A JSON inference."""
    output = {"raw": '{"a": 1}', "parsed": {"a": 1}}
    fields: dict[str, object] = {"output": output, "output_schema": {}}
    return chat_inference(**{**fields, "auxiliary_content": [], **changes})


@pytest.fixture
async def targets(client: StoreClient) -> AsyncIterator[FeedbackTargets]:
    """Looks into the shared database."""
    store = AsyncStoreClient(client.url, threads=1)
    yield FeedbackTargets(store)
    await store.close()


async def test_inferences_and_episodes(client: StoreClient, targets: FeedbackTargets) -> None:
    """Inferences of both kinds are found by their ids, and episodes by theirs."""
    chat, answer = chat_inference(), json_inference()
    client.insert_json("ChatInference", lines(chat))
    client.insert_json("JsonInference", lines(answer))
    for row, kind in ((chat, "chat"), (answer, "json")):
        target = await targets.find_inference(str(row["id"]))
        assert target == TargetInference(
            function_name=str(row["function_name"]),
            function_type="chat" if kind == "chat" else "json",
            variant_name=str(row["variant_name"]),
            episode_id=str(row["episode_id"]),
        )
        assert await targets.has_episode(str(row["episode_id"]))
        assert await targets.find_inference(str(row["episode_id"])) is None
        assert not await targets.has_episode(str(row["id"]))


async def test_details(client: StoreClient, targets: FeedbackTargets) -> None:
    """Outputs and schemas come back byte for byte, and tools as their columns hold them."""
    tool = '{"type":"function","description":"\\\\ \'d\'","parameters":{},"name":"own","strict":false}'
    own = {"allowed_tools": '{"tools":["own"],"choice":"function_default"}', "tool_choice": "auto"}
    odd = {"function_name": "f'\\\t{x:String}", "variant_name": 'v"\n'}
    chat = chat_inference(dynamic_tools=[tool], **own, **odd)
    answer = json_inference(output_schema={"type": "object", "title": "é \\"}, **odd)
    client.insert_json("ChatInference", lines(chat))
    client.insert_json("JsonInference", lines(answer))
    chat_id, answer_id = str(chat["id"]), str(answer["id"])
    chat_target = await targets.find_inference(chat_id)
    answer_target = await targets.find_inference(answer_id)
    assert chat_target is not None and answer_target is not None
    assert await targets.find_tools(chat_id, chat_target) == StoredTools(
        tool_params="", dynamic_tools=[tool], **own
    )
    for row, target in ((chat, chat_target), (answer, answer_target)):
        stored = json.dumps(row["output"], ensure_ascii=False, separators=(",", ":"))
        assert await targets.find_output(str(row["id"]), target) == stored
    assert await targets.find_output_schema(answer_id, answer_target) == '{"type":"object","title":"é \\\\"}'
    assert await targets.find_tools(answer_id, answer_target) is None
    assert await targets.find_output(new_uuid7(), chat_target) is None
