from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # has no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # has no types
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.providers.aws.sigv4 import Keys, Signer
from tzproxy.upstream import Endpoint, HeaderBlock

from ..samples import PROPERTY

KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC).timestamp()
PAIRS = (("accept", "application/json"), ("content-type", "application/json"))
BLOCK = HeaderBlock.of(PAIRS)
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.amazon.nova-lite-v1%3A0/converse"


def _signed(
    url: str,
    body: bytes,
    *,
    service: str = "bedrock",
    keys: Keys = KEYS,
    block: HeaderBlock = BLOCK,
    now: float = NOW,
) -> dict[str, str]:
    signer = Signer(service, clock=lambda: now)
    signed = signer.sign(block, Endpoint.parse(url), body, region="us-east-1", keys=keys)
    assert signed.pairs[: len(block.pairs)] == block.pairs
    return dict(signed.pairs)


@pytest.mark.parametrize(
    ("service", "url", "body", "signature"),
    [
        (
            "bedrock",
            BEDROCK,
            b'{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"inferenceConfig":{"maxTokens":50}}',
            "5a4b1265f210a115853d2c9d7e0f1e5ddbd8353029b8aac8729d98309ede4ce4",
        ),
        (
            "sagemaker",
            "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/my-ep/invocations",
            b'{"messages":[{"role":"user","content":"Hi"}],"model":"gemma3:1b","max_completion_tokens":50,'
            b'"stream":false}',
            "cb3f0b1de7137e92715d64ae8936a5d0ded69bbb2d040fe4bdd3592362d70711",
        ),
    ],
)
def test_check_values(service: str, url: str, body: bytes, signature: str) -> None:
    """Known requests have their known signatures."""
    headers = _signed(url, body, service=service)
    assert headers["x-amz-date"] == "20260401T120000Z"
    assert headers["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260401/us-east-1/{service}/aws4_request, "
        f"SignedHeaders=accept;content-type;host;x-amz-date, Signature={signature}"
    )


def _reference(url: str, body: bytes, pairs: tuple[tuple[str, str], ...], keys: Keys) -> tuple[str, float]:
    """Return botocore's signature and the time at which it signed."""
    request = AWSRequest("POST", url, dict(pairs), body)
    SigV4Auth(Credentials(*keys), "bedrock", "us-east-1").add_auth(request)
    date = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return request.headers["Authorization"], date.timestamp()


@PROPERTY
@given(
    st.text(st.sampled_from("abcXYZ09-_.~%3A%2F"), max_size=20),
    st.binary(max_size=40),
    st.sampled_from([None, "token/+="]),
    st.dictionaries(
        st.sampled_from(["x-extra", "X-Other", "b"]), st.text(st.characters(codec="ascii"), max_size=9)
    ),
    st.sampled_from(["https://h.amazonaws.com", "http://127.0.0.1:9491/base"]),
)
def test_like_botocore(path: str, body: bytes, token: str | None, extra: dict[str, str], origin: str) -> None:
    """Whatever is signed, botocore signs it the same."""
    url = f"{origin}/model/m{path.replace('%', '%25')}/converse"
    values = {name: " ".join("".join(filter(str.isprintable, text)).split()) for name, text in extra.items()}
    pairs = (*PAIRS, *values.items())
    keys = Keys(KEYS.access_key_id, KEYS.secret_access_key, token)
    expected, signed_at = _reference(url, body, pairs, keys)
    found = _signed(url, body, keys=keys, block=HeaderBlock.of(pairs), now=signed_at)
    assert found["authorization"] == expected


def test_session_token() -> None:
    """A session token is sent and signed."""
    headers = _signed(BEDROCK, b"{}", keys=Keys("a", "b", "token"))
    assert headers["x-amz-security-token"] == "token"
    assert "x-amz-date;x-amz-security-token" in headers["authorization"]


def test_given_headers_stay() -> None:
    """Headers of the signature that are there already stay; a foreign authorization means no signature."""
    block = HeaderBlock.of([("X-Amz-Date", "20200101T000000Z"), ("x-amz-security-token", "mine")])
    headers = _signed(BEDROCK, b"{}", keys=Keys("a", "b", "token"), block=block)
    assert "Credential=a/20200101/us-east-1/" in headers["authorization"]
    assert list(headers) == ["X-Amz-Date", "x-amz-security-token", "authorization"]
    assert headers["x-amz-security-token"] == "mine"
    foreign = HeaderBlock.of([("Authorization", "Bearer x")])
    assert _signed(BEDROCK, b"{}", block=foreign) == {"Authorization": "Bearer x"}


def test_repeated_headers() -> None:
    """A header that is there twice is signed as one."""
    block = HeaderBlock.of([("x-a", "1"), ("X-A", "2")])
    joined = HeaderBlock.of([("x-a", "1,2")])
    assert (
        _signed(BEDROCK, b"", block=block)["authorization"]
        == (_signed(BEDROCK, b"", block=joined)["authorization"])
    )


def test_many_keys() -> None:
    """What is kept for one key, region or path never signs for another."""
    signer = Signer("bedrock", clock=lambda: NOW)
    for number in range(200):
        endpoint = Endpoint.parse(f"https://h/{number}")
        keys = Keys("a", f"secret{number}")
        fresh = Signer("bedrock", clock=lambda: NOW)
        signed = [one.sign(BLOCK, endpoint, b"", region="r", keys=keys) for one in (signer, signer, fresh)]
        assert len({block.encoded for block in signed}) == 1


def test_secrets_are_not_shown() -> None:
    """No text form shows a key."""
    assert repr(KEYS) == str(KEYS) == "Keys()"
    assert repr(Signer("bedrock")) == "Signer(bedrock)"
