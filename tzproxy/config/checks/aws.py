"""Checks of the AWS providers: region, endpoint and keys."""

from __future__ import annotations

from urllib.parse import urlsplit

from tzproxy.config.checks.scope import Scope
from tzproxy.config.credentials import MissingSetting
from tzproxy.config.locations import (
    DynamicLocation,
    EnvLocation,
    LiteralLocation,
    Location,
    NoneLocation,
    SdkLocation,
)
from tzproxy.config.problems import Path
from tzproxy.config.providers import AwsBedrockProviderConfig, AwsProviderConfig, provider_type
from tzproxy.config.urls import absolute_url

_KEY_KINDS = (EnvLocation, DynamicLocation, SdkLocation)


def check_aws(provider: AwsProviderConfig, path: Path, scope: Scope) -> None:
    """Report what keeps an AWS provider from being called."""
    _check_region(provider, path, scope)
    _check_endpoint(provider, path, scope)
    _check_keys(provider, path, scope)


def _check_region(provider: AwsProviderConfig, path: Path, scope: Scope) -> None:
    region = provider.region
    if region is None:
        if not provider.allow_auto_detect_region:
            scope.problems.add(
                path,
                f"AWS {provider_type(provider)} provider requires a region. "
                'Use `region = "sdk"` to enable auto-detection, or name one, e.g. `region = "us-east-1"`',
            )
        return
    if isinstance(region, NoneLocation):
        scope.problems.add((*path, "region"), "a region is required, `none` is not one")
        return
    setting = scope.credentials.setting(region)
    if isinstance(setting, MissingSetting):
        scope.problems.add((*path, "region"), setting.message)


def _check_endpoint(provider: AwsProviderConfig, path: Path, scope: Scope) -> None:
    endpoint = provider.endpoint_url
    here = (*path, "endpoint_url")
    match endpoint:
        case None | NoneLocation():
            return
        case SdkLocation():
            scope.problems.add(here, "`sdk` is no endpoint: use a URL, `env::VAR_NAME` or `dynamic::NAME`")
            return
        case DynamicLocation():
            scope.warn(here, "a request can name any endpoint and receives signed requests there")
            return
    setting = scope.credentials.setting(endpoint)
    if isinstance(setting, MissingSetting):
        scope.problems.add(here, setting.message)
        return
    text = getattr(setting, "value", "")
    try:
        host = urlsplit(absolute_url(text)).hostname or ""
    except ValueError as exc:
        shown = f"`{text}`" if isinstance(endpoint, LiteralLocation) and "@" not in text else "the value"
        scope.problems.add(here, f"{shown} is no URL: {exc}")
        return
    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws")):
        scope.warn(here, f"`{host}` is no AWS host")


def _check_keys(provider: AwsProviderConfig, path: Path, scope: Scope) -> None:
    keys = {
        "access_key_id": provider.access_key_id,
        "secret_access_key": provider.secret_access_key,
        "session_token": provider.session_token,
    }
    given = {key: location for key, location in keys.items() if location is not None}
    if isinstance(provider, AwsBedrockProviderConfig) and provider.api_key is not None:
        _check_kind(provider.api_key, (*path, "api_key"), (EnvLocation, DynamicLocation), scope)
        if given:
            scope.problems.add((*path, "api_key"), f"cannot be combined with `{next(iter(given))}`")
    for key, location in given.items():
        _check_kind(location, (*path, key), _KEY_KINDS, scope)
    pair = ("access_key_id" in given, "secret_access_key" in given)
    if any(pair) and not all(pair):
        scope.problems.add(path, "`access_key_id` and `secret_access_key` must be given together")
    if "session_token" in given and not any(pair):
        scope.problems.add(
            (*path, "session_token"), "`session_token` requires `access_key_id` and `secret_access_key`"
        )
    if isinstance(provider.session_token, SdkLocation):
        del given["session_token"]  # no token beside the pair
    if len({type(location) for location in given.values()}) > 1:
        scope.problems.add(
            path, f"{', '.join(f'`{key}`' for key in given)} must come from the same kind of source"
        )


def _check_kind(location: Location, path: Path, kinds: tuple[type, ...], scope: Scope) -> None:
    if not isinstance(location, kinds):
        forms = "`env::VAR_NAME` or `dynamic::NAME`" + (" or `sdk`" if SdkLocation in kinds else "")
        scope.problems.add(path, f"Invalid location: use {forms}")
