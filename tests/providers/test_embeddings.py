"""Tests of `tzproxy.providers.embeddings`: requests byte for byte, answers, and what is wrong with them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.config.credentials import DynamicCredential, NoCredential, StaticCredential
from tzproxy.config.locations import DynamicLocation, LiteralLocation
from tzproxy.config.providers import (
    AnthropicProviderConfig,
    AzureProviderConfig,
    OpenAIProviderConfig,
    OpenRouterProviderConfig,
)
from tzproxy.config.secret import Secret
from tzproxy.errors import ConfigError
from tzproxy.providers.embeddings import OpenAIEmbeddings, build_embeddings
from tzproxy.providers.errors import ProviderError
from tzproxy.types.embedding import EmbeddingInput, EmbeddingRequest, count_inputs
from tzproxy.types.usage import NO_USAGE, Usage

KEY = StaticCredential(Secret("sk-1"))
OPENAI = OpenAIProviderConfig(model_name="ada")
AZURE = AzureProviderConfig(deployment_id="my ada", endpoint=LiteralLocation("https://x.azure.test"))


def sent(provider: OpenAIEmbeddings, request: EmbeddingRequest, **credentials: str) -> tuple[str, Any, bytes]:
    """Return URL, headers and body of a request."""
    wire = provider.build_request(request, credentials)
    assert wire.raw_request == wire.body.decode()
    url = wire.endpoint.origin_without_default_port + wire.endpoint.target.decode()
    return url, dict(wire.headers.pairs), wire.body


def test_openai() -> None:
    """The key as bearer token; what is not asked for is left out."""
    url, headers, body = sent(build_embeddings(OPENAI, KEY), EmbeddingRequest("é"))
    assert url == "https://api.openai.com/v1/embeddings"
    assert headers == {"content-type": "application/json", "authorization": "Bearer sk-1"}
    assert body == '{"model":"ada","input":"é","encoding_format":"float"}'.encode()


@pytest.mark.parametrize("given", ["x", ["x", "y"], [1, 2], [[1], [2, 3]]])
def test_all_forms_of_input(given: EmbeddingInput) -> None:
    """They pass as they are, dimensions and format with them."""
    provider = build_embeddings(OPENAI, NoCredential())
    _, headers, body = sent(provider, EmbeddingRequest(given, 8, "base64"))
    assert json.loads(body) == {"model": "ada", "input": given, "dimensions": 8, "encoding_format": "base64"}
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://up.test/v1/", "http://up.test/v1/embeddings"),
        ("http://up.test/v1", "http://up.test/v1/embeddings"),
    ],
)
def test_a_base_url(base: str, url: str) -> None:
    """With or without a slash at its end."""
    config = OpenAIProviderConfig(model_name="ada", api_base=base)
    assert sent(build_embeddings(config, KEY), EmbeddingRequest("x"))[0] == url


def test_azure() -> None:
    """The deployment is part of the path, the key has a header of its own, no model is named."""
    url, headers, body = sent(build_embeddings(AZURE, KEY), EmbeddingRequest("x", 3))
    assert url == (
        "https://x.azure.test/openai/deployments/my%20ada/embeddings?api-version=2025-04-01-preview"
    )
    assert headers["api-key"] == "sk-1"
    assert body == b'{"input":"x","dimensions":3,"encoding_format":"float"}'


def test_azure_with_an_endpoint_of_the_request() -> None:
    """It comes with the credentials, and its absence is told."""
    config = AzureProviderConfig(deployment_id="d", endpoint=DynamicLocation("where"))
    provider = build_embeddings(config, KEY)
    url, _, _ = sent(provider, EmbeddingRequest("x"), where="http://y.test")
    assert url.startswith("http://y.test/openai/deployments/d/embeddings?")
    with pytest.raises(ProviderError, match="where"):
        provider.build_request(EmbeddingRequest("x"), {})


def test_openrouter() -> None:
    """Dimensions are dropped in silence; the service is told who calls."""
    config = OpenRouterProviderConfig(model_name="openai/ada")
    url, headers, body = sent(build_embeddings(config, KEY), EmbeddingRequest("x", 3))
    assert url == "https://openrouter.ai/api/v1/embeddings"
    assert body == b'{"model":"openai/ada","input":"x","encoding_format":"float"}'
    assert {name.lower() for name in headers} >= {"x-title", "http-referer"}


def test_a_key_of_the_request() -> None:
    """It is used, and missed when it does not come."""
    provider = build_embeddings(OPENAI, DynamicCredential("mine"))
    assert sent(provider, EmbeddingRequest("x"), mine="k")[1]["authorization"] == "Bearer k"
    with pytest.raises(ProviderError, match="Dynamic api key `mine` is missing"):
        provider.build_request(EmbeddingRequest("x"), {})


def test_other_types_do_not_embed() -> None:
    """The configuration says so at start."""
    with pytest.raises(ConfigError, match="Unsupported provider config for embedding: anthropic"):
        build_embeddings(AnthropicProviderConfig(model_name="c"), KEY)


def test_an_answer() -> None:
    """Vectors keep the provider's own digits and order; usage has no output."""
    body = (
        b'{"object":"list","data":[{"embedding":[0.1, -0.20000000298023224],"index":0},'
        b'{"index":1,"embedding":"QUJD"}],"usage":{"prompt_tokens":4,"total_tokens":4}}'
    )
    response = build_embeddings(OPENAI, KEY).parse_response(body)
    assert [bytes(vector) for vector in response.vectors] == [b"[0.1, -0.20000000298023224]", b'"QUJD"']
    assert response.usage == Usage(4, 0)
    assert response.raw_usage == Raw(b'{"prompt_tokens":4,"total_tokens":4}')


@pytest.mark.parametrize("usage", [b"", b',"usage":null'])
def test_usage_may_be_missing(usage: bytes) -> None:
    """Then it is unknown; Azure must tell it."""
    body = b'{"data":[{"embedding":[1]}]' + usage + b"}"
    response = build_embeddings(OPENAI, KEY).parse_response(body)
    assert (response.usage, response.raw_usage) == (NO_USAGE, None)
    with pytest.raises(ProviderError, match="usage"):
        build_embeddings(AZURE, KEY).parse_response(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"[]",
        b'{"data":{}}',
        b'{"data":[{"index":0}]}',
        b'{"data":[{"embedding":5}]}',
        b'{"data":[{"embedding":null}]}',
        b'{"data":[],"usage":{"prompt_tokens":"x"}}',
        b"\xff",
        b'{"data":[{"embedding":"\xff"}]}',
        b'{"data":[{"embedding":' + b"[" * 100_000,
    ],
)
def test_an_unreadable_answer(body: bytes) -> None:
    """The failure carries it."""
    with pytest.raises(
        ProviderError, match="Error from openai server: Error parsing JSON response: "
    ) as caught:
        build_embeddings(OPENAI, KEY).parse_response(body)
    assert caught.value.raw_response == body.decode(errors="replace")


@pytest.mark.parametrize(
    ("given", "count"), [("", 1), (["x"], 1), (["x", "y"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2), ([], 0)]
)
def test_counting_inputs(given: EmbeddingInput, count: int) -> None:
    """A list of tokens is one text."""
    assert count_inputs(given) == count
