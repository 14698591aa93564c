from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session  # type: ignore[import-untyped]  # has no types

from tzproxy.config.credentials import (
    AwsKeysCredential,
    DynamicSetting,
    MissingSetting,
    SdkSetting,
    Setting,
    StaticCredential,
    StaticSetting,
)
from tzproxy.config.locations import LiteralLocation
from tzproxy.config.providers import AwsBedrockProviderConfig, AwsProviderConfig, AwsSagemakerProviderConfig
from tzproxy.config.secret import Secret
from tzproxy.errors import ConfigError
from tzproxy.providers.aws import places as module
from tzproxy.providers.aws.places import Places, build_places
from tzproxy.providers.bedrock.provider import build_bedrock_provider
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.sagemaker.provider import build_sagemaker_provider
from tzproxy.providers.settings import resolve_plain

from ..samples import ask

US = StaticSetting("us-east-1")


def _host(region: str) -> str:
    return f"svc.{region}.amazonaws.com"


def _places(region: Setting = US, base: Setting | None = None) -> Places:
    return Places(region, base, host=_host, paths=("/a%3A1/x", "/a%3A1/x-stream"))


def test_fixed() -> None:
    """A known region has its host; plain and streaming requests have their paths."""
    places = _places()
    place = places.resolve({})
    assert place is places.resolve({"x": "y"})
    assert place.region == "us-east-1"
    assert str(place.endpoint) == "https://svc.us-east-1.amazonaws.com/a%3A1/x"
    assert str(place.stream_endpoint) == "https://svc.us-east-1.amazonaws.com/a%3A1/x-stream"


@pytest.mark.parametrize("base", ["http://127.0.0.1:9491/base", "http://127.0.0.1:9491/base/"])
def test_endpoint(base: str) -> None:
    """A configured endpoint replaces the host; the region stays for signatures."""
    place = _places(base=StaticSetting(base)).resolve({})
    assert str(place.endpoint) == "http://127.0.0.1:9491/base/a%3A1/x"
    assert place.region == "us-east-1"


def test_dynamic() -> None:
    """Region and endpoint may come with the request, together or alone."""
    places = _places(DynamicSetting("r"), DynamicSetting("e"))
    place = places.resolve({"r": "eu-north-1", "e": "https://h"})
    assert (place.region, str(place.endpoint)) == ("eu-north-1", "https://h/a%3A1/x")
    assert places.resolve({"r": "eu-north-1", "e": "https://h"}) is place
    region = _places(DynamicSetting("r")).resolve({"r": "eu-north-1"})
    assert str(region.endpoint) == "https://svc.eu-north-1.amazonaws.com/a%3A1/x"
    for number in range(100):
        assert places.resolve({"r": "r", "e": f"https://h{number}"}).endpoint.host == f"h{number}"


@pytest.mark.parametrize(
    ("given", "message", "status"),
    [
        ({"e": "https://h"}, "Dynamic region 'r' not found in credentials", 404),
        ({"r": "us-east-1"}, "Dynamic endpoint 'e' not found in credentials", 404),
        ({"r": "us-east-1", "e": "nonsense"}, "Invalid dynamic endpoint URL: nonsense", 400),
    ],
)
def test_bad_requests(given: dict[str, str], message: str, status: int) -> None:
    """A request without region or endpoint is refused."""
    with pytest.raises(ProviderError) as raised:
        _places(DynamicSetting("r"), DynamicSetting("e")).resolve(given)
    assert (raised.value.message, raised.value.status) == (message, status)


@pytest.mark.parametrize("region", ["evil.example/x", "a.b", "", "us_east", "us-east-1.evil.example#"])
def test_region_is_no_host(region: str) -> None:
    """A region from a request cannot send it to another host."""
    with pytest.raises(ProviderError, match="^Invalid dynamic region: "):
        _places(DynamicSetting("r")).resolve({"r": region})


def test_region_of_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's library may know the region; if it does not, the configuration is refused."""
    monkeypatch.setattr(module, "sdk_region", lambda: "eu-west-1")
    assert _places(SdkSetting()).resolve({}).region == "eu-west-1"
    monkeypatch.setattr(module, "sdk_region", lambda: None)
    with pytest.raises(ConfigError, match="region: AWS's configuration names none"):
        _places(SdkSetting())


@pytest.mark.parametrize(
    ("region", "base", "message"),
    [
        (MissingSetting("X is missing"), None, "region: X is missing"),
        (US, MissingSetting("X is missing"), "endpoint_url: X is missing"),
        (US, SdkSetting(), "endpoint_url: it cannot come from the SDK"),
        (US, StaticSetting("nonsense"), "endpoint_url: the URL must begin with"),
    ],
)
def test_bad_configuration(region: Setting, base: Setting | None, message: str) -> None:
    """Settings that cannot be used are findings about the configuration."""
    with pytest.raises(ConfigError, match=message):
        _places(region, base)


def test_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration's region counts, or the SDK's where that is allowed."""

    def build(**fields: Any) -> Places:
        config = AwsBedrockProviderConfig(model_id="m", **fields)
        return build_places(config, resolve_plain, host=_host, paths=("/p", "/s"))

    assert build(region=LiteralLocation("us-east-1")).resolve({}).region == "us-east-1"
    with pytest.raises(ConfigError, match="AWS aws_bedrock provider requires a region"):
        build()
    monkeypatch.setattr(module, "sdk_region", lambda: "eu-west-1")
    assert build(allow_auto_detect_region=True).resolve({}).region == "eu-west-1"


REGIONS = {
    *("us-east-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "eu-isoe-west-1"),
    *("us-iso-east-1", "us-isob-east-1", "us-isof-south-1"),
}
"""One region of each partition."""


def test_every_partition_is_tried() -> None:
    """The regions below are of all partitions that botocore knows."""
    session = Session()
    partitions = {session.get_partition_for_region(region) for region in REGIONS}
    assert partitions == set(session.get_available_partitions())


@pytest.mark.parametrize("service", ["bedrock-runtime", "sagemaker-runtime"])
@pytest.mark.parametrize("region", sorted(REGIONS))
def test_hosts_are_botocore_s(service: str, region: str) -> None:
    """A client of botocore calls the same host."""
    made = Session().create_client(
        service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b"
    )
    place = LiteralLocation(region)
    config: AwsProviderConfig = AwsBedrockProviderConfig(model_id="m", region=place)
    build: Any = build_bedrock_provider
    if service == "sagemaker-runtime":
        fields: dict[str, Any] = {"endpoint_name": "e", "model_name": "m", "hosted_provider": "tgi"}
        config = AwsSagemakerProviderConfig(**fields, region=place)
        build = build_sagemaker_provider
    key = StaticCredential(Secret("k"))
    keys = AwsKeysCredential(access_key_id=key, secret_access_key=key, session_token=None)
    endpoint = build(config, keys).build_request(ask(), {}).endpoint
    assert endpoint.origin_without_default_port == made.meta.endpoint_url
