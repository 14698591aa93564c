"""From a configured provider to a `GeminiProvider`: which rules, which URL, which key. Cold."""

from __future__ import annotations

from urllib.parse import quote

from tzproxy.config.credentials import RULES, Credential
from tzproxy.config.providers import GcpVertexGeminiProviderConfig, GoogleAIStudioGeminiProviderConfig
from tzproxy.providers.credentials import HeaderAuth, RequestHeaders, build_headers
from tzproxy.providers.gcp_build import build_gcp_headers, host_of
from tzproxy.providers.gemini.batch import STORAGE_HOST, VertexGeminiBatch, VertexPlace
from tzproxy.providers.gemini.provider import GeminiProvider
from tzproxy.providers.gemini.rules import AI_STUDIO, VERTEX, Rules
from tzproxy.providers.settings import ALONE, Surroundings
from tzproxy.providers.urls import escaped
from tzproxy.upstream import Endpoint

_STUDIO = "https://generativelanguage.googleapis.com/v1beta/models/"


def build_ai_studio_provider(
    config: GoogleAIStudioGeminiProviderConfig, credential: Credential
) -> GeminiProvider:
    """Make the provider for a configuration of type `google_ai_studio_gemini`."""
    auth = HeaderAuth(
        display=RULES[AI_STUDIO.spec.type].missing_display, header="x-goog-api-key", prefix="", optional=False
    )
    url = _STUDIO + quote(config.model_name, safe="/@:+,;=!$&'()*")
    return _provider(AI_STUDIO, url, build_headers(auth, credential), discards=config.discard_unknown_chunks)


def build_vertex_gemini_provider(
    config: GcpVertexGeminiProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> GeminiProvider:
    """Make the provider for a configuration of type `gcp_vertex_gemini`.

    Raises:
        ValueError: when project or location make no URL that can be called.
        ConfigError: when its credential cannot be used.
    """
    host = host_of(config.location)
    place = f"/v1/projects/{escaped(config.project_id)}/locations/{escaped(config.location)}"
    if config.endpoint_id is not None:
        path = f"{place}/endpoints/{escaped(config.endpoint_id)}"
    else:
        path = f"{place}/publishers/google/models/{escaped(config.model_id or '')}"
    headers = build_gcp_headers(
        RULES[VERTEX.spec.type].missing_display, credential, host=host, surroundings=surroundings
    )
    return _provider(VERTEX, f"https://{host}{path}", headers, discards=config.discard_unknown_chunks)


def build_vertex_batch(
    config: GcpVertexGeminiProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> VertexGeminiBatch:
    """Make the batch API of a configuration of type `gcp_vertex_gemini`.

    Raises:
        ConfigError: when its credential cannot be used.
    """
    host = host_of(config.location)
    display = RULES[VERTEX.spec.type].missing_display
    return VertexGeminiBatch(
        VertexPlace(
            host=host, project_id=config.project_id, location=config.location, model_id=config.model_id
        ),
        surroundings.vertex_batches,
        headers=build_gcp_headers(display, credential, host=host, surroundings=surroundings),
        storage_headers=build_gcp_headers(display, credential, host=STORAGE_HOST, surroundings=surroundings),
    )


def _provider(rules: Rules, url: str, headers: RequestHeaders, *, discards: bool) -> GeminiProvider:
    return GeminiProvider(
        rules,
        endpoint=Endpoint.parse(f"{url}:generateContent"),
        stream_endpoint=Endpoint.parse(f"{url}:streamGenerateContent?alt=sse"),
        headers=headers,
        discards_unknown=discards,
    )
