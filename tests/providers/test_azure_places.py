from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from tzproxy.config.credentials import (
    Credential,
    DynamicCredential,
    FallbackCredential,
    MissingSetting,
    SdkSetting,
    Setting,
    StaticCredential,
)
from tzproxy.config.locations import DynamicLocation, LiteralLocation
from tzproxy.config.providers import AzureProviderConfig
from tzproxy.config.secret import Secret
from tzproxy.errors import ConfigError
from tzproxy.providers.azure_places import azure_endpoint
from tzproxy.providers.chat_completions.build import build_chat_provider
from tzproxy.providers.embeddings import build_embeddings
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.settings import ALONE, EndpointSource, Surroundings
from tzproxy.types.embedding import EmbeddingRequest
from tzproxy.upstream import Endpoint

from .samples import ask

CONFIG = AzureProviderConfig(deployment_id="d/1", endpoint=LiteralLocation("https://r.openai.azure.com"))
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln"
PATH = "/openai/deployments/d%2F1/chat/completions"


def _endpoint(place: str) -> Endpoint:
    config = structs.replace(CONFIG, endpoint=LiteralLocation(place))
    found = azure_endpoint(config, ALONE, "chat", "completions")
    assert isinstance(found, Endpoint)
    return found


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("https://h", f"{PATH}?api-version=2025-04-01-preview"),
        ("https://h/", f"{PATH}?api-version=2025-04-01-preview"),
        ("https://h/sub/", f"/sub/{PATH}?api-version=2025-04-01-preview"),
        ("https://h?api-version=2024-10-21", f"{PATH}?api-version=2024-10-21"),
        ("https://h?a=b", f"{PATH}?a=b&api-version=2025-04-01-preview"),
    ],
)
def test_version(place: str, target: str) -> None:
    """The version is ours unless the endpoint names one; it is never there twice."""
    assert _endpoint(place).target.decode() == target


def test_endpoint_of_the_request() -> None:
    """An endpoint may come with the request, which is refused without it."""
    config = structs.replace(CONFIG, endpoint=DynamicLocation("where"))
    found = azure_endpoint(config, ALONE, "embeddings")
    assert not isinstance(found, Endpoint)
    source: EndpointSource = found
    target = source.resolve({"where": "https://h?api-version=1"}).target.decode()
    assert target == "/openai/deployments/d%2F1/embeddings?api-version=1"
    for given, message in (
        ({}, "Dynamic endpoint 'where' not found in credentials"),
        ({"where": "nonsense"}, "Invalid dynamic endpoint URL: nonsense"),
    ):
        with pytest.raises(ProviderError) as raised:
            source.resolve(given)
        assert raised.value.message == message


@pytest.mark.parametrize(
    ("setting", "message"),
    [(MissingSetting("X is missing"), "Azure endpoint: X is missing"), (SdkSetting(), "it must be a URL")],
)
def test_endpoint_that_is_not_there(setting: Setting, message: str) -> None:
    """An endpoint that is not there is a finding about the configuration."""
    with pytest.raises(ConfigError, match=message):
        azure_endpoint(CONFIG, Surroundings(setting=lambda location: setting), "chat")


# ---- keys and tokens


@pytest.mark.parametrize(
    ("credential", "given"),
    [
        (StaticCredential(Secret(TOKEN)), {}),
        (DynamicCredential("k"), {"k": TOKEN}),
        (FallbackCredential(DynamicCredential("k"), StaticCredential(Secret("key"))), {"k": TOKEN}),
    ],
)
def test_entra_token(credential: Credential, given: dict[str, str]) -> None:
    """A token of Entra ID is a bearer token, wherever it comes from; nothing is sent as a key then."""
    providers: list[Any] = [build_chat_provider(CONFIG, credential), build_embeddings(CONFIG, credential)]
    for built, request in zip(providers, (ask(), EmbeddingRequest("x")), strict=True):
        headers = dict(built.build_request(request, given).headers.pairs)
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert "api-key" not in headers


@pytest.mark.parametrize("key", ["0123456789abcdef" * 2, "eyJ0", "eyJ.a", "a.b.c", "eyJ.a.b.c"])
def test_key(key: str) -> None:
    """Everything else is a key."""
    built = build_chat_provider(CONFIG, StaticCredential(Secret(key)))
    headers = dict(built.build_request(ask(), {}).headers.pairs)
    assert headers["api-key"] == key and "authorization" not in headers
