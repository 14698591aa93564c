"""Tests of `tzproxy.http.openai.route`: chat completions from the first byte to the last."""

from __future__ import annotations

from in_process import CHAT, MODEL, StartGateway, completion, streamed
from tzproxy.upstream.fake import answer


async def test_one_request_to_one_answer(start: StartGateway) -> None:
    """The provider gets one request, the client one answer, the store one record."""
    gateway = await start(MODEL + CHAT, [completion("Hello yourself")])
    reply = await gateway.chat()
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json()["choices"][0]["message"]["content"] == "Hello yourself"
    assert len(gateway.network.requests) == 1
    assert len(gateway.sink.rows) == 2


async def test_both_faces_lead_to_the_same_inference(start: StartGateway) -> None:
    """What the provider is asked and what is recorded does not depend on the route."""
    gateway = await start(MODEL + CHAT, [completion(), completion()])
    await gateway.infer()
    await gateway.chat()
    assert gateway.network.requests[0] == gateway.network.requests[1]
    rows = [
        {key: value for key, value in row.items() if key not in ("id", "episode_id", "processing_time_ms")}
        for row in gateway.chat_rows
    ]
    assert rows[0] == rows[1]


async def test_overhead_is_not_measured(start: StartGateway) -> None:
    """The histogram is about `POST /inference` alone, as in the original."""
    gateway = await start(MODEL + CHAT, [completion(), streamed("a")])
    await gateway.chat()
    await gateway.chat(stream=True)
    metrics = await gateway.metrics
    assert metrics['tensorzero_inferences_total{endpoint="inference",function_name="f"}'] == 2
    assert not [name for name in metrics if "overhead" in name]


async def test_failures_have_openais_shape(start: StartGateway) -> None:
    """Whole or streamed, what goes wrong before the first byte is an object with a message."""
    refusal = answer(b"no", status=401)
    gateway = await start(MODEL + CHAT, [refusal, refusal])
    for stream in (False, True):
        reply = await gateway.chat(stream=stream)
        assert reply.status == 502
        assert list(reply.json()) == ["error"]
        assert list(reply.json()["error"]) == ["message"]
        assert reply.json()["error"]["message"].startswith("All variants failed with errors: v: ")


async def test_streams_are_event_streams(start: StartGateway) -> None:
    """A stream has the type and the end that clients expect."""
    gateway = await start(MODEL + CHAT, [streamed("a")])
    reply = await gateway.chat(stream=True)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert reply.ended


async def test_dry_runs(start: StartGateway) -> None:
    """`tensorzero::dryrun` answers and leaves nothing."""
    gateway = await start(MODEL + CHAT, [completion()])
    assert (await gateway.chat(**{"tensorzero::dryrun": True})).status == 200
    assert gateway.sink.rows == []


async def test_requests_are_counted_as_inferences(start: StartGateway) -> None:
    """The metrics do not tell the routes apart."""
    gateway = await start(MODEL + CHAT, [completion(), completion()])
    await gateway.infer()
    await gateway.chat()
    metrics = await gateway.metrics
    assert metrics['tensorzero_requests_total{endpoint="inference",function_name="f"}'] == 2
