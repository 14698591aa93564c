"""Every service behind a whole gateway: what reaches it, what clients get of it, what is recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # has no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # has no types

from in_process import RunningGateway, StartGateway
from tzproxy.types.content import Text, Thought, ToolCall
from tzproxy.upstream.fake import answer as http_answer
from tzproxy.upstream.fake import event_stream

from .services import FIELDS, GEMINI, MESSAGES, SERVICES, answer, counts, pieces
from .test_vectors import STREAM_METHODS
from .vectors import frame, read

AWS = ("aws_bedrock", "aws_sagemaker")
BLOCKS = (
    Thought("Hm.", "EqQB"),
    Text("Checking."),
    ToolCall("call_1", "get_weather", '{"city":"Oslo"}'),
    ToolCall("call_2", "get_time", '{"city":"Rome"}'),
)
KEYS = 'region = "us-east-1"\naccess_key_id = "env::AK"\nsecret_access_key = "env::SK"\n'
GCP = 'project_id = "my-project"\ncredential_location = "dynamic::token"\n'
OWN = {
    "openai": 'model_name = "gpt-4o-mini"',
    "openai_responses": 'model_name = "gpt-5-mini"\napi_type = "responses"',
    "azure": 'deployment_id = "gpt4omini"\nendpoint = "https://my-res.openai.azure.com"',
    "vllm": 'model_name = "qwen"\napi_base = "http://localhost:8000/v1/"',
    "sglang": 'model_name = "qwen"\napi_base = "http://localhost:30000/v1"',
    "tgi": 'api_base = "http://localhost:8080/v1/"',
    "anthropic": 'model_name = "claude-sonnet-4-5"',
    "gcp_vertex_anthropic": f'model_id = "claude-sonnet-4-5@20250929"\nlocation = "us-east5"\n{GCP}',
    "gcp_vertex_gemini": f'model_id = "gemini-2.5-flash"\nlocation = "us-central1"\n{GCP}',
    "google_ai_studio_gemini": 'model_name = "gemini-2.5-flash"',
    "aws_bedrock": f'model_id = "us.anthropic.claude-haiku-4-5-20251001-v1:0"\n{KEYS}',
    "aws_sagemaker": f'endpoint_name = "my-ep"\nmodel_name = "m"\nhosted_provider = "openai"\n{KEYS}',
}
ENVIRON = {"AK": "AKIDEXAMPLE", "SK": "hush-hush"}


def _toml(name: str) -> str:
    kind = "openai" if name == "openai_responses" else name
    own = OWN.get(name, 'model_name = "m"')
    key = "" if "location" in own or name in AWS else '\napi_key_location = "dynamic::token"'
    limits = "timeouts = { non_streaming.total_ms = 60000, streaming.ttft_ms = 60000 }"
    return f'[models.m]\nrouting = ["p"]\n[models.m.providers.p]\ntype = "{kind}"\n{own}{key}\n{limits}\n'


def _blocks(name: str, stream: bool) -> Sequence[Text | Thought | ToolCall]:
    return BLOCKS[:2] if name == "tgi" and stream else BLOCKS


async def _ask(gateway: RunningGateway, **fields: Any) -> Any:
    return await gateway.infer(
        model_name="m",
        credentials={"token": "sk-secret"},
        params={"chat_completion": {"max_tokens": 5}},
        extra_body=[{"pointer": "/mark", "value": 1}],
        extra_headers=[{"name": "x-mine", "value": "yes"}],
        **fields,
    )


def _head(gateway: RunningGateway) -> tuple[str, dict[str, str], bytes]:
    """Return target, headers and body of the request that reached the service."""
    (request,) = gateway.network.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}
    method, target, _ = first.split(" ")
    assert method == "POST"
    return target, headers, body


def _check_request(name: str, gateway: RunningGateway, stream: bool) -> None:
    target, headers, body = _head(gateway)
    url = gateway.network.dialled[0][0].replace(":443", "").replace("http://localhost:80/", "") + target
    expected = read(name, "url.txt")
    if stream and name in STREAM_METHODS:
        expected = expected.replace(*STREAM_METHODS[name])
    assert url == expected
    assert json.loads(body)["mark"] == 1 and headers["x-mine"] == "yes"
    if name in AWS:
        _check_signature(name, url, headers, body)
    else:
        assert sum("sk-secret" in value for value in headers.values()) == 1


def _check_signature(name: str, url: str, headers: dict[str, str], body: bytes) -> None:
    """Let botocore verify the signature over the very bytes that were sent."""
    authorization = headers["authorization"]
    signed = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"content-type", "host", "x-amz-date", "x-mine"} <= set(signed)
    request = AWSRequest("POST", url, {key: headers[key] for key in signed}, body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(ENVIRON["AK"], ENVIRON["SK"]), name.removeprefix("aws_"), "us-east-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert authorization.endswith(f"Signature={signer.signature(text, request)}")


def _check_row(name: str, gateway: RunningGateway, usage: dict[str, Any]) -> None:
    (row,) = gateway.model_rows
    assert json.loads(row["raw_request"]) == json.loads(_head(gateway)[2])
    assert (row["input_tokens"], row["output_tokens"]) == (123, 40)
    assert usage["input_tokens"] == 123 and usage["output_tokens"] == 40
    cached = usage.get("provider_cache_read_input_tokens")
    assert cached == (None if name == "tgi" else 20)
    rows = b"".join(line for _, line in gateway.sink.rows)  # type: ignore[attr-defined]
    assert b"sk-secret" not in rows and b"hush-hush" not in rows


def _said(name: str, content: Sequence[Any]) -> tuple[list[str], list[tuple[str, str]], int]:
    texts = [block["text"] for block in content if block["type"] == "text"]
    calls = [(block["raw_name"], block["raw_arguments"]) for block in content if block["type"] == "tool_call"]
    return texts, calls, sum(block["type"] == "thought" for block in content)


@pytest.mark.parametrize("name", SERVICES)
async def test_whole_answer(start: StartGateway, name: str) -> None:
    """The service gets its request at its place; the client gets text, calls, reasoning; rows are right."""
    usage = counts(name)
    if name == "fireworks":
        script = http_answer(answer(name, BLOCKS, usage), headers={"fireworks-cached-prompt-tokens": "20"})
    else:
        script = http_answer(answer(name, BLOCKS, usage))
    gateway = await start(_toml(name), [script], environ=ENVIRON)
    reply = await _ask(gateway)
    assert reply.status == 200, reply.body
    _check_request(name, gateway, stream=False)
    texts, calls, thoughts = _said(name, reply.json()["content"])
    assert texts == ["Checking."]
    assert calls == [("get_weather", '{"city":"Oslo"}'), ("get_time", '{"city":"Rome"}')]
    assert thoughts == (0 if name in ("tgi", "hyperbolic") else 1)
    _check_row(name, gateway, reply.json()["usage"])
    assert gateway.model_rows[0]["raw_response"] == answer(name, BLOCKS, usage).decode()


def _stream(name: str) -> list[bytes]:
    events = pieces(name, _blocks(name, True), counts(name))
    plain = [event for event in events if isinstance(event, bytes)]
    if name not in AWS:
        return event_stream(plain)
    if name == "aws_bedrock":
        frames = [
            frame(event[0], message_type="event", event_type=event[1])
            for event in events
            if not isinstance(event, bytes)
        ]
    else:
        inner = b"".join(b"data: " + event + b"\n\n" for event in plain)
        frames = [
            frame(inner[at : at + 99], message_type="event", event_type="PayloadPart")
            for at in range(0, len(inner), 99)
        ]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(data), data) for data in frames]
    return [head + b"transfer-encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n"]


@pytest.mark.parametrize("name", SERVICES)
async def test_streamed_answer(start: StartGateway, name: str) -> None:
    """Streamed, it is the same request at the service's place for streams, and the same answer."""
    gateway = await start(_toml(name), [_stream(name)], environ=ENVIRON)
    reply = await _ask(gateway, stream=True)
    assert reply.status == 200, reply.body
    _check_request(name, gateway, stream=True)
    events = reply.events()
    assert events.pop() == "data: [DONE]"
    assert not [event for event in events if "error" in event]
    content = [block for event in events for block in event["content"]]
    text = "".join(block["text"] for block in content if block["type"] == "text")
    assert text == "Checking."
    arguments: dict[str, str] = {}
    for block in content:
        if block["type"] == "tool_call":
            arguments[block["id"]] = arguments.get(block["id"], "") + block["raw_arguments"]
    calls = [] if name == "tgi" else ['{"city":"Oslo"}', '{"city":"Rome"}']
    assert list(arguments.values()) == calls
    _check_row(name, gateway, events[-1]["usage"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [401, 429, 500])
@pytest.mark.parametrize("name", SERVICES)
async def test_refusal(start: StartGateway, name: str, status: int, stream: bool) -> None:
    """What the service refuses is told in its words, with the provider's name; no key is in it."""
    body = b'{"error":{"message":"no such thing"}}'
    gateway = await start(_toml(name), [http_answer(body, status=status)], environ=ENVIRON)
    reply = await _ask(gateway, stream=stream)
    assert reply.status == 502
    assert "All model providers failed to infer with errors: p: " in reply.error
    plain = stream and name in ("together", "fireworks", "sglang")
    assert (body.decode() in reply.error) is not plain
    assert b"sk-secret" not in reply.body and b"hush-hush" not in reply.body
    assert gateway.model_rows == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", SERVICES)
async def test_malformed_answer(start: StartGateway, name: str, stream: bool) -> None:
    """An answer that cannot be read is a failure that names the provider, or an error in the stream."""
    script = event_stream([b"nonsense"]) if stream else http_answer(b"nonsense")
    gateway = await start(_toml(name), [script], environ=ENVIRON)
    reply = await _ask(gateway, stream=stream)
    if stream and reply.status == 200:
        assert any("error" in event for event in reply.events() if isinstance(event, dict))
        return
    assert reply.status == 502
    assert "All model providers failed to infer with errors: p: " in reply.error


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", SERVICES)
async def test_timeout(start: StartGateway, name: str, stream: bool) -> None:
    """A service that does not answer in time is given up, plain and streamed."""
    gateway = await start(_toml(name), [[]], environ=ENVIRON)
    reply = await _ask(gateway, stream=stream)
    assert reply.status == 502
    key = "streaming.ttft_ms" if stream else "non_streaming.total_ms"
    assert reply.error.endswith(f"p: Model provider p timed out due to configured `{key}` timeout (60s)")
    (connection,) = gateway.network.connections
    assert connection.is_closed


def test_every_service_is_there() -> None:
    """The gateway is configured for each."""
    assert {*FIELDS, *MESSAGES, *GEMINI, "openai_responses", "aws_bedrock"} == set(SERVICES)
