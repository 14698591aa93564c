"""Regions and endpoints of one AWS service, fixed or from the request. Hot in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tzproxy.config.credentials import DynamicSetting, MissingSetting, SdkSetting, Setting, StaticSetting
from tzproxy.config.locations import SettingLocation
from tzproxy.config.providers import AwsProviderConfig, provider_type
from tzproxy.errors import ConfigError
from tzproxy.providers.aws.key_sources import sdk_region
from tzproxy.providers.errors import refused
from tzproxy.providers.settings import SettingResolver
from tzproxy.providers.urls import without_userinfo
from tzproxy.upstream import Endpoint

_KEPT = 64
# Regions of partitions of their own, by the beginning of their names. A test compares with botocore.
_DOMAINS = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
)


def domain_of(region: str) -> str:
    """Return what the names of AWS's hosts in a region end with; the original knows the common one alone."""
    for beginning, domain in _DOMAINS:
        if region.startswith(beginning):
            return domain
    return "amazonaws.com"


class Place(NamedTuple):
    """Where requests go, and for which region they are signed."""

    region: str
    endpoint: Endpoint
    stream_endpoint: Endpoint


class Places:
    """The place of each request of one configured provider."""

    __slots__ = ("_base", "_fixed", "_host", "_kept", "_paths", "_region")

    def __init__(
        self, region: Setting, base: Setting | None, *, host: Callable[[str], str], paths: tuple[str, str]
    ) -> None:
        """Prepare.

        Args:
            region: the region.
            base: replaces scheme and host; None: the service's own.
            host: the service's host in a region.
            paths: escaped paths of plain and streaming requests.

        Raises:
            ConfigError: when region or base are not known, and cannot come with the request.
        """
        self._region = _known("region", region)
        self._base = None if base is None else _known("endpoint_url", base)
        self._host = host
        self._paths = paths
        self._kept: dict[tuple[str, str], Place] = {}
        self._fixed: Place | None = None
        if isinstance(self._region, str) and not isinstance(self._base, DynamicSetting):
            try:
                self._fixed = self._place(self._region, self._base)
            except ValueError as exc:
                raise ConfigError([f"endpoint_url: {exc}"]) from exc

    def resolve(self, credentials: Mapping[str, str]) -> Place:
        """Return the place for a request with these dynamic credentials.

        Raises:
            ProviderError: when the request does not bring what it should.
        """
        if self._fixed is not None:
            return self._fixed
        region, base = self._region, self._base
        if isinstance(region, DynamicSetting):
            given = credentials.get(region.name)
            if given is None:
                raise refused(f"Dynamic region '{region.name}' not found in credentials", status=404)
            region = given
        if isinstance(base, DynamicSetting):
            given = credentials.get(base.name)
            if given is None:
                raise refused(f"Dynamic endpoint '{base.name}' not found in credentials", status=404)
            base = given
        return self._looked_up(region, base)

    def _looked_up(self, region: str, base: str | None) -> Place:
        place = self._kept.get((region, base or ""))
        if place is None:
            try:
                place = self._place(region, base)
            except ValueError:
                what = f"region: {region}" if base is None else f"endpoint URL: {without_userinfo(base)}"
                raise refused(f"Invalid dynamic {what}") from None
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[region, base or ""] = place
        return place

    def _place(self, region: str, base: str | None) -> Place:
        if not all(part.isalnum() for part in region.split("-")):
            # A region becomes part of a host name: it must not be able to name another one.
            raise ValueError(f"`{region}` is not a region")
        root = f"https://{self._host(region)}" if base is None else base.rstrip("/")
        plain, stream = self._paths
        return Place(region, Endpoint.parse(root + plain), Endpoint.parse(root + stream))


def _known(what: str, setting: Setting) -> str | DynamicSetting:
    match setting:
        case StaticSetting(value):
            return value
        case DynamicSetting():
            return setting
        case MissingSetting(message):
            raise ConfigError([f"{what}: {message}"])
        case SdkSetting() if what == "region":
            found = sdk_region()
            if found is not None:
                return found
            raise ConfigError(["region: AWS's configuration names none"])
    raise ConfigError([f"{what}: it cannot come from the SDK"])


def build_places(
    config: AwsProviderConfig,
    setting: SettingResolver,
    *,
    host: Callable[[str], str],
    paths: tuple[str, str],
) -> Places:
    """Prepare the places of a configured provider.

    Raises:
        ConfigError: when its region or endpoint is not known.
    """
    region = _resolved(setting, config.region)
    if region is None:
        if not config.allow_auto_detect_region:
            raise ConfigError([f"AWS {provider_type(config)} provider requires a region"])
        region = SdkSetting()
    return Places(region, _resolved(setting, config.endpoint_url), host=host, paths=paths)


def _resolved(setting: SettingResolver, location: SettingLocation | None) -> Setting | None:
    return None if location is None else setting(location)
