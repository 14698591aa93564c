from __future__ import annotations

from typing import get_args

import pytest

from tzproxy.config import providers as configs
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

from .samples import CONFIGS, KEY, NAMES, OTHERS, ask

CLASSES = {
    "anthropic": MessagesProvider,
    "gcp_vertex_anthropic": MessagesProvider,
    "google_ai_studio_gemini": GeminiProvider,
    "gcp_vertex_gemini": GeminiProvider,
    "aws_bedrock": BedrockProvider,
    "aws_sagemaker": SagemakerProvider,
    "dummy": DummyProvider,
    "openai (api_type = responses)": ResponsesProvider,
}


def test_every_type_is_built() -> None:
    """Whatever can be configured can be called."""
    configured = {type(config) for config, _ in OTHERS.values()} | {type(CONFIGS[name]) for name in NAMES}
    assert configured == set(get_args(configs.ProviderConfig))


@pytest.mark.parametrize("name", NAMES)
def test_chat_types(name: str) -> None:
    """Each chat-completions type becomes a provider that knows its own facts."""
    provider = build_provider(CONFIGS[name], KEY)
    assert isinstance(provider, ChatProvider)
    assert provider.spec.type == name
    assert is_supported(CONFIGS[name])


@pytest.mark.parametrize("name", OTHERS)
def test_other_types(name: str) -> None:
    """Each other type becomes a provider of its protocol under its own name; one type has two APIs."""
    config, credential = OTHERS[name]
    provider = build_provider(config, credential)
    assert type(provider) is CLASSES[name]
    assert provider.spec.type == configs.provider_type(config)
    assert type_name(config) == name
    assert provider.spec.api_type == ("responses" if "responses" in name else "chat_completions")
    assert is_supported(config)


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
