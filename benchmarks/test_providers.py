"""Microseconds of the chat-completions protocol: a request out, an answer in, an event in."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw
from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.config.credentials import StaticCredential
from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.config.secret import Secret
from tzproxy.providers.chat_completions.build import build_chat_provider
from tzproxy.providers.chat_completions.provider import ChatProvider
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
