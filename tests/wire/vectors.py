"""The conversations behind the wire vectors, configured providers, and results as text."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast
from zlib import crc32

import msgspec
from msgspec import Raw

from tzproxy.config import providers as configs
from tzproxy.config.credentials import AwsKeysCredential, Credential, DynamicCredential, StaticCredential
from tzproxy.config.locations import LiteralLocation
from tzproxy.config.secret import Secret
from tzproxy.providers.protocol import FramedProvider, Provider, WireEvent
from tzproxy.providers.registry import build_provider
from tzproxy.types.content import (
    Chunk,
    Message,
    ModelOutput,
    Text,
    TextChunk,
    Thought,
    ToolCall,
    ToolCallChunk,
    ToolResult,
    UnknownChunk,
)
from tzproxy.types.model import ModelRequest, ProviderChunk, ProviderResponse
from tzproxy.types.params import ChatParams, widen_float32
from tzproxy.types.tools import AllowedTools, FunctionTool, ToolConfig
from tzproxy.types.usage import Usage, largest

FOLDER = Path(__file__).parent
LOCAL = "http://localhost:8000/v1/"

CONFIGS: Mapping[str, configs.BaseProviderConfig] = {
    "openai": configs.OpenAIProviderConfig(model_name="gpt-4o-mini"),
    "vllm": configs.VllmProviderConfig(model_name="qwen", api_base=LOCAL),
    "together": configs.TogetherProviderConfig(model_name="deepseek-ai/DeepSeek-R1"),
    "fireworks": configs.FireworksProviderConfig(model_name="accounts/fireworks/models/qwen3-8b"),
    "deepseek": configs.DeepSeekProviderConfig(model_name="deepseek-chat"),
    "xai": configs.XAIProviderConfig(model_name="grok-4"),
    "hyperbolic": configs.HyperbolicProviderConfig(model_name="meta-llama/Meta-Llama-3.1-8B-Instruct"),
    "sglang": configs.SGLangProviderConfig(model_name="qwen", api_base="http://localhost:30000/v1"),
    "groq": configs.GroqProviderConfig(model_name="qwen/qwen3-32b", reasoning_format="parsed"),
    "openrouter": configs.OpenRouterProviderConfig(model_name="openai/gpt-4.1-mini"),
    "tgi": configs.TGIProviderConfig(api_base="http://localhost:8080/v1/"),
    "azure": configs.AzureProviderConfig(
        deployment_id="gpt4omini", endpoint=LiteralLocation("https://my-res.openai.azure.com")
    ),
    "mistral": configs.MistralProviderConfig(model_name="magistral-small-latest", prompt_mode="reasoning"),
    "openai_responses": configs.OpenAIProviderConfig(
        model_name="gpt-5-mini",
        api_type="responses",
        include_encrypted_reasoning=True,
        provider_tools=({"type": "web_search"},),
    ),
    "anthropic": configs.AnthropicProviderConfig(model_name="claude-sonnet-4-5"),
    "gcp_vertex_anthropic": configs.GcpVertexAnthropicProviderConfig(
        model_id="claude-sonnet-4-5@20250929", location="us-east5", project_id="my-project"
    ),
    "gcp_vertex_gemini": configs.GcpVertexGeminiProviderConfig(
        model_id="gemini-2.5-flash", location="us-central1", project_id="my-project"
    ),
    "aws_bedrock": configs.AwsBedrockProviderConfig(
        model_id="us.anthropic.claude-haiku-4-5-20251001-v1:0", region=LiteralLocation("us-east-1")
    ),
    "aws_sagemaker": configs.AwsSagemakerProviderConfig(
        endpoint_name="my-ep",
        model_name="gemma3:1b",
        hosted_provider="openai",
        region=LiteralLocation("us-east-1"),
    ),
    "google_ai_studio_gemini": configs.GoogleAIStudioGeminiProviderConfig(model_name="gemini-2.5-flash"),
}
ANSWER_HEADERS: Mapping[str, Mapping[str, str]] = {
    "openai": {"x-request-id": "req_abc"},
    "fireworks": {"fireworks-cached-prompt-tokens": "16"},
}


CREDENTIALS: Mapping[str, str] = {"token": "sk-test"}


class AnswerHeaders:
    """Answer headers from a plain mapping with lower-case names."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = values or {}

    def get(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return self._values.get(name.lower())


NO_ANSWER_HEADERS = AnswerHeaders()


def provider(name: str, **changes: object) -> Provider:
    """Build the provider of a vector, its configuration perhaps changed."""
    config = msgspec.structs.replace(CONFIGS[name], **changes)
    built = build_provider(config, _credential(config))
    return built  # type: ignore[return-value]


def _credential(config: configs.BaseProviderConfig) -> Credential:
    key = StaticCredential(Secret("sk-test"))
    if isinstance(config, configs.GcpProviderConfig):
        return DynamicCredential("token")
    if isinstance(config, configs.AwsSagemakerProviderConfig):
        return AwsKeysCredential(access_key_id=key, secret_access_key=key, session_token=None)
    return key


def read(name: str, file: str) -> str:
    """Return a vector file's text without its last line break."""
    return (FOLDER / name / file).read_text().rstrip("\n")


def events(text: str) -> list[bytes]:
    """Return the data of the events in a stream file."""
    return [line.removeprefix("data: ").encode() for line in text.splitlines() if line.startswith("data: ")]


def frame(payload: bytes, **headers: str) -> bytes:
    """Write a frame of AWS's event stream with text headers; `_` in their names stands for `-`."""
    head = b""
    for name, value in headers.items():
        key = f":{name.replace('_', '-')}".encode()
        head += bytes([len(key)]) + key + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
    total = 16 + len(head) + len(payload)
    prelude = total.to_bytes(4, "big") + len(head).to_bytes(4, "big")
    message = prelude + crc32(prelude).to_bytes(4, "big") + head + payload
    return message + crc32(message).to_bytes(4, "big")


def frames(text: str) -> bytes:
    """Return the bytes of a frames file: a line for each, its event and its payload, as it is or quoted."""
    data = b""
    for line in text.splitlines():
        head, _, payload = line.partition("  ")
        if payload.startswith("payload="):
            payload = json.loads(payload.removeprefix("payload="))
        data += frame(payload.encode(), message_type="event", event_type=head.removeprefix(":event-type="))
    return data


WEATHER_TOOL = FunctionTool(
    "Current weather for a city",
    Raw(
        b'{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], '
        b'"additionalProperties": false}'
    ),
    "get_weather",
    True,
)
WEATHER_TOOLS = ToolConfig(
    tools=[WEATHER_TOOL], allowed=AllowedTools(["get_weather"], "function_default"), tool_choice="auto"
)


def single_turn(**changes: object) -> ModelRequest:
    """Return the request behind `request.json`."""
    request = ModelRequest(
        inference_id="0197a2f0-0000-7000-8000-000000000001",
        system="Be brief.",
        messages=[Message("user", [Text("Weather in Oslo?")])],
        params=ChatParams(temperature=widen_float32(0.2), max_tokens=200),
        tool_config=WEATHER_TOOLS,
    )
    return msgspec.structs.replace(request, **changes)


def multi_turn() -> ModelRequest:
    """Return the request behind `v2_messages.json`."""
    return ModelRequest(
        inference_id="0197a2f0-0000-7000-8000-000000000002",
        messages=[
            Message("user", [Text("Weather in Oslo and Bergen?")]),
            Message(
                "assistant",
                [
                    Thought("need tools"),
                    Text("Checking."),
                    ToolCall("call_1", "get_weather", '{"city":"Oslo"}'),
                    ToolCall("call_2", "get_weather", '{"city":"Bergen"}'),
                ],
            ),
            Message(
                "user",
                [
                    ToolResult("get_weather", "5C", "call_1"),
                    ToolResult("get_weather", "7C", "call_2"),
                    Text("Summarise."),
                ],
            ),
        ],
    )


# ---- results as text


def is_uuid7(text: str) -> bool:
    """Tell whether an id is one that the gateway made."""
    try:
        return uuid.UUID(text).version == 7
    except ValueError:
        return False


def _usage_line(usage: Usage, finish_reason: str | None) -> str:
    line = f"usage in {usage.input_tokens}, out {usage.output_tokens}"
    if usage.provider_cache_read_input_tokens is not None:
        line += f", cache_read {usage.provider_cache_read_input_tokens}"
    if usage.provider_cache_write_input_tokens is not None:
        line += f", cache_write {usage.provider_cache_write_input_tokens}"
    return f"{line} | finish {finish_reason}"


def _block(block: ModelOutput) -> str:
    if isinstance(block, Text):
        return f'text "{block.text}"'
    if isinstance(block, ToolCall):
        call_id = "<uuid7>" if is_uuid7(block.id) else block.id
        return f"tool_call id={call_id} name={block.name} args={block.arguments}"
    assert isinstance(block, Thought)
    words = ["thought"]
    if block.text is not None:
        words.append(f'text="{block.text}"')
    if block.signature is not None:
        words.append(f"signature={block.signature}")
    if block.summary is not None:
        words.append(f"summary={[summary.text for summary in block.summary]}")
    return " ".join([*words, f"provider_type={block.provider_type}"])


def written_response(response: ProviderResponse) -> str:
    """Write a response in the notation of `result.txt`."""
    lines = [_block(block) for block in response.output]
    return "\n".join([*lines, _usage_line(response.usage, response.finish_reason)])


def _piece(chunk: Chunk) -> str:
    if isinstance(chunk, TextChunk):
        return f'text#{chunk.id} "{chunk.text}"'
    if isinstance(chunk, ToolCallChunk):
        name = f" name={chunk.raw_name}" if chunk.raw_name else ""
        return f"tool#{chunk.id}{name} args={json.dumps(chunk.raw_arguments)}"
    if isinstance(chunk, UnknownChunk):
        return f"unknown#{chunk.id} {json.dumps(msgspec.json.decode(chunk.data))}"
    words = [f"thought#{chunk.id}"]
    if chunk.summary_id is not None:
        words.append(f'summary#{chunk.summary_id}="{chunk.summary_text}"')
    if chunk.text is not None:
        words.append(f'text="{chunk.text}"')
    if chunk.signature is not None:
        words.append(f'signature="{chunk.signature}"')
    return " ".join(words)


def written_stream(chunks: Iterable[ProviderChunk]) -> str:
    """Write a stream in the notation of `stream_result.txt`."""
    lines: list[str] = []
    usage: Usage | None = None
    finish_reason: str | None = None
    for chunk in chunks:
        if chunk.content:
            lines.append(" ; ".join(_piece(piece) for piece in chunk.content))
        if chunk.usage is not None:
            usage = largest(usage, chunk.usage)
        finish_reason = chunk.finish_reason or finish_reason
    assert usage is not None
    return "\n".join([*lines, f"(no content) | {_usage_line(usage, finish_reason)}"])


def fed(built: Provider, data: Iterable[bytes | WireEvent]) -> list[ProviderChunk]:
    """Feed events to a new stream parser until it is done, and return what it says."""
    parser = built.stream_parser(single_turn(stream=True), NO_ANSWER_HEADERS)
    chunks = []
    for event in data:
        chunk = parser.feed(event) if isinstance(event, bytes) else parser.feed(*event)
        if chunk is not None:
            chunks.append(chunk)
        if parser.done:
            break
    return chunks


def cut(built: Provider, pieces: Iterable[bytes]) -> list[WireEvent]:
    """Cut the bytes of a framed stream, as they come, into events."""
    cutter = cast(FramedProvider, built).stream_cutter()
    return [event for piece in pieces for event in cutter.feed(piece)]
