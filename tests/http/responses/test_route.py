"""Tests of `tzproxy.http.responses.route`: the route from the first byte to the last."""

from __future__ import annotations

from typing import Any

from in_process import CHAT, MODEL, StartGateway, completion, streamed
from tzproxy.upstream.fake import answer

PATH = "/openai/v1/responses"
ASK: dict[str, Any] = {"model": "f", "input": "Hello"}
OVERHEAD = 'tensorzero_inference_latency_overhead_seconds_count{function_name="f",variant_name="v"}'


async def test_one_request_to_one_response(start: StartGateway) -> None:
    """The provider gets one request, the client one response, the store one record."""
    gateway = await start(MODEL + CHAT, [completion("Hello yourself")])
    reply = await gateway.post(PATH, ASK)
    assert reply.json()["output"][0]["content"][0]["text"] == "Hello yourself"
    assert gateway.sent == [
        {"messages": [{"role": "user", "content": "Hello"}], "model": "gpt", "stream": False}
    ]
    assert (len(gateway.chat_rows), len(gateway.model_rows)) == (1, 1)


async def test_extras_reach_the_engine(start: StartGateway) -> None:
    """Pins, episodes, tags, credentials and changes of the body work as in chat completions."""
    gateway = await start(MODEL + CHAT, [completion(), completion()])
    first = (await gateway.post(PATH, ASK)).json()
    extras = {
        "tensorzero::variant_name": "v",
        "tensorzero::episode_id": first["episode_id"],
        "tensorzero::tags": {"a": "mine", "c": "d"},
        "tensorzero::extra_body": [{"pointer": "/added", "value": 1}],
    }
    second = (await gateway.post(PATH, {**ASK, **extras, "metadata": {"a": "theirs"}})).json()
    assert second["episode_id"] == first["episode_id"]
    assert gateway.sent[1]["added"] == 1
    row = gateway.chat_rows[1]
    assert row["tags"] == {"a": "mine", "c": "d", "tensorzero::variant_pinned": "v"}


async def test_a_dry_run(start: StartGateway) -> None:
    """A dry run answers and leaves no row."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.post(PATH, {**ASK, "tensorzero::dryrun": True})
    assert (reply.status, gateway.chat_rows) == (200, [])


async def test_errors_with_what_the_provider_said(start: StartGateway) -> None:
    """A failure carries the provider's own words when they are asked for."""
    gateway = await start(MODEL + CHAT, [answer(b"out of order", status=500)])
    reply = await gateway.post(PATH, {**ASK, "tensorzero::include_raw_response": True})
    assert reply.status == 502
    assert reply.json()["tensorzero_raw_response"][0]["data"] == "out of order"


async def test_overhead_is_not_measured(start: StartGateway) -> None:
    """The histogram is about `POST /inference` alone, as in the original."""
    gateway = await start(MODEL + CHAT, [completion(), streamed("a")])
    await gateway.post(PATH, ASK)
    await gateway.post(PATH, {**ASK, "stream": True})
    metrics = await gateway.metrics
    assert metrics['tensorzero_inferences_total{endpoint="inference",function_name="f"}'] == 2
    assert OVERHEAD not in metrics


async def test_other_methods_are_refused(start: StartGateway) -> None:
    """Responses can only be created: none is kept to be got."""
    gateway = await start(MODEL + CHAT)
    assert (await gateway.get(PATH)).status == 405
