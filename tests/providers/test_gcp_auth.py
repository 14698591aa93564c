from __future__ import annotations

import asyncio
import base64
import json
import threading
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tzproxy.config.credentials import (
    StaticCredential,
)
from tzproxy.config.secret import Secret
from tzproxy.errors import ConfigError
from tzproxy.providers.credentials import must_prepare, prepare_headers
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gcp_auth import LIFETIME_S, RENEW_EARLY_S, SdkHeaders, ServiceAccountHeaders
from tzproxy.providers.gcp_build import build_gcp_headers, sdk_headers
from tzproxy.providers.renewal import Lease, Renewed
from tzproxy.providers.settings import ALONE
from tzproxy.upstream import HeaderBlock

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
ACCOUNT = {"private_key_id": "kid", "private_key": PEM, "client_email": "a@b.iam"}


class _Clock:
    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def _part(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=="))


def _bearer(block: HeaderBlock) -> str:
    return dict(block.pairs)["authorization"].removeprefix("Bearer ")


def test_signed_token() -> None:
    """A service account signs a token for the host that anyone can check."""
    clock = _Clock(1_000_000.7)
    headers = ServiceAccountHeaders(json.dumps(ACCOUNT), audience="https://h/", clock=clock)
    token = _bearer(headers.resolve({}))
    head, claims, signature = token.split(".")
    assert _part(head) == {"typ": "JWT", "alg": "RS256", "kid": "kid"}
    assert _part(claims) == {
        "iss": "a@b.iam",
        "sub": "a@b.iam",
        "aud": "https://h/",
        "iat": 1_000_000,
        "exp": 1_003_600,
    }
    KEY.public_key().verify(
        base64.urlsafe_b64decode(signature + "=="),
        f"{head}.{claims}".encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert not must_prepare(headers)


def _issued(block: HeaderBlock) -> int:
    issued: int = _part(_bearer(block).split(".")[1])["iat"]
    return issued


async def test_token_is_renewed_beside() -> None:
    """A signed token serves until it is nearly over; the next is signed in a thread, once, meanwhile."""
    clock = _Clock()
    headers = ServiceAccountHeaders(json.dumps(ACCOUNT), audience="https://h/", clock=clock)
    first = headers.resolve({})
    clock.now += LIFETIME_S - RENEW_EARLY_S - 1
    assert headers.resolve({}) is first
    clock.now += 1
    threads: list[int] = []
    sign = headers._encode

    def noted(*arguments: Any) -> Any:
        threads.append(threading.get_ident())
        return sign(*arguments)

    headers._encode = noted
    assert headers.resolve({}) is first and headers.resolve({}) is first
    await asyncio.get_running_loop().shutdown_default_executor()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert _issued(headers.resolve({})) == int(clock.now)
    assert len(threads) == 1 and threads[0] != threading.get_ident()


def test_token_that_expired() -> None:
    """A token that expired while nobody asked is replaced at once."""
    clock = _Clock()
    headers = ServiceAccountHeaders(json.dumps(ACCOUNT), audience="https://h/", clock=clock)
    headers.resolve({})
    clock.now += LIFETIME_S
    assert _issued(headers.resolve({})) == int(clock.now)


@pytest.mark.parametrize(
    ("account", "message"),
    [
        ("not JSON", "GCP Vertex Gemini: the service account is not JSON"),
        ("[]", "GCP Vertex Gemini: the service account is not a JSON object"),
        *(
            (json.dumps({**ACCOUNT, name: 1}), f"GCP Vertex Gemini: missing {name}")
            for name in ("private_key_id", "private_key", "client_email")
        ),
        (
            json.dumps({**ACCOUNT, "private_key": "secret text"}),
            "GCP Vertex Gemini: private_key failed to parse as RSA",
        ),
    ],
)
def test_bad_accounts(account: str, message: str) -> None:
    """A file that is no service account is a finding that does not quote it."""
    with pytest.raises(ConfigError) as raised:
        build_gcp_headers("X", StaticCredential(Secret(account)), host="h", surroundings=ALONE)
    assert raised.value.problems == [message]


def test_secrets_are_not_shown() -> None:
    """Neither the account nor a token is in a text form."""
    account = ServiceAccountHeaders(json.dumps(ACCOUNT), audience="https://h/")
    assert repr(account) == "ServiceAccountHeaders()"
    assert "Bearer" not in repr(account.resolve({}))
    assert repr(sdk_headers(ALONE)) == "SdkHeaders()"


# ---- tokens that have to be fetched


async def test_fetched_token() -> None:
    """A fetched token is what the headers are."""
    block = HeaderBlock.of([("authorization", "Bearer t")])

    async def fetch() -> Lease[HeaderBlock]:
        return Lease(block, 1e12, 1e12)

    headers = SdkHeaders(Renewed("token", fetch))
    assert must_prepare(headers)
    await prepare_headers(headers, {})
    assert headers.resolve({}) is block


async def test_failure() -> None:
    """What went wrong is said by the request that needs the token."""

    async def fetch() -> Lease[HeaderBlock]:
        raise ProviderError("no luck")

    headers = SdkHeaders(Renewed("token", fetch))
    await headers.prepare({})
    with pytest.raises(ProviderError, match="^Failed to create GCP Vertex credentials from SDK: no luck$"):
        headers.resolve({})
