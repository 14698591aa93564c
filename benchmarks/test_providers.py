"""Microseconds of the provider protocols: a request out, an answer in, an event in."""

from __future__ import annotations

import json
from typing import cast
from zlib import crc32

import msgspec
import pytest
from msgspec import Raw
from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.config.credentials import AwsKeysCredential, Credential, DynamicCredential, StaticCredential
from tzproxy.config.locations import LiteralLocation
from tzproxy.config.providers import (
    AnthropicProviderConfig,
    AwsBedrockProviderConfig,
    BaseProviderConfig,
    GcpVertexGeminiProviderConfig,
    OpenAIProviderConfig,
)
from tzproxy.config.secret import Secret
from tzproxy.providers.chat_completions.build import build_chat_provider
from tzproxy.providers.chat_completions.provider import ChatProvider
from tzproxy.providers.protocol import FramedProvider, Provider, SigningProvider
from tzproxy.providers.registry import build_provider
from tzproxy.types.content import Message, Text
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import AllowedTools, FunctionTool, ToolConfig

_TOOLS = ToolConfig(
    tools=[
        FunctionTool(
            "Current weather for a city",
            Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'),
            f"get_weather_{number}",
        )
        for number in range(4)
    ],
    allowed=AllowedTools([f"get_weather_{number}" for number in range(4)], "function_default"),
)
_PLAIN = ModelRequest(
    inference_id="0197a2f0-0000-7000-8000-000000000001",
    system="Be brief.",
    messages=[Message("user", [Text("Weather in Oslo? " * 20)])],
    params=ChatParams(temperature=0.5, max_tokens=200),
)
_ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"gpt-4o-mini-2024-07-18",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"' + b"x" * 1000 + b'","refusal":null,'
    b'"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":61,'
    b'"completion_tokens":220,"total_tokens":281,"prompt_tokens_details":{"cached_tokens":32,"audio_tokens":0},'
    b'"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default"}'
)
_EVENT = (
    b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"gpt-4o-mini-2024-07-18",'
    b'"choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}'
)


class _Headers:
    def get(self, name: str) -> str | None:
        return None


@pytest.fixture
def provider() -> ChatProvider:
    """An OpenAI provider with a static key."""
    return build_chat_provider(
        OpenAIProviderConfig(model_name="gpt-4o-mini"), StaticCredential(Secret("sk-test"))
    )


def test_build_plain(benchmark: BenchmarkFixture, provider: ChatProvider) -> None:
    """One system text, one question, two parameters. Budget: 5 us."""
    wire = benchmark(provider.build_request, _PLAIN, {})
    assert b'"max_completion_tokens":200' in wire.body


def test_build_without_params(benchmark: BenchmarkFixture, provider: ChatProvider) -> None:
    """The same without the parameters. Budget: 2 us."""
    request = msgspec.structs.replace(_PLAIN, params=ChatParams())
    wire = benchmark(provider.build_request, request, {})
    assert wire.body.endswith(b'],"model":"gpt-4o-mini","stream":false}')


def test_build_tools(benchmark: BenchmarkFixture, provider: ChatProvider) -> None:
    """The same with four configured tools."""
    request = msgspec.structs.replace(_PLAIN, tool_config=_TOOLS)
    wire = benchmark(provider.build_request, request, {})
    assert b"get_weather_3" in wire.body


def test_parse_plain(benchmark: BenchmarkFixture, provider: ChatProvider) -> None:
    """An answer of 1 kB of text. Budget: 4 us."""
    response = benchmark(provider.parse_response, _ANSWER, _Headers(), _PLAIN)
    assert response.usage.input_tokens == 61


def test_feed_text(benchmark: BenchmarkFixture, provider: ChatProvider) -> None:
    """One event with a word of text."""
    parser = provider.stream_parser(_PLAIN)
    chunk = benchmark(parser.feed, _EVENT)
    assert chunk is not None and len(chunk.content) == 1


# ---- other protocols

_KEY = StaticCredential(Secret("sk-test"))
_OTHERS: dict[str, tuple[BaseProviderConfig, Credential]] = {
    "responses": (OpenAIProviderConfig(model_name="gpt-5-mini", api_type="responses"), _KEY),
    "anthropic": (AnthropicProviderConfig(model_name="claude-sonnet-4-5"), _KEY),
    "gemini": (
        GcpVertexGeminiProviderConfig(model_id="gemini-2.5-flash", location="global", project_id="p"),
        DynamicCredential("token"),
    ),
    "bedrock": (
        AwsBedrockProviderConfig(model_id="us.amazon.nova-lite-v1:0", region=LiteralLocation("us-east-1")),
        AwsKeysCredential(access_key_id=_KEY, secret_access_key=_KEY, session_token=None),
    ),
}
_TOKEN = {"token": "t"}
_TEXT = "x" * 1000
_ANSWERS = {
    "responses": {
        "id": "resp_1",
        "status": "completed",
        "incomplete_details": None,
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "content": [{"type": "output_text", "text": _TEXT, "annotations": []}],
            }
        ],
        "usage": {"input_tokens": 61, "output_tokens": 220, "input_tokens_details": {"cached_tokens": 0}},
    },
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": _TEXT}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 61, "output_tokens": 220},
    },
    "gemini": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": _TEXT}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 61, "candidatesTokenCount": 220},
    },
    "bedrock": {
        "output": {"message": {"role": "assistant", "content": [{"text": _TEXT}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 61, "outputTokens": 220},
    },
}
_EVENTS = {
    "responses": (
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": " word"},
        "",
    ),
    "anthropic": (
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " word"}},
        "",
    ),
    "gemini": ({"candidates": [{"content": {"role": "model", "parts": [{"text": " word"}]}}]}, ""),
    "bedrock": ({"contentBlockIndex": 0, "delta": {"text": " word"}, "p": "abcd"}, "contentBlockDelta"),
}


def _other(name: str) -> Provider:
    return cast(Provider, build_provider(*_OTHERS[name]))


@pytest.mark.parametrize("name", _OTHERS)
def test_build_other(benchmark: BenchmarkFixture, name: str) -> None:
    """The plain request in other protocols. Budget: 8 us."""
    wire = benchmark(_other(name).build_request, _PLAIN, _TOKEN)
    assert b"Be brief." in wire.body


@pytest.mark.parametrize("name", _OTHERS)
def test_parse_other(benchmark: BenchmarkFixture, name: str) -> None:
    """The answer of 1 kB in other protocols. Budget: 6 us."""
    body = json.dumps(_ANSWERS[name]).encode()
    response = benchmark(_other(name).parse_response, body, _Headers(), _PLAIN)
    assert response.usage.input_tokens == 61


@pytest.mark.parametrize("name", _OTHERS)
def test_feed_other(benchmark: BenchmarkFixture, name: str) -> None:
    """One event with a word of text in other protocols."""
    event, kind = _EVENTS[name]
    parser = _other(name).stream_parser(_PLAIN)
    chunk = benchmark(parser.feed, json.dumps(event).encode(), kind)
    assert chunk is not None and len(chunk.content) == 1


def test_sign(benchmark: BenchmarkFixture) -> None:
    """A signature for Bedrock. Budget: 40 us."""
    provider = cast(SigningProvider, _other("bedrock"))
    wire = provider.build_request(_PLAIN, {})
    signed = benchmark(provider.sign, wire, {})
    assert "Signature=" in dict(signed.headers.pairs)["authorization"]


def test_cut_frame(benchmark: BenchmarkFixture) -> None:
    """One frame of Bedrock's event stream."""
    event, kind = _EVENTS["bedrock"]
    head = b""
    for name, value in (
        (":message-type", "event"),
        (":event-type", kind),
        (":content-type", "application/json"),
    ):
        head += bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
    payload = json.dumps(event).encode()
    prelude = (16 + len(head) + len(payload)).to_bytes(4, "big") + len(head).to_bytes(4, "big")
    frame = prelude + crc32(prelude).to_bytes(4, "big") + head + payload
    frame += crc32(frame).to_bytes(4, "big")
    cutter = cast(FramedProvider, _other("bedrock")).stream_cutter()
    events = benchmark(cutter.feed, frame)
    assert [found.event for found in events] == [kind]
