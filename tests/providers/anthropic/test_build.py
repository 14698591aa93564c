from __future__ import annotations

import pytest

from tzproxy.config.credentials import DynamicCredential, NoCredential, SdkCredential
from tzproxy.config.providers import AnthropicProviderConfig, GcpVertexAnthropicProviderConfig
from tzproxy.providers.anthropic.build import build_anthropic_provider, build_vertex_anthropic_provider
from tzproxy.providers.errors import ProviderError

from ..samples import ask
from .samples import TOKEN, messages

VERTEX = GcpVertexAnthropicProviderConfig(model_id="claude-sonnet-4-5@1", location="global", project_id="p")


@pytest.mark.parametrize(
    ("base", "url"),
    [
        (None, "https://api.anthropic.com/v1/messages"),
        ("http://h:1/v1/", "http://h:1/v1/messages"),
        ("http://h:1/v1/messages", "http://h:1/v1/messages"),
        ("http://h:1/v1/messages/", "http://h:1/v1/messages"),
    ],
)
def test_urls(base: str | None, url: str) -> None:
    """The path is appended once, whether the base has it or not."""
    for stream in (False, True):
        wire = messages(api_base=base).build_request(ask(stream=stream), {})
        assert str(wire.endpoint) == url


def test_headers() -> None:
    """The key and the version have headers of their own."""
    assert messages().build_request(ask(), {}).headers.pairs == (
        ("content-type", "application/json"),
        ("anthropic-version", "2023-06-01"),
        ("x-api-key", "sk-test"),
    )


def test_without_key() -> None:
    """Anthropic is not called without a key."""
    provider = build_anthropic_provider(AnthropicProviderConfig(model_name="claude-3-opus-1"), NoCredential())
    with pytest.raises(
        ProviderError, match="^API key missing for provider Anthropic: No credentials are set"
    ):
        provider.build_request(ask(), {})


@pytest.mark.parametrize(
    ("location", "host"),
    [("global", "aiplatform.googleapis.com"), ("us-east5", "us-east5-aiplatform.googleapis.com")],
)
def test_vertex_urls(location: str, host: str) -> None:
    """On Vertex AI the method is part of the URL; one location has a host of its own."""
    provider = messages("gcp_vertex_anthropic", location=location)
    model = (
        f"https://{host}/v1/projects/p/locations/{location}/publishers/anthropic/models/claude-sonnet-4-5@1"
    )
    for stream, method in ((False, "rawPredict"), (True, "streamRawPredict")):
        wire = provider.build_request(ask(stream=stream), TOKEN)
        assert str(wire.endpoint) == f"{model}:{method}"
        assert dict(wire.headers.pairs)["authorization"] == "Bearer t"


async def test_preparation() -> None:
    """Only credentials that have to be fetched are prepared."""
    assert not build_vertex_anthropic_provider(VERTEX, DynamicCredential("token")).spec.prepares
    provider = build_vertex_anthropic_provider(VERTEX, SdkCredential())
    assert provider.spec.prepares
    await messages().prepare({})
