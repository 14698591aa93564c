"""From configuration to providers. Cold; knows every provider type, and which are built."""

from __future__ import annotations

from collections.abc import Mapping

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
from tzproxy.providers.anthropic.build import (
    build_anthropic_provider,
    build_vertex_anthropic_provider,
)
from tzproxy.providers.bedrock.provider import build_bedrock_provider
from tzproxy.providers.chat_completions.build import BUILDERS as CHAT_BUILDERS
from tzproxy.providers.chat_completions.build import build_chat_provider
from tzproxy.providers.dummy.provider import DummyProvider
from tzproxy.providers.gemini.build import build_ai_studio_provider, build_vertex_gemini_provider
from tzproxy.providers.protocol import (
    HeaderView,
    LocalProvider,
    Provider,
    ProviderSpec,
    StreamParser,
    WireRequest,
)
from tzproxy.providers.responses.provider import build_responses_provider
from tzproxy.providers.sagemaker.provider import build_sagemaker_provider
from tzproxy.providers.settings import ALONE, Surroundings
from tzproxy.types.model import ModelRequest, ProviderResponse

_OTHERS = (
    DummyProviderConfig,
    AnthropicProviderConfig,
    AwsBedrockProviderConfig,
    AwsSagemakerProviderConfig,
    GcpVertexAnthropicProviderConfig,
    GoogleAIStudioGeminiProviderConfig,
    GcpVertexGeminiProviderConfig,
)


class UnsupportedProvider:
    """Stands for a provider type that is not built: every call says so, the gateway starts all the same."""

    __slots__ = ("_message", "spec")

    def __init__(self, type_name: str) -> None:
        self.spec = ProviderSpec(type=type_name, display=type_name)
        self._message = f"The provider type `{type_name}` is not supported by this version"

    def build_request(self, request: ModelRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Refuse.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError(self._message)

    def parse_response(self, body: bytes, headers: HeaderView, request: ModelRequest) -> ProviderResponse:
        """Refuse.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError(self._message)

    def stream_parser(self, request: ModelRequest, headers: HeaderView | None = None) -> StreamParser:
        """Refuse.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError(self._message)


def _uses_responses(config: BaseProviderConfig) -> bool:
    return isinstance(config, OpenAIProviderConfig) and config.api_type == "responses"


def type_name(config: BaseProviderConfig) -> str:
    """Return how a configured provider's type is named in messages."""
    name = provider_type(config)
    return f"{name} (api_type = responses)" if _uses_responses(config) else name


def is_supported(config: BaseProviderConfig) -> bool:
    """Tell whether a configured provider can be used, so that the start can warn of those that cannot."""
    return isinstance(config, _OTHERS) or type(config) in CHAT_BUILDERS


def build_provider(
    config: BaseProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> Provider | LocalProvider:
    """Make the provider for one `[models.M.providers.P]` or a shorthand model.

    A type that is not built gives an `UnsupportedProvider`.

    Args:
        config: the provider's table.
        credential: what its credential location resolved to.
        surroundings: what it may use of the gateway.

    Raises:
        ValueError: when a configured URL cannot be called.
        ConfigError: when a setting or a credential file cannot be used.
    """
    if not is_supported(config):
        return UnsupportedProvider(type_name(config))
    if isinstance(config, DummyProviderConfig):
        return DummyProvider(config.model_name, credential)
    if isinstance(config, OpenAIProviderConfig) and config.api_type == "responses":
        return build_responses_provider(config, credential)
    if isinstance(config, AnthropicProviderConfig):
        return build_anthropic_provider(config, credential)
    if isinstance(config, GcpVertexAnthropicProviderConfig):
        return build_vertex_anthropic_provider(config, credential, surroundings)
    if isinstance(config, AwsBedrockProviderConfig):
        return build_bedrock_provider(config, credential, surroundings)
    if isinstance(config, AwsSagemakerProviderConfig):
        return build_sagemaker_provider(config, credential, surroundings)
    if isinstance(config, GoogleAIStudioGeminiProviderConfig):
        return build_ai_studio_provider(config, credential)
    if isinstance(config, GcpVertexGeminiProviderConfig):
        return build_vertex_gemini_provider(config, credential, surroundings)
    return build_chat_provider(config, credential, surroundings)
