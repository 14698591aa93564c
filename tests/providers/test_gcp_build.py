from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tzproxy.config.credentials import (
    DynamicCredential,
    FallbackCredential,
    MissingCredential,
    NoCredential,
    SdkCredential,
    StaticCredential,
)
from tzproxy.config.secret import Secret
from tzproxy.errors import ConfigError
from tzproxy.providers import gcp_auth
from tzproxy.providers.credentials import must_prepare, prepare_headers
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gcp_build import build_gcp_headers, host_of
from tzproxy.providers.settings import ALONE
from tzproxy.upstream import HeaderBlock

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
ACCOUNT = {"private_key_id": "kid", "private_key": PEM, "client_email": "a@b.iam"}


def _bearer(block: HeaderBlock) -> str:
    return dict(block.pairs)["authorization"].removeprefix("Bearer ")


def test_hosts() -> None:
    """One location has a host of its own."""
    assert host_of("global") == "aiplatform.googleapis.com"
    assert host_of("us") == "aiplatform.us.rep.googleapis.com"
    assert host_of("eu") == "aiplatform.eu.rep.googleapis.com"
    assert host_of("us-east5") == "us-east5-aiplatform.googleapis.com"


def test_other_credentials() -> None:
    """A request may bring its token; without any the call is refused."""
    dynamic = build_gcp_headers("X", DynamicCredential("k"), host="h", surroundings=ALONE)
    assert _bearer(dynamic.resolve({"k": "t"})) == "t"
    for credential, reason in (
        (NoCredential(), "No credentials are set"),
        (MissingCredential("API key missing for provider X: gone"), "gone"),
    ):
        headers = build_gcp_headers("X", credential, host="h", surroundings=ALONE)
        with pytest.raises(ProviderError, match=f"^API key missing for provider X: {reason}$"):
            headers.resolve({})


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Google's library the configuration is refused with the way to get it."""

    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(gcp_auth, "import_module", absent)
    for credential in (StaticCredential(Secret(json.dumps(ACCOUNT))), SdkCredential()):
        with pytest.raises(ConfigError, match=r"pip install 'tzproxy\[gcp\]'"):
            build_gcp_headers("X", credential, host="h", surroundings=ALONE)


async def test_fallback() -> None:
    """A pair is prepared on both sides, and the fallback serves when the default has nothing."""
    pair = FallbackCredential(DynamicCredential("k"), StaticCredential(Secret(json.dumps(ACCOUNT))))
    headers = build_gcp_headers("X", pair, host="h", surroundings=ALONE)
    assert not must_prepare(headers)
    await prepare_headers(headers, {})
    assert _bearer(headers.resolve({"k": "t"})) == "t"
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", _bearer(headers.resolve({})))
    with_sdk = FallbackCredential(DynamicCredential("k"), SdkCredential())
    assert must_prepare(build_gcp_headers("X", with_sdk, host="h", surroundings=ALONE))
