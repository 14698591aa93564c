"""Configured providers, requests and answer headers for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from hypothesis import settings

from tzproxy.config import providers as configs
from tzproxy.config.credentials import (
    Credential,
    DynamicCredential,
    NoCredential,
    SdkCredential,
    StaticCredential,
)
from tzproxy.config.locations import LiteralLocation
from tzproxy.config.secret import Secret
from tzproxy.providers.chat_completions.build import build_chat_provider
from tzproxy.providers.chat_completions.provider import ChatProvider
from tzproxy.types.content import Message, ModelBlock, Text
from tzproxy.types.model import ModelRequest

CONFIGS: Mapping[str, configs.BaseProviderConfig] = {
    "openai": configs.OpenAIProviderConfig(model_name="gpt-4o-mini"),
    "vllm": configs.VllmProviderConfig(model_name="m", api_base="http://localhost:8000/v1/"),
    "together": configs.TogetherProviderConfig(model_name="m"),
    "fireworks": configs.FireworksProviderConfig(model_name="m"),
    "deepseek": configs.DeepSeekProviderConfig(model_name="deepseek-chat"),
    "xai": configs.XAIProviderConfig(model_name="m"),
    "hyperbolic": configs.HyperbolicProviderConfig(model_name="m"),
    "sglang": configs.SGLangProviderConfig(model_name="m", api_base="http://localhost:30000/v1/"),
    "groq": configs.GroqProviderConfig(model_name="m"),
    "openrouter": configs.OpenRouterProviderConfig(model_name="m"),
    "tgi": configs.TGIProviderConfig(api_base="http://localhost:8080/v1/"),
    "azure": configs.AzureProviderConfig(
        deployment_id="m", endpoint=LiteralLocation("https://res.openai.azure.com")
    ),
    "mistral": configs.MistralProviderConfig(model_name="m"),
}
NAMES = tuple(CONFIGS)
PLAIN_NAMES = tuple(name for name in NAMES if name != "mistral")
"""Those whose answers have a text and no list of chunks."""
PROPERTY = settings(deadline=None, derandomize=True, max_examples=80)
"""For tests by random input: the same input every time, however slow the machine."""
KEY = StaticCredential(Secret("sk-test"))

_GCP: dict[str, Any] = {"location": "global", "project_id": "p"}
_REGION = LiteralLocation("us-east-1")
OTHERS: Mapping[str, tuple[configs.BaseProviderConfig, Credential]] = {
    "openai (api_type = responses)": (
        configs.OpenAIProviderConfig(model_name="m", api_type="responses"),
        KEY,
    ),
    "anthropic": (configs.AnthropicProviderConfig(model_name="claude-sonnet-4-5"), KEY),
    "gcp_vertex_anthropic": (
        configs.GcpVertexAnthropicProviderConfig(model_id="claude-sonnet-4-5@1", **_GCP),
        DynamicCredential("token"),
    ),
    "google_ai_studio_gemini": (configs.GoogleAIStudioGeminiProviderConfig(model_name="m"), KEY),
    "gcp_vertex_gemini": (
        configs.GcpVertexGeminiProviderConfig(model_id="m", **_GCP),
        DynamicCredential("token"),
    ),
    "aws_bedrock": (configs.AwsBedrockProviderConfig(model_id="claude", region=_REGION), KEY),
    "aws_sagemaker": (
        configs.AwsSagemakerProviderConfig(
            endpoint_name="e", model_name="m", hosted_provider="tgi", region=_REGION
        ),
        SdkCredential(),
    ),
    "dummy": (configs.DummyProviderConfig(model_name="good"), NoCredential()),
}
"""Those of other protocols, with a credential that they take."""


class AnswerHeaders:
    """Answer headers from a plain mapping with lower-case names."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = values or {}

    def get(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return self._values.get(name.lower())


NO_HEADERS = AnswerHeaders()


def chat(name: str, credential: Credential = KEY, **changes: Any) -> ChatProvider:
    """Build a provider, its configuration perhaps changed."""
    return build_chat_provider(msgspec.structs.replace(CONFIGS[name], **changes), credential)


def ask(*messages: Message, **fields: Any) -> ModelRequest:
    """Make a request; without messages it says hello."""
    return ModelRequest(inference_id="i", messages=list(messages) or [user(Text("Hi"))], **fields)


def user(*blocks: ModelBlock) -> Message:
    """Make a user's turn."""
    return Message("user", list(blocks))


def assistant(*blocks: ModelBlock) -> Message:
    """Make a model's turn."""
    return Message("assistant", list(blocks))


def body_of(provider: ChatProvider, request: ModelRequest) -> Any:
    """Return the body of the provider's request, decoded."""
    return json.loads(provider.build_request(request, {}).body)


def messages_of(name: str, messages: Sequence[Message], **fields: Any) -> Any:
    """Return the messages that a provider makes of a conversation, decoded."""
    return body_of(chat(name), ask(*messages, **fields))["messages"]


def answer(message: Any = None, **changes: Any) -> bytes:
    """Write an answer; fields given as `...` are left out."""
    changes["message"] = message or {"content": "Hi"}
    choice: dict[str, Any] = {"index": 0, "message": None, "finish_reason": "stop"}
    fields: dict[str, Any] = {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    for key, value in changes.items():
        target = choice if key in ("index", "message", "finish_reason") else fields
        if value is ...:
            del target[key]
        else:
            target[key] = value
    return json.dumps(fields).encode()


def event(delta: Mapping[str, object] | None = None, **changes: Any) -> bytes:
    """Write a stream event."""
    fields: dict[str, Any] = {
        "choices": [{"index": 0, "delta": delta or {}, "finish_reason": changes.pop("finish_reason", None)}]
    }
    return json.dumps({**fields, **changes}).encode()
