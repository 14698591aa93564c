from __future__ import annotations

import pytest

from tzproxy.config import providers as configs
from tzproxy.config.credentials import NoCredential
from tzproxy.config.shorthand import shorthand_model
from tzproxy.errors import NotSupportedError
from tzproxy.providers.chat_completions.provider import ChatProvider
from tzproxy.providers.dummy.provider import DummyProvider
from tzproxy.providers.registry import UnsupportedProvider, build_provider, is_supported, type_name
from tzproxy.providers.responses.provider import ResponsesProvider

from .samples import CONFIGS, KEY, NAMES, NO_HEADERS, ask

UNBUILT = {
    "aws_sagemaker": configs.AwsSagemakerProviderConfig(
        endpoint_name="e", model_name="m", hosted_provider="openai"
    ),
}
RESPONSES = configs.OpenAIProviderConfig(model_name="m", api_type="responses")


@pytest.mark.parametrize("name", NAMES)
def test_built_types(name: str) -> None:
    """Each chat-completions type becomes a provider that knows its own facts."""
    provider = build_provider(CONFIGS[name], KEY)
    assert isinstance(provider, ChatProvider)
    assert provider.spec.type == name
    assert is_supported(CONFIGS[name])


def test_dummy() -> None:
    """The dummy is a provider without a wire."""
    config = configs.DummyProviderConfig(model_name="good")
    assert isinstance(build_provider(config, NoCredential()), DummyProvider)
    assert is_supported(config)


@pytest.mark.parametrize("name", UNBUILT)
def test_unbuilt_types_fail_when_called(name: str) -> None:
    """A type that is not built starts all the same and says so when it is called."""
    config = UNBUILT[name]
    assert not is_supported(config)
    provider = build_provider(config, KEY)
    assert isinstance(provider, UnsupportedProvider)
    assert type_name(config) == name
    for call in (
        lambda: provider.build_request(ask(), {}),
        lambda: provider.parse_response(b"", NO_HEADERS, ask()),
        lambda: provider.stream_parser(ask()),
    ):
        with pytest.raises(NotSupportedError) as raised:
            call()
        assert name in raised.value.message


def test_responses() -> None:
    """OpenAI's other API is another provider under the same type."""
    provider = build_provider(RESPONSES, KEY)
    assert isinstance(provider, ResponsesProvider)
    assert (provider.spec.type, provider.spec.api_type) == ("openai", "responses")
    assert is_supported(RESPONSES)
    assert type_name(RESPONSES) == "openai (api_type = responses)"


def test_shorthand() -> None:
    """A shorthand name gives a provider like any other."""
    config = shorthand_model("groq::llama")
    assert config is not None
    wire = build_provider(config, KEY)
    assert isinstance(wire, ChatProvider)
    assert b'"model":"llama"' in wire.build_request(ask(), {}).body
