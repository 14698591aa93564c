"""Tests of `tzproxy.http.native`: the native route from the first byte to the last."""

from __future__ import annotations

import pytest

from in_process import CHAT, DONE, LAST, MODEL, TWO_PROVIDERS, StartGateway, completion, delta, streamed
from tzproxy.upstream.fake import answer, event_stream

OVERHEAD = "tensorzero_inference_latency_overhead_seconds_count"


async def test_one_request_to_one_answer(start: StartGateway) -> None:
    """The provider gets one request, the client one answer, the store one record."""
    gateway = await start(MODEL + CHAT, [completion("Hello yourself")])
    reply = await gateway.infer()
    assert reply.json()["content"] == [{"type": "text", "text": "Hello yourself"}]
    (request,) = gateway.network.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert b"\r\nuser-agent: TensorZero/2026.6.0" in head.lower().replace(b"tensorzero", b"TensorZero")
    assert b"\r\ncontent-type: application/json" in head
    assert b"accept-encoding" not in head.lower()
    assert body == b'{"messages":[{"role":"user","content":"Hello"}],"model":"gpt","stream":false}'
    assert len(gateway.sink.rows) == 2


async def test_overhead_is_measured_by_variant(start: StartGateway) -> None:
    """A request that one variant served is counted under it, streams too; failed ones are not."""
    gateway = await start(MODEL + CHAT, [completion(), streamed("a"), answer(b"no", status=500)])
    await gateway.infer()
    await gateway.infer(stream=True)
    await gateway.infer()
    metrics = await gateway.metrics
    assert metrics[OVERHEAD + '{function_name="f",variant_name="v"}'] == 2
    assert sum(value for name, value in metrics.items() if name.startswith(OVERHEAD)) == 2


async def test_overhead_after_a_fallback_has_no_variant(start: StartGateway) -> None:
    """When more than one variant was tried nobody's time is measured."""
    toml = MODEL + (
        '[functions.f]\ntype = "chat"\n'
        'experimentation = { type = "static", candidate_variants = ["v"], fallback_variants = ["w"] }\n'
        '[functions.f.variants.v]\ntype = "chat_completion"\nmodel = "dummy::error"\n'
        '[functions.f.variants.w]\ntype = "chat_completion"\nmodel = "m"\n'
    )
    gateway = await start(toml, [completion()])
    await gateway.infer()
    assert (await gateway.metrics)[OVERHEAD + '{function_name="f"}'] == 1


@pytest.mark.parametrize("flag", ["include_raw_response", "include_original_response"])
async def test_pieces_without_content_are_kept_for_their_raw_text(start: StartGateway, flag: str) -> None:
    """With raw texts a piece that says nothing else is still a piece."""
    events = [delta(role="assistant"), delta(content="a"), LAST, DONE]
    gateway = await start(MODEL + CHAT, [event_stream(events), event_stream(events)])
    plain = (await gateway.infer(stream=True)).events()
    raw = (await gateway.infer(stream=True, **{flag: True})).events()
    assert len(plain) == 3
    assert len(raw) == 5
    key = "raw_chunk" if flag == "include_raw_response" else "original_chunk"
    assert [event[key] for event in raw[:3]] == [event.decode() for event in events[:3]]


@pytest.mark.parametrize(
    ("flag", "key"), [("include_raw_response", "raw_chunk"), ("include_original_response", "original_chunk")]
)
async def test_json_pieces_of_raw_text_alone(start: StartGateway, flag: str, key: str) -> None:
    """A JSON function's piece without text has an empty `raw`, and the last block of a piece wins."""
    toml = MODEL + CHAT.replace('"chat"\n', '"json"\n', 1) + 'json_mode = "on"\n'
    events = [delta(reasoning_content="h"), delta(content="{}"), LAST, DONE]
    gateway = await start(toml, [event_stream(events)])
    found = (await gateway.infer(stream=True, **{flag: True})).events()
    assert [event["raw"] for event in found[:-1]] == ["", "{}", "", ""]
    assert [event.get(key) for event in found[:-1]] == [*(each.decode() for each in events[:3]), None]


async def test_errors_before_a_stream_bring_raw_responses(start: StartGateway) -> None:
    """A stream that never began fails like a whole answer, with what the providers said."""
    gateway = await start(TWO_PROVIDERS + CHAT, [answer(b"p", status=500)], [answer(b"q", status=500)])
    reply = await gateway.infer(stream=True, include_raw_response=True)
    assert reply.status == 502
    assert [entry["data"] for entry in reply.json()["raw_response"]] == ["p", "q"]
