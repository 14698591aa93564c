"""Settings that come from elsewhere: an endpoint or a region, known at start or brought by the request.

Resolved once when a provider is built; what a request brings is looked up when it comes. Hot in use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from tzproxy.config.credentials import DynamicSetting, SdkSetting, Setting, StaticSetting
from tzproxy.config.locations import DynamicLocation, LiteralLocation, SdkLocation, SettingLocation
from tzproxy.config.provider_types import BatchCloudStorage
from tzproxy.errors import ConfigError
from tzproxy.providers.errors import refused
from tzproxy.providers.urls import without_userinfo
from tzproxy.upstream import Endpoint, UpstreamSettings

SettingResolver = Callable[[SettingLocation], Setting | None]
"""Looks a location up in the gateway's environment; None for `none`."""

_KEPT_ENDPOINTS = 64
SharedT = TypeVar("SharedT")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a provider may use of the gateway it is built for.

    Attributes:
        setting: resolves endpoints and regions that come from elsewhere.
        upstream: proxies and trust, for what is fetched off the request path.
        vertex_batches: where batches of Vertex Gemini keep their files; None: not configured.
        kept: what its providers share, by name; None: each has its own.
    """

    setting: SettingResolver
    upstream: UpstreamSettings = UpstreamSettings()
    vertex_batches: BatchCloudStorage | None = None
    kept: dict[str, Any] | None = None

    def shared(self, name: str, make: Callable[[], SharedT]) -> SharedT:
        """Return what all providers of the gateway share under a name; made when it is first asked for.

        Raises:
            ConfigError: as `make` does.
        """
        if self.kept is None:
            return make()
        if name not in self.kept:
            self.kept[name] = make()
        found: SharedT = self.kept[name]
        return found


def resolve_plain(location: SettingLocation) -> Setting | None:
    """Resolve what needs no environment.

    Raises:
        ConfigError: for a location that does.
    """
    match location:
        case LiteralLocation(value):
            return StaticSetting(value)
        case DynamicLocation(name):
            return DynamicSetting(name)
        case SdkLocation():
            return SdkSetting()
    raise ConfigError([f"{type(location).__name__} cannot be resolved here"])


ALONE = Surroundings(setting=resolve_plain)
"""No environment, no proxies."""


class EndpointSource(Protocol):
    """Says where one request goes."""

    def resolve(self, credentials: Mapping[str, str]) -> Endpoint:
        """Return the endpoint for a request with these dynamic credentials.

        Raises:
            ProviderError: when the request does not bring what it should.
        """
        ...


class DynamicEndpoints:
    """Endpoints below a base URL that the request brings."""

    __slots__ = ("_join", "_kept", "_name")

    def __init__(self, name: str, join: Callable[[str], str]) -> None:
        """Prepare.

        Args:
            name: the key in the request's `credentials`.
            join: makes the URL to call from the base URL; raises ValueError for what is no URL.
        """
        self._name = name
        self._join = join
        self._kept: dict[str, Endpoint] = {}

    def resolve(self, credentials: Mapping[str, str]) -> Endpoint:
        """Return the endpoint below the base URL of this request.

        Raises:
            ProviderError: when the base URL is missing or cannot be called.
        """
        base = credentials.get(self._name)
        if base is None:
            raise refused(f"Dynamic endpoint '{self._name}' not found in credentials", status=404)
        endpoint = self._kept.get(base)
        if endpoint is None:
            try:
                endpoint = Endpoint.parse(self._join(base))
            except ValueError:
                raise refused(f"Invalid dynamic endpoint URL: {without_userinfo(base)}") from None
            if len(self._kept) >= _KEPT_ENDPOINTS:
                self._kept.clear()
            self._kept[base] = endpoint
        return endpoint
