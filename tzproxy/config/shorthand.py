"""Models named `TYPE::NAME` that need no table of their own.

Must not: resolve credentials; they are the type's defaults. Cold; the engine keeps what is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tzproxy.config.providers import (
    AnthropicProviderConfig,
    DeepSeekProviderConfig,
    DummyProviderConfig,
    FireworksProviderConfig,
    GcpVertexAnthropicProviderConfig,
    GcpVertexGeminiProviderConfig,
    GoogleAIStudioGeminiProviderConfig,
    GroqProviderConfig,
    HyperbolicProviderConfig,
    MistralProviderConfig,
    OpenAIProviderConfig,
    OpenRouterProviderConfig,
    ProviderConfig,
    TogetherProviderConfig,
    XAIProviderConfig,
)
from tzproxy.errors import ConfigError

_GCP_MODEL = re.compile(r"projects/([^/]+)/locations/([^/]+)/publishers/(google|anthropic)/models/([^/]+)")
_GCP_ENDPOINT = re.compile(r"projects/([^/]+)/locations/([^/]+)/endpoints/([^/]+)")

_BY_NAME: dict[str, Callable[..., ProviderConfig]] = {
    "anthropic": AnthropicProviderConfig,
    "deepseek": DeepSeekProviderConfig,
    "dummy": DummyProviderConfig,
    "fireworks": FireworksProviderConfig,
    "google_ai_studio_gemini": GoogleAIStudioGeminiProviderConfig,
    "groq": GroqProviderConfig,
    "hyperbolic": HyperbolicProviderConfig,
    "mistral": MistralProviderConfig,
    "openai": OpenAIProviderConfig,
    "openrouter": OpenRouterProviderConfig,
    "together": TogetherProviderConfig,
    "xai": XAIProviderConfig,
}
CHAT_SHORTHANDS = frozenset(_BY_NAME) - {"dummy"} | {"gcp_vertex_anthropic", "gcp_vertex_gemini"}
"""Provider types whose chat models can be named directly."""
EMBEDDING_SHORTHANDS = frozenset({"openai", "openrouter"})
"""Provider types whose embedding models can be named directly."""


def has_shorthand(name: str, *, embedding: bool = False, allow_dummy: bool = False) -> bool:
    """Return whether the name starts like a shorthand model; the rest is not looked at."""
    kind, separator, _ = name.partition("::")
    kinds = EMBEDDING_SHORTHANDS if embedding else CHAT_SHORTHANDS
    return bool(separator) and (kind in kinds or (allow_dummy and kind == "dummy"))


def shorthand_model(
    name: str, *, embedding: bool = False, allow_dummy: bool = False
) -> ProviderConfig | None:
    """Return the provider of a shorthand model such as `openai::gpt-4o`, or None for other names.

    Raises:
        ConfigError: for a Vertex AI name that is no resource path.
    """
    if not has_shorthand(name, embedding=embedding, allow_dummy=allow_dummy):
        return None
    kind, _, rest = name.partition("::")
    if kind in ("gcp_vertex_anthropic", "gcp_vertex_gemini"):
        return _gcp_model(kind, name, rest)
    if kind == "openai" and not embedding and rest.startswith("responses::"):
        return OpenAIProviderConfig(model_name=rest.removeprefix("responses::"), api_type="responses")
    return _BY_NAME[kind](model_name=rest)


def _gcp_model(kind: str, name: str, rest: str) -> ProviderConfig:
    publisher = "google" if kind == "gcp_vertex_gemini" else "anthropic"
    model = _GCP_MODEL.fullmatch(rest)
    if model and model[3] == publisher:
        if kind == "gcp_vertex_gemini":
            return GcpVertexGeminiProviderConfig(project_id=model[1], location=model[2], model_id=model[4])
        return GcpVertexAnthropicProviderConfig(project_id=model[1], location=model[2], model_id=model[4])
    endpoint = _GCP_ENDPOINT.fullmatch(rest)
    if endpoint and kind == "gcp_vertex_gemini":
        return GcpVertexGeminiProviderConfig(
            project_id=endpoint[1], location=endpoint[2], endpoint_id=endpoint[3]
        )
    raise ConfigError(
        [
            f"models.{name}: GCP shorthand url is not in the expected format: use "
            f"`{kind}::projects/PROJECT/locations/LOCATION/publishers/{publisher}/models/MODEL`"
            + (
                f" or `{kind}::projects/PROJECT/locations/LOCATION/endpoints/ENDPOINT`"
                if publisher == "google"
                else ""
            )
        ]
    )
