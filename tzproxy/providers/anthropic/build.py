"""From a configured provider to a `MessagesProvider`: which rules, which URL, which key. Cold."""

from __future__ import annotations

from tzproxy.config.credentials import RULES, Credential
from tzproxy.config.providers import AnthropicProviderConfig, GcpVertexAnthropicProviderConfig
from tzproxy.providers.anthropic.provider import MessagesProvider
from tzproxy.providers.anthropic.request import Bodies
from tzproxy.providers.anthropic.rules import ANTHROPIC, VERTEX
from tzproxy.providers.credentials import JSON_CONTENT, HeaderAuth, build_headers
from tzproxy.providers.gcp_build import build_gcp_headers, host_of
from tzproxy.providers.settings import ALONE, Surroundings
from tzproxy.providers.urls import escaped, join_url
from tzproxy.upstream import Endpoint

_BASE = "https://api.anthropic.com/v1/"
_VERSION = ("anthropic-version", "2023-06-01")


def build_anthropic_provider(config: AnthropicProviderConfig, credential: Credential) -> MessagesProvider:
    """Make the provider for a configuration of type `anthropic`.

    Raises:
        ValueError: when its `api_base` is no URL that can be called.
    """
    base = (config.api_base or _BASE).rstrip("/").removesuffix("/messages")
    endpoint = Endpoint.parse(join_url(base, "messages"))
    auth = HeaderAuth(
        display=RULES["anthropic"].missing_display, header="x-api-key", prefix="", optional=False
    )
    return MessagesProvider(
        ANTHROPIC,
        Bodies(ANTHROPIC, config.model_name, provider_tools=config.provider_tools),
        endpoint=endpoint,
        headers=build_headers(auth, credential, (JSON_CONTENT, _VERSION)),
        discards_unknown=config.discard_unknown_chunks,
    )


def build_vertex_anthropic_provider(
    config: GcpVertexAnthropicProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> MessagesProvider:
    """Make the provider for a configuration of type `gcp_vertex_anthropic`.

    Raises:
        ValueError: when project or location make no URL that can be called.
        ConfigError: when its credential cannot be used.
    """
    host = host_of(config.location)
    path = "/".join(
        [
            f"/v1/projects/{escaped(config.project_id)}/locations/{escaped(config.location)}",
            f"publishers/anthropic/models/{escaped(config.model_id)}",
        ]
    )
    display = RULES["gcp_vertex_anthropic"].missing_display
    return MessagesProvider(
        VERTEX,
        Bodies(VERTEX, config.model_id, provider_tools=config.provider_tools),
        endpoint=Endpoint.parse(f"https://{host}{path}:rawPredict"),
        stream_endpoint=Endpoint.parse(f"https://{host}{path}:streamRawPredict"),
        headers=build_gcp_headers(display, credential, host=host, surroundings=surroundings),
        discards_unknown=config.discard_unknown_chunks,
    )
