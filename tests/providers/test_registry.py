from __future__ import annotations

from typing import Any, get_args

import pytest

from tzproxy.config import providers as configs
from tzproxy.config.credentials import Credential, DynamicCredential, NoCredential, SdkCredential
from tzproxy.config.locations import LiteralLocation
from tzproxy.config.shorthand import shorthand_model
from tzproxy.errors import NotSupportedError
from tzproxy.providers.anthropic.provider import MessagesProvider
from tzproxy.providers.bedrock.provider import BedrockProvider
from tzproxy.providers.chat_completions.provider import ChatProvider
from tzproxy.providers.dummy.provider import DummyProvider
from tzproxy.providers.gemini.provider import GeminiProvider
from tzproxy.providers.registry import build_provider, is_supported, type_name
from tzproxy.providers.responses.provider import ResponsesProvider
from tzproxy.providers.sagemaker.provider import SagemakerProvider

from .samples import CONFIGS, KEY, NAMES, ask

GCP: dict[str, Any] = {"location": "global", "project_id": "p"}
REGION = LiteralLocation("us-east-1")
OTHERS = [
    (configs.AnthropicProviderConfig(model_name="m"), KEY, MessagesProvider),
    (
        configs.GcpVertexAnthropicProviderConfig(model_id="m", **GCP),
        DynamicCredential("k"),
        MessagesProvider,
    ),
    (configs.GoogleAIStudioGeminiProviderConfig(model_name="m"), KEY, GeminiProvider),
    (configs.GcpVertexGeminiProviderConfig(model_id="m", **GCP), DynamicCredential("k"), GeminiProvider),
    (configs.AwsBedrockProviderConfig(model_id="m", region=REGION), SdkCredential(), BedrockProvider),
    (
        configs.AwsSagemakerProviderConfig(
            endpoint_name="e", model_name="m", hosted_provider="tgi", region=REGION
        ),
        SdkCredential(),
        SagemakerProvider,
    ),
    (configs.DummyProviderConfig(model_name="good"), NoCredential(), DummyProvider),
]
RESPONSES = configs.OpenAIProviderConfig(model_name="m", api_type="responses")


def test_every_type_is_built() -> None:
    """Whatever can be configured can be called."""
    configured = {type(config) for config, *_ in OTHERS} | {type(CONFIGS[name]) for name in NAMES}
    assert configured == set(get_args(configs.ProviderConfig))


@pytest.mark.parametrize("name", NAMES)
def test_chat_types(name: str) -> None:
    """Each chat-completions type becomes a provider that knows its own facts."""
    provider = build_provider(CONFIGS[name], KEY)
    assert isinstance(provider, ChatProvider)
    assert provider.spec.type == name
    assert is_supported(CONFIGS[name])


@pytest.mark.parametrize(("config", "credential", "kind"), OTHERS)
def test_other_types(config: configs.BaseProviderConfig, credential: Credential, kind: type[object]) -> None:
    """Each other type becomes a provider of its protocol under its own name."""
    provider = build_provider(config, credential)
    assert type(provider) is kind
    assert provider.spec.type == configs.provider_type(config) == type_name(config)
    assert is_supported(config)


def test_responses() -> None:
    """OpenAI's other API is another provider under the same type."""
    provider = build_provider(RESPONSES, KEY)
    assert isinstance(provider, ResponsesProvider)
    assert (provider.spec.type, provider.spec.api_type) == ("openai", "responses")
    assert is_supported(RESPONSES)
    assert type_name(RESPONSES) == "openai (api_type = responses)"


def test_unknown_type() -> None:
    """A table of no known type is refused."""

    class _Config(configs.BaseProviderConfig, frozen=True, kw_only=True, tag="new"):
        """No one's type."""

    config = _Config()
    assert not is_supported(config)
    with pytest.raises(NotSupportedError, match="The provider type `new` is not supported"):
        build_provider(config, KEY)


def test_shorthand() -> None:
    """A shorthand name gives a provider like any other."""
    config = shorthand_model("groq::llama")
    assert config is not None
    wire = build_provider(config, KEY)
    assert isinstance(wire, ChatProvider)
    assert b'"model":"llama"' in wire.build_request(ask(), {}).body
