from __future__ import annotations

import logging

import pytest

from tzproxy.config.credentials import (
    Credential,
    DynamicCredential,
    FallbackCredential,
    MissingCredential,
    NoCredential,
    SdkCredential,
    StaticCredential,
)
from tzproxy.config.secret import Secret
from tzproxy.providers.credentials import JSON_CONTENT, HeaderAuth, build_headers
from tzproxy.providers.errors import ProviderError

OPENAI = HeaderAuth(display="OpenAI")
KEYED = HeaderAuth(display="XAI", optional=False)


def _key(
    credential: Credential, given: dict[str, str] | None = None, auth: HeaderAuth = OPENAI
) -> str | None:
    block = build_headers(auth, credential).resolve(given or {})
    assert block.pairs[0] == JSON_CONTENT
    return dict(block.pairs).get(auth.header)


def test_static_key() -> None:
    """A key known at start-up is encoded once and sent with every request."""
    headers = build_headers(OPENAI, StaticCredential(Secret("sk-1")))
    assert headers.resolve({}) is headers.resolve({"other": "x"})
    assert _key(StaticCredential(Secret("sk-1"))) == "Bearer sk-1"


def test_header_and_prefix() -> None:
    """A type may take its key in a header of its own without a prefix."""
    auth = HeaderAuth(display="Azure", header="api-key", prefix="")
    assert _key(StaticCredential(Secret("k")), auth=auth) == "k"


def test_dynamic_key() -> None:
    """A dynamic key comes from the request; keys that nobody asked for are ignored."""
    assert _key(DynamicCredential("mine"), {"mine": "sk-2", "unused": "x"}) == "Bearer sk-2"


def test_no_key() -> None:
    """A type that works without a key sends none when told so."""
    assert _key(NoCredential()) is None


@pytest.mark.parametrize(
    ("credential", "auth", "message"),
    [
        (DynamicCredential("k"), OPENAI, "OpenAI: Dynamic api key `k` is missing"),
        (NoCredential(), KEYED, "XAI: No credentials are set"),
        (SdkCredential(), OPENAI, "OpenAI: No credentials are set"),
        (
            MissingCredential("API key missing for provider OpenAI: Environment variable `X` is missing"),
            OPENAI,
            "OpenAI: Environment variable `X` is missing",
        ),
        (
            FallbackCredential(DynamicCredential("a"), DynamicCredential("b")),
            OPENAI,
            "OpenAI: Dynamic api key `b` is missing",
        ),
    ],
)
def test_missing_keys(credential: Credential, auth: HeaderAuth, message: str) -> None:
    """A request without a usable key fails with the words and the status of the original."""
    with pytest.raises(ProviderError) as raised:
        build_headers(auth, credential).resolve({})
    assert raised.value.message == f"API key missing for provider {message}"
    assert raised.value.status == 400


def test_fallback(caplog: pytest.LogCaptureFixture) -> None:
    """The fallback serves, with a warning, only while the default has nothing."""
    credential = FallbackCredential(DynamicCredential("a"), StaticCredential(Secret("sk-fallback")))
    with caplog.at_level(logging.WARNING):
        assert _key(credential, {"a": "sk-a"}) == "Bearer sk-a"
        assert not caplog.messages
        assert _key(credential) == "Bearer sk-fallback"
    assert caplog.messages == [
        "Using fallback credential, as default credential is unavailable: "
        "API key missing for provider OpenAI: Dynamic api key `a` is missing"
    ]


@pytest.mark.parametrize("bad", ["sk\r\nx-evil: 1", "sk\n", "sk\x00"])
def test_keys_cannot_carry_headers(bad: str) -> None:
    """A key with control characters is refused without being repeated."""
    with pytest.raises(ProviderError) as dynamic:
        build_headers(OPENAI, DynamicCredential("k")).resolve({"k": bad})
    with pytest.raises(ProviderError) as static:
        build_headers(OPENAI, StaticCredential(Secret(bad))).resolve({})
    for raised in (dynamic, static):
        assert "sk" not in raised.value.message
        assert raised.value.__cause__ is None
