"""From configuration to providers. Cold; knows every provider type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tzproxy.config.credentials import Credential
from tzproxy.config.providers import (
    AnthropicProviderConfig,
    AwsBedrockProviderConfig,
    AwsSagemakerProviderConfig,
    BaseProviderConfig,
    DummyProviderConfig,
    GcpVertexAnthropicProviderConfig,
    GcpVertexGeminiProviderConfig,
    GoogleAIStudioGeminiProviderConfig,
    OpenAIProviderConfig,
    provider_type,
)
from tzproxy.errors import NotSupportedError
from tzproxy.providers.anthropic.build import build_anthropic_provider, build_vertex_anthropic_provider
from tzproxy.providers.batches import BatchApi
from tzproxy.providers.bedrock.provider import build_bedrock_provider
from tzproxy.providers.chat_completions.build import BUILDERS as CHAT_BUILDERS
from tzproxy.providers.chat_completions.build import build_chat_provider, build_openai_batch
from tzproxy.providers.dummy.batch import DummyBatch
from tzproxy.providers.dummy.provider import DummyProvider
from tzproxy.providers.gemini.build import (
    build_ai_studio_provider,
    build_vertex_batch,
    build_vertex_gemini_provider,
)
from tzproxy.providers.protocol import LocalProvider, Provider
from tzproxy.providers.responses.provider import build_responses_provider
from tzproxy.providers.sagemaker.provider import build_sagemaker_provider
from tzproxy.providers.settings import ALONE, Surroundings

Builder = Callable[[Any, Credential, Surroundings], Provider | LocalProvider]


def _dummy(config: DummyProviderConfig, credential: Credential, surroundings: Surroundings) -> LocalProvider:
    return DummyProvider(config.model_name, credential)


def _openai(config: OpenAIProviderConfig, credential: Credential, surroundings: Surroundings) -> Provider:
    if _uses_responses(config):
        return build_responses_provider(config, credential)
    return build_chat_provider(config, credential, surroundings)


def _anthropic(
    config: AnthropicProviderConfig, credential: Credential, surroundings: Surroundings
) -> Provider:
    return build_anthropic_provider(config, credential)


def _ai_studio(
    config: GoogleAIStudioGeminiProviderConfig, credential: Credential, surroundings: Surroundings
) -> Provider:
    return build_ai_studio_provider(config, credential)


_BUILDERS: dict[type[BaseProviderConfig], Builder] = {
    **dict.fromkeys(CHAT_BUILDERS, build_chat_provider),
    AnthropicProviderConfig: _anthropic,
    AwsBedrockProviderConfig: build_bedrock_provider,
    AwsSagemakerProviderConfig: build_sagemaker_provider,
    DummyProviderConfig: _dummy,
    GcpVertexAnthropicProviderConfig: build_vertex_anthropic_provider,
    GcpVertexGeminiProviderConfig: build_vertex_gemini_provider,
    GoogleAIStudioGeminiProviderConfig: _ai_studio,
    OpenAIProviderConfig: _openai,
}


def _uses_responses(config: BaseProviderConfig) -> bool:
    return isinstance(config, OpenAIProviderConfig) and config.api_type == "responses"


def type_name(config: BaseProviderConfig) -> str:
    """Return how a configured provider's type is named in messages."""
    name = provider_type(config)
    return f"{name} (api_type = responses)" if _uses_responses(config) else name


def is_supported(config: BaseProviderConfig) -> bool:
    """Tell whether a configured provider can be used, so that the start can warn of those that cannot."""
    return type(config) in _BUILDERS


def build_provider(
    config: BaseProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> Provider | LocalProvider:
    """Make the provider for one `[models.M.providers.P]` or a shorthand model.

    Args:
        config: the provider's table.
        credential: what its credential location resolved to.
        surroundings: what it may use of the gateway.

    Raises:
        ValueError: when a configured URL cannot be called.
        ConfigError: when a setting or a credential cannot be used, or an extra is missing.
        NotSupportedError: for a type that is not built.
    """
    builder = _BUILDERS.get(type(config))
    if builder is None:
        raise NotSupportedError(f"The provider type `{type_name(config)}` is not supported by this version")
    return builder(config, credential, surroundings)


def build_batch_api(
    config: BaseProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> BatchApi | None:
    """Make the batch API beside a provider; None: the gateway knows none of this type.

    Args:
        config: the provider's table.
        credential: what its credential location resolved to.
        surroundings: what it may use of the gateway.

    Raises:
        ValueError: when a configured URL cannot be called.
        ConfigError: when a credential cannot be used.
    """
    match config:
        case OpenAIProviderConfig():
            return build_openai_batch(config, credential)
        case GcpVertexGeminiProviderConfig():
            return build_vertex_batch(config, credential, surroundings)
        case DummyProviderConfig():
            return DummyBatch(config.model_name)
    return None
