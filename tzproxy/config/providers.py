"""One Struct per provider type: what `[models.M.providers.P]` may hold.

Must not: resolve credentials or know wire formats. Cold.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tzproxy.config.locations import CredentialLocation, SettingSource
from tzproxy.config.requests import Cost, ExtraBody, ExtraHeaders, TimeoutsConfig
from tzproxy.config.scalars import U64, Url


class BaseProviderConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag=False
):
    """Keys that every provider of a model or an embedding model shares.

    Attributes:
        extra_body: changes of the request body; default none.
        extra_headers: changes of the request headers; default none.
        timeouts: deadlines of one attempt; chat models only.
        timeout_ms: deadline of one attempt, in ms; embedding models only; default none.
        discard_unknown_chunks: drop stream chunks of unknown kinds; default false.
        cost: prices; default none, the cost is unknown.
        batch_cost: prices of batch inference; default none, `cost` serves.
    """

    extra_body: ExtraBody = ()
    extra_headers: ExtraHeaders = ()
    timeouts: TimeoutsConfig = TimeoutsConfig()
    timeout_ms: U64 | None = None
    discard_unknown_chunks: bool = False
    cost: Cost | None = None
    batch_cost: Cost | None = None


class ApiKeyProviderConfig(BaseProviderConfig, frozen=True, kw_only=True):
    """Keys of providers that take an API key.

    Attributes:
        api_key_location: where the key comes from; default that of the provider type.
    """

    api_key_location: CredentialLocation | None = None


class NamedModelProviderConfig(ApiKeyProviderConfig, frozen=True, kw_only=True):
    """Keys of providers that take an API key and a model name.

    Attributes:
        model_name: the provider's name of the model; required.
    """

    model_name: str


class AnthropicProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="anthropic"):
    """`type = "anthropic"`.

    Attributes:
        api_base: base URL, `messages` is appended; default https://api.anthropic.com/v1/.
        provider_tools: tool objects that are sent as they are; default none.
        beta_structured_outputs: deprecated, without effect.
    """

    api_base: Url | None = None
    provider_tools: tuple[Any, ...] = ()
    beta_structured_outputs: bool | None = None


class AwsProviderConfig(BaseProviderConfig, frozen=True, kw_only=True):
    """Keys of both AWS providers.

    Attributes:
        region: region, a location of it, or `sdk`; required unless `allow_auto_detect_region`.
        endpoint_url: replaces scheme and host; default none.
        access_key_id: `env::`, `dynamic::` or `sdk`; default none.
        secret_access_key: goes with `access_key_id`.
        session_token: optional third part of the pair.
        allow_auto_detect_region: deprecated, true means `region = "sdk"`.
    """

    region: SettingSource | None = None
    endpoint_url: SettingSource | None = None
    access_key_id: CredentialLocation | None = None
    secret_access_key: CredentialLocation | None = None
    session_token: CredentialLocation | None = None
    allow_auto_detect_region: bool | None = None


class AwsBedrockProviderConfig(AwsProviderConfig, frozen=True, kw_only=True, tag="aws_bedrock"):
    """`type = "aws_bedrock"`.

    Attributes:
        model_id: Bedrock's model id; required.
        api_key: bearer key, `env::` or `dynamic::`; excludes the key pair; default none.
    """

    model_id: str
    api_key: CredentialLocation | None = None


class AwsSagemakerProviderConfig(AwsProviderConfig, frozen=True, kw_only=True, tag="aws_sagemaker"):
    """`type = "aws_sagemaker"`.

    Attributes:
        endpoint_name: SageMaker's endpoint; required.
        model_name: name the hosted server expects; required.
        hosted_provider: wire format of the hosted server; required.
    """

    endpoint_name: str
    model_name: str
    hosted_provider: Literal["openai", "tgi"]


class AzureProviderConfig(ApiKeyProviderConfig, frozen=True, kw_only=True, tag="azure"):
    """`type = "azure"`.

    Attributes:
        deployment_id: name of the deployment; required.
        endpoint: resource URL, `env::VAR` or `dynamic::NAME`; required.
    """

    deployment_id: str
    endpoint: SettingSource


class DeepSeekProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="deepseek"):
    """`type = "deepseek"`."""


class DummyProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="dummy"):
    """`type = "dummy"`: canned answers for tests; only with `TZPROXY_ENABLE_DUMMY_PROVIDER=1`."""


class FireworksProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="fireworks"):
    """`type = "fireworks"`.

    Attributes:
        parse_think_blocks: deprecated, thinking tags are always parsed.
    """

    parse_think_blocks: bool | None = None


class GcpProviderConfig(BaseProviderConfig, frozen=True, kw_only=True):
    """Keys of both Vertex AI providers.

    Attributes:
        location: region or `global`; required.
        project_id: Google Cloud project; required.
        credential_location: where the service account comes from; default that of the provider type.
    """

    location: str
    project_id: str
    credential_location: CredentialLocation | None = None


class GcpVertexAnthropicProviderConfig(
    GcpProviderConfig, frozen=True, kw_only=True, tag="gcp_vertex_anthropic"
):
    """`type = "gcp_vertex_anthropic"`.

    Attributes:
        model_id: name of the model; required.
        provider_tools: tool objects that are sent as they are; default none.
    """

    model_id: str
    provider_tools: tuple[Any, ...] = ()


class GcpVertexGeminiProviderConfig(GcpProviderConfig, frozen=True, kw_only=True, tag="gcp_vertex_gemini"):
    """`type = "gcp_vertex_gemini"`.

    Attributes:
        model_id: name of the model; this or `endpoint_id`.
        endpoint_id: id of a deployed endpoint; this or `model_id`.
    """

    model_id: str | None = None
    endpoint_id: str | None = None


class GoogleAIStudioGeminiProviderConfig(
    NamedModelProviderConfig, frozen=True, kw_only=True, tag="google_ai_studio_gemini"
):
    """`type = "google_ai_studio_gemini"`."""


class GroqProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="groq"):
    """`type = "groq"`.

    Attributes:
        reasoning_format: passed on, e.g. `parsed`; default none.
    """

    reasoning_format: str | None = None


class HyperbolicProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="hyperbolic"):
    """`type = "hyperbolic"`."""


class MistralProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="mistral"):
    """`type = "mistral"`.

    Attributes:
        prompt_mode: passed on, e.g. `reasoning`; default none.
    """

    prompt_mode: str | None = None


class OpenAIProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="openai"):
    """`type = "openai"`.

    Attributes:
        api_base: base URL; default https://api.openai.com/v1/.
        api_type: which API; default `chat_completions`.
        include_encrypted_reasoning: ask for encrypted reasoning, Responses API only; default false.
        provider_tools: tool objects that are sent as they are, Responses API only; default none.
        content_type_overrides: kind of content part for a MIME type; default by the type's first half.
    """

    api_base: Url | None = None
    api_type: Literal["chat_completions", "responses"] = "chat_completions"
    include_encrypted_reasoning: bool = False
    provider_tools: tuple[Any, ...] = ()
    content_type_overrides: dict[str, Literal["image_url", "file", "input_audio"]] = {}


class OpenRouterProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="openrouter"):
    """`type = "openrouter"`.

    Attributes:
        api_base: deprecated base URL; default https://openrouter.ai/api/v1/.
    """

    api_base: Url | None = None


class SGLangProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="sglang"):
    """`type = "sglang"`.

    Attributes:
        api_base: base URL; required.
    """

    api_base: Url


class TGIProviderConfig(ApiKeyProviderConfig, frozen=True, kw_only=True, tag="tgi"):
    """`type = "tgi"`; the server has one model, so there is no `model_name`.

    Attributes:
        api_base: base URL; required.
    """

    api_base: Url


class TogetherProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="together"):
    """`type = "together"`.

    Attributes:
        parse_think_blocks: deprecated, thinking tags are always parsed.
    """

    parse_think_blocks: bool | None = None


class VllmProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="vllm"):
    """`type = "vllm"`.

    Attributes:
        api_base: base URL; required.
    """

    api_base: Url


class XAIProviderConfig(NamedModelProviderConfig, frozen=True, kw_only=True, tag="xai"):
    """`type = "xai"`."""


ProviderConfig = (
    AnthropicProviderConfig
    | AwsBedrockProviderConfig
    | AwsSagemakerProviderConfig
    | AzureProviderConfig
    | DeepSeekProviderConfig
    | DummyProviderConfig
    | FireworksProviderConfig
    | GcpVertexAnthropicProviderConfig
    | GcpVertexGeminiProviderConfig
    | GoogleAIStudioGeminiProviderConfig
    | GroqProviderConfig
    | HyperbolicProviderConfig
    | MistralProviderConfig
    | OpenAIProviderConfig
    | OpenRouterProviderConfig
    | SGLangProviderConfig
    | TGIProviderConfig
    | TogetherProviderConfig
    | VllmProviderConfig
    | XAIProviderConfig
)


def provider_type(provider: BaseProviderConfig) -> str:
    """Return the `type` that the provider's table has, e.g. `openai`."""
    return str(type(provider).__struct_config__.tag)
