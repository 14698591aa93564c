"""Tests of `tzproxy.http.anthropic.route`: the routes from the first byte to the last."""

from __future__ import annotations

from typing import Any

from in_process import CHAT, MODEL, StartGateway, completion, streamed

PATH = "/anthropic/v1/messages"
ASK: dict[str, Any] = {"model": "f", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
OVERHEAD = 'tensorzero_inference_latency_overhead_seconds_count{function_name="f",variant_name="v"}'


async def test_one_request_to_one_message(start: StartGateway) -> None:
    """The provider gets one request, the client one message, the store one record; headers mean nothing."""
    gateway = await start(MODEL + CHAT, [completion("Hello yourself")])
    headers = {"x-api-key": "sk-ant-secret", "anthropic-version": "2023-06-01", "anthropic-beta": "a,b"}
    reply = await gateway.post(PATH, ASK, headers)
    assert reply.json()["content"][0]["text"] == "Hello yourself"
    assert gateway.sent[0]["messages"] == [{"role": "user", "content": "Hello"}]
    assert b"sk-ant-secret" not in gateway.network.requests[0]
    assert (len(gateway.chat_rows), len(gateway.model_rows)) == (1, 1)


async def test_extras_reach_the_engine(start: StartGateway) -> None:
    """Pins, episodes, tags and changes of the body work as in chat completions; metadata are tags."""
    gateway = await start(MODEL + CHAT, [completion(), completion()])
    first = (await gateway.post(PATH, ASK)).json()
    extras = {
        "tensorzero::variant_name": "v",
        "tensorzero::episode_id": first["episode_id"],
        "tensorzero::tags": {"c": "d"},
        "tensorzero::extra_body": [{"pointer": "/added", "value": 1}],
        "metadata": {"user_id": "ada"},
    }
    second = (await gateway.post(PATH, {**ASK, **extras})).json()
    assert second["episode_id"] == first["episode_id"]
    assert gateway.sent[1]["added"] == 1
    assert gateway.chat_rows[1]["tags"] == {
        "user_id": "ada",
        "c": "d",
        "tensorzero::variant_pinned": "v",
    }


async def test_a_dry_run(start: StartGateway) -> None:
    """A dry run answers and leaves no row."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.post(PATH, {**ASK, "tensorzero::dryrun": True})
    assert (reply.status, gateway.chat_rows) == (200, [])


async def test_overhead_is_not_measured(start: StartGateway) -> None:
    """The histogram is about `POST /inference` alone, as in the original."""
    gateway = await start(MODEL + CHAT, [completion(), streamed("a")])
    await gateway.post(PATH, ASK)
    await gateway.post(PATH, {**ASK, "stream": True})
    metrics = await gateway.metrics
    assert metrics['tensorzero_inferences_total{endpoint="inference",function_name="f"}'] == 2
    assert OVERHEAD not in metrics


async def test_counting_tokens_is_refused(start: StartGateway) -> None:
    """Tokens cannot be counted, and that is said in Anthropic's shape; a broken body is a mistake."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.post(f"{PATH}/count_tokens", ASK)
    assert (reply.status, reply.json()["type"]) == (501, "error")
    assert "Counting tokens is not supported" in reply.json()["error"]["message"]
    reply = await gateway.post(f"{PATH}/count_tokens", b"{")
    assert (reply.status, reply.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_client_that_leaves(start: StartGateway) -> None:
    """A client that leaves during a stream is no error, and what had arrived is recorded."""
    gateway = await start(MODEL + CHAT, [streamed("a", "b")[:2]])
    conversation = gateway.begin("POST", PATH, {**ASK, "stream": True})
    await conversation.until(2)
    conversation.disconnect()
    await conversation.task
    assert not conversation.so_far().ended
    assert len(gateway.chat_rows) == 1
