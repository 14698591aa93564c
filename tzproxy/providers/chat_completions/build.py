"""From a configured provider to a `ChatProvider`: which row, which URL, which key. Cold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from msgspec import structs

from tzproxy.config.credentials import RULES, Credential
from tzproxy.config.providers import (
    BaseProviderConfig,
    DeepSeekProviderConfig,
    FireworksProviderConfig,
    GroqProviderConfig,
    HyperbolicProviderConfig,
    OpenAIProviderConfig,
    OpenRouterProviderConfig,
    SGLangProviderConfig,
    TGIProviderConfig,
    TogetherProviderConfig,
    VllmProviderConfig,
    XAIProviderConfig,
)
from tzproxy.providers.chat_completions import rows, thoughts
from tzproxy.providers.chat_completions.provider import ChatBodies, ChatProvider
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.credentials import JSON_CONTENT, HeaderAuth, build_headers
from tzproxy.upstream import Endpoint


def join_url(base: str, path: str) -> str:
    """Append a path to a base URL as the original does: one slash between them, no query.

    A base that has the path already is not recognised; the path is then there twice.
    """
    parts = urlsplit(base)
    stem = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    return urlunsplit((parts.scheme, parts.netloc, stem + path, "", ""))


def _openai(config: Any) -> tuple[ChatRow, str, dict[str, Any]]:
    return rows.OPENAI, config.model_name, {"overrides": config.content_type_overrides}


def _groq(config: Any) -> tuple[ChatRow, str, dict[str, Any]]:
    if config.reasoning_format is None:
        return rows.GROQ, config.model_name, {}
    row = structs.replace(rows.GROQ, write_thoughts=thoughts.write_reasoning)
    return row, config.model_name, {"extra": config.reasoning_format}


def _nameless(config: Any) -> tuple[ChatRow, str, dict[str, Any]]:
    return rows.TGI, "", {}


def _plain(row: ChatRow) -> Callable[[Any], tuple[ChatRow, str, dict[str, Any]]]:
    return lambda config: (row, config.model_name, {})


BUILDERS: dict[type[BaseProviderConfig], Callable[[Any], tuple[ChatRow, str, dict[str, Any]]]] = {
    DeepSeekProviderConfig: _plain(rows.DEEPSEEK),
    FireworksProviderConfig: _plain(rows.FIREWORKS),
    GroqProviderConfig: _groq,
    HyperbolicProviderConfig: _plain(rows.HYPERBOLIC),
    OpenAIProviderConfig: _openai,
    OpenRouterProviderConfig: _plain(rows.OPENROUTER),
    SGLangProviderConfig: _plain(rows.SGLANG),
    TGIProviderConfig: _nameless,
    TogetherProviderConfig: _plain(rows.TOGETHER),
    VllmProviderConfig: _plain(rows.VLLM),
    XAIProviderConfig: _plain(rows.XAI),
}
"""What each type of configuration says of its row, model and options."""


def build_chat_provider(config: BaseProviderConfig, credential: Credential) -> ChatProvider:
    """Make the provider for a configuration of one of the types in `BUILDERS`.

    Raises:
        ValueError: when its `api_base` is no URL that can be called.
    """
    row, model, options = BUILDERS[type(config)](config)
    base = getattr(config, "api_base", None) or row.api_base
    url = row.url if base is None else join_url(str(base), "chat/completions")
    if url is None:
        raise ValueError(f"{row.spec.type} needs an `api_base`")
    auth = HeaderAuth(display=RULES[row.spec.type].missing_display, optional=row.keyless)
    headers = build_headers(auth, credential, (JSON_CONTENT, *row.headers))
    return ChatProvider(row, ChatBodies(row, model, **options), endpoint=Endpoint.parse(url), headers=headers)
