from __future__ import annotations

import pytest
from msgspec import structs

from tzproxy.config.credentials import DynamicSetting, SdkSetting, StaticSetting
from tzproxy.config.locations import DynamicLocation, EnvLocation, LiteralLocation, SdkLocation
from tzproxy.errors import ConfigError
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.settings import ALONE, DynamicEndpoints, resolve_plain


def test_plain_settings() -> None:
    """Without an environment a setting is itself, the request's, or the provider's tools'."""
    assert resolve_plain(LiteralLocation("x")) == StaticSetting("x")
    assert resolve_plain(DynamicLocation("k")) == DynamicSetting("k")
    assert resolve_plain(SdkLocation()) == SdkSetting()
    with pytest.raises(ConfigError):
        resolve_plain(EnvLocation("X"))


def test_dynamic_endpoint() -> None:
    """The request's base URL is joined, and the outcome is kept for the next request."""
    source = DynamicEndpoints("where", lambda base: f"{base}/path")
    endpoint = source.resolve({"where": "https://h"})
    assert str(endpoint) == "https://h/path"
    assert source.resolve({"where": "https://h"}) is endpoint
    for number in range(100):
        assert str(source.resolve({"where": f"https://h{number}"})) == f"https://h{number}/path"


@pytest.mark.parametrize(
    ("credentials", "message", "status"),
    [
        ({}, "Dynamic endpoint 'where' not found in credentials", 404),
        ({"where": "nonsense"}, "Invalid dynamic endpoint URL: nonsense", 400),
        ({"where": "https://me:secret@[::1"}, "Invalid dynamic endpoint URL: https://[::1", 400),
    ],
)
def test_bad_dynamic_endpoints(credentials: dict[str, str], message: str, status: int) -> None:
    """A request without a usable base URL is refused."""
    with pytest.raises(ProviderError) as raised:
        DynamicEndpoints("where", lambda base: base).resolve(credentials)
    assert (raised.value.message, raised.value.status) == (message, status)


def test_what_providers_share() -> None:
    """Within a gateway a thing of a name is made once, when it is first asked for; alone each has its own."""
    gateway, other = (structs.replace(ALONE, kept={}) for _ in range(2))
    first = gateway.shared("a", object)
    assert gateway.shared("a", object) is first
    assert gateway.shared("b", object) is not first
    assert other.shared("a", object) is not first
    assert ALONE.shared("a", object) is not ALONE.shared("a", object)
