"""From a configured provider to a `ChatProvider`: which row, which URL, which key. Cold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from tzproxy.config.credentials import RULES, Credential
from tzproxy.config.providers import (
    AzureProviderConfig,
    BaseProviderConfig,
    DeepSeekProviderConfig,
    FireworksProviderConfig,
    GroqProviderConfig,
    HyperbolicProviderConfig,
    MistralProviderConfig,
    OpenAIProviderConfig,
    OpenRouterProviderConfig,
    SGLangProviderConfig,
    TGIProviderConfig,
    TogetherProviderConfig,
    VllmProviderConfig,
    XAIProviderConfig,
)
from tzproxy.providers.azure_places import azure_endpoint
from tzproxy.providers.chat_completions import chunked, rows, thoughts
from tzproxy.providers.chat_completions.batch import OpenAIBatch
from tzproxy.providers.chat_completions.provider import ChatBodies, ChatProvider
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.credentials import JSON_CONTENT, HeaderAuth, build_headers
from tzproxy.providers.settings import ALONE, EndpointSource, Surroundings
from tzproxy.providers.urls import join_url
from tzproxy.upstream import Endpoint


def _openai(config: Any) -> tuple[ChatRow, str, dict[str, Any]]:
    return rows.OPENAI, config.model_name, {"overrides": config.content_type_overrides}


def _groq(config: Any) -> tuple[ChatRow, str, dict[str, Any]]:
    if config.reasoning_format is None:
        return rows.GROQ, config.model_name, {}
    row = structs.replace(rows.GROQ, write_thoughts=thoughts.write_reasoning)
    return row, config.model_name, {"extra": config.reasoning_format}


def _azure(config: Any) -> tuple[ChatRow, str, dict[str, Any]]:
    return rows.AZURE, "", {}


def _mistral(config: Any) -> tuple[ChatRow, str, dict[str, Any]]:
    if config.prompt_mode is None:
        return rows.MISTRAL, config.model_name, {}
    row = structs.replace(rows.MISTRAL, write_assistant=chunked.write_chunked_assistant)
    return row, config.model_name, {"extra": config.prompt_mode}


def _nameless(config: Any) -> tuple[ChatRow, str, dict[str, Any]]:
    return rows.TGI, "", {}


def _plain(row: ChatRow) -> Callable[[Any], tuple[ChatRow, str, dict[str, Any]]]:
    return lambda config: (row, config.model_name, {})


BUILDERS: dict[type[BaseProviderConfig], Callable[[Any], tuple[ChatRow, str, dict[str, Any]]]] = {
    AzureProviderConfig: _azure,
    DeepSeekProviderConfig: _plain(rows.DEEPSEEK),
    FireworksProviderConfig: _plain(rows.FIREWORKS),
    GroqProviderConfig: _groq,
    HyperbolicProviderConfig: _plain(rows.HYPERBOLIC),
    MistralProviderConfig: _mistral,
    OpenAIProviderConfig: _openai,
    OpenRouterProviderConfig: _plain(rows.OPENROUTER),
    SGLangProviderConfig: _plain(rows.SGLANG),
    TGIProviderConfig: _nameless,
    TogetherProviderConfig: _plain(rows.TOGETHER),
    VllmProviderConfig: _plain(rows.VLLM),
    XAIProviderConfig: _plain(rows.XAI),
}
"""What each type of configuration says of its row, model and options."""


def build_chat_provider(
    config: BaseProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> ChatProvider:
    """Make the provider for a configuration of one of the types in `BUILDERS`.

    Raises:
        ValueError: when its `api_base` is no URL that can be called.
        ConfigError: when its endpoint is not known.
    """
    row, model, options = BUILDERS[type(config)](config)
    auth = HeaderAuth(
        display=RULES[row.spec.type].missing_display,
        header=row.key_header,
        prefix=row.key_prefix,
        optional=row.keyless,
        takes_tokens=row.takes_tokens,
    )
    headers = build_headers(auth, credential, (JSON_CONTENT, *row.headers))
    return ChatProvider(
        row,
        ChatBodies(row, model, **options),
        endpoint=_endpoint(row, config, surroundings),
        headers=headers,
    )


def build_openai_batch(config: OpenAIProviderConfig, credential: Credential) -> OpenAIBatch:
    """Make the batch API of a configuration of type `openai`, whichever API serves its single requests.

    Raises:
        ValueError: when its `api_base` is no URL that can be called.
    """
    row = rows.OPENAI
    base = str(config.api_base or row.api_base)
    Endpoint.parse(base)
    auth = HeaderAuth(display=RULES[row.spec.type].missing_display, optional=row.keyless)
    bodies = ChatBodies(row, config.model_name)
    return OpenAIBatch(row, bodies, base=base, headers=build_headers(auth, credential))


def _endpoint(
    row: ChatRow, config: BaseProviderConfig, surroundings: Surroundings
) -> Endpoint | EndpointSource:
    if isinstance(config, AzureProviderConfig):
        return azure_endpoint(config, surroundings, "chat", "completions")
    base = getattr(config, "api_base", None) or row.api_base
    url = row.url if base is None else join_url(str(base), "chat/completions")
    if url is None:
        raise ValueError(f"{row.spec.type} needs an `api_base`")
    return Endpoint.parse(url)
