from __future__ import annotations

import re
from typing import Any

import pytest

from tzproxy.config.credentials import (
    AwsKeysCredential,
    Credential,
    DynamicCredential,
    DynamicSetting,
    SdkCredential,
    StaticCredential,
    StaticSetting,
)
from tzproxy.config.secret import Secret
from tzproxy.providers.aws.places import Places
from tzproxy.providers.aws.provider import AwsAuth, AwsProvider
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.protocol import ProviderSpec, WireRequest
from tzproxy.types.content import File
from tzproxy.upstream import HeaderBlock

from ..samples import KEY, ask, user

SPEC = ProviderSpec(type="aws_x", display="AWS X")
KEYS = AwsKeysCredential(
    access_key_id=StaticCredential(Secret("AKID")),
    secret_access_key=StaticCredential(Secret("hush")),
    session_token=None,
)


def _provider(credential: Credential, region: Any = None) -> AwsProvider:
    places = Places(
        region or StaticSetting("us-east-1"),
        None,
        host=lambda region: f"x.{region}.amazonaws.com",
        paths=("/plain", "/stream"),
    )
    return AwsProvider(
        SPEC, lambda _: b'"QUJD"', service="x", places=places, auth=AwsAuth("aws_x", credential)
    )


def test_signed_requests() -> None:
    """A request is signed over its final headers; a stream says nothing of what it accepts."""
    provider = _provider(KEYS)
    assert provider.spec.signs and not provider.spec.prepares
    for stream, headers in ((False, "accept;content-type"), (True, "content-type")):
        wire = provider.build_request(ask(stream=stream), {})
        assert "authorization" not in dict(wire.headers.pairs)
        signed = provider.sign(wire, {})
        assert (signed.endpoint, signed.body, signed.raw_request) == (wire.endpoint, wire.body, None)
        authorization = dict(signed.headers.pairs)["authorization"]
        assert f"SignedHeaders={headers};host;x-amz-date," in authorization
        assert re.search(r"Credential=AKID/\d{8}/us-east-1/x/aws4_request", authorization)


def test_extra_headers() -> None:
    """Extra headers are signed; type and accepted type are AWS's own."""
    provider = _provider(KEYS)
    wire = provider.build_request(ask(), {})
    extra = wire.headers.replaced([("x-mine", "1"), ("accept", "text/html"), ("content-type", "text/plain")])
    signed = provider.sign(WireRequest(wire.endpoint, extra, wire.body), {})
    headers = dict(signed.headers.pairs)
    assert (headers["accept"], headers["content-type"]) == ("application/json", "application/json")
    assert "accept;content-type;host;x-amz-date;x-mine" in headers["authorization"]


@pytest.mark.parametrize(("credential", "given"), [(KEY, {}), (DynamicCredential("k"), {"k": "sk-test"})])
def test_bearer(credential: Credential, given: dict[str, str]) -> None:
    """A bearer key needs no signature."""
    provider = _provider(credential)
    assert not provider.spec.signs and not provider.spec.prepares
    headers = provider.build_request(ask(), given).headers
    assert headers.pairs == (
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("authorization", "Bearer sk-test"),
    )
    assert "accept" not in dict(provider.build_request(ask(stream=True), given).headers.pairs)


def test_missing_bearer() -> None:
    """A bearer key that should come with the request is missed when it does not."""
    with pytest.raises(
        ProviderError, match="^API key missing for provider aws: Dynamic api key `k` is missing$"
    ):
        _provider(DynamicCredential("k")).build_request(ask(), {})


@pytest.mark.parametrize("part", ["id", "token"])
def test_keys_that_are_no_header(part: str) -> None:
    """A key with a line break in it is refused without being shown."""
    names = {"access_key_id": "id", "secret_access_key": "key", "session_token": "token"}
    credential = AwsKeysCredential(**{key: DynamicCredential(name) for key, name in names.items()})
    provider = _provider(credential)
    given = {"id": "a", "key": "b", "token": "c", part: "hush\r\nx: y"}
    with pytest.raises(ProviderError) as raised:
        provider.sign(provider.build_request(ask(), given), given)
    assert raised.value.message == (
        "API key missing for provider aws: The AWS keys are not valid header values"
    )
    assert raised.value.status == 400


async def test_keys_of_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that have to be found are found before the request is built."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "FOUND")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    provider = _provider(SdkCredential())
    assert provider.spec.signs and provider.spec.prepares
    await provider.prepare({})
    signed = provider.sign(provider.build_request(ask(), {}), {})
    assert "Credential=FOUND/" in dict(signed.headers.pairs)["authorization"]
    await _provider(KEY).prepare({})


def test_region_of_the_request() -> None:
    """A request's region is called and signed for."""
    provider = _provider(KEYS, DynamicSetting("r"))
    given = {"r": "eu-north-1"}
    wire = provider.build_request(ask(), given)
    assert wire.endpoint.host == "x.eu-north-1.amazonaws.com"
    signed = provider.sign(wire, given)
    assert "/eu-north-1/x/aws4_request" in dict(signed.headers.pairs)["authorization"]


def test_stored_request() -> None:
    """Files are not stored with the request."""
    wire = _provider(KEYS).build_request(ask(user(File(data="QUJD", mime_type="image/png"))), {})
    assert (wire.body, wire.raw_request) == (b'"QUJD"', '"<TENSORZERO_FILE_0>"')
    assert isinstance(wire.headers, HeaderBlock) and "hush" not in repr(wire)
