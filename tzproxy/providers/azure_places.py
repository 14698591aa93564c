"""Where Azure's deployments are: endpoint, deployment, API version. Cold; a request's own endpoint is hot."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tzproxy.config.credentials import DynamicSetting, MissingSetting, StaticSetting
from tzproxy.config.providers import AzureProviderConfig
from tzproxy.config.urls import absolute_url
from tzproxy.errors import ConfigError
from tzproxy.providers.settings import DynamicEndpoints, EndpointSource, Surroundings
from tzproxy.providers.urls import append_segments
from tzproxy.upstream import Endpoint

API_VERSION = "2025-04-01-preview"
"""The version that is asked for, unless the endpoint's own query names another."""
_VERSION_KEY = "api-version"


def azure_endpoint(
    config: AzureProviderConfig, surroundings: Surroundings, *operation: str
) -> Endpoint | EndpointSource:
    """Return where an operation of a deployment is called, such as `chat`, `completions`.

    Raises:
        ValueError: when the endpoint is no URL that can be called.
        ConfigError: when the endpoint is not known.
    """

    def join(base: str) -> str:
        named = _VERSION_KEY in parse_qs(urlsplit(base).query)
        query = "" if named else f"{_VERSION_KEY}={API_VERSION}"
        return append_segments(base, "openai", "deployments", config.deployment_id, *operation, query=query)

    found = surroundings.setting(config.endpoint)
    if isinstance(found, DynamicSetting):
        return DynamicEndpoints(found.name, join)
    if not isinstance(found, StaticSetting):
        reason = found.message if isinstance(found, MissingSetting) else "it must be a URL"
        raise ConfigError([f"Azure endpoint: {reason}"])
    return Endpoint.parse(join(absolute_url(found.value)))
