from __future__ import annotations

import pytest

from tzproxy.config.credentials import NoCredential, SdkCredential
from tzproxy.config.providers import GcpVertexGeminiProviderConfig, GoogleAIStudioGeminiProviderConfig
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gemini.build import build_ai_studio_provider, build_vertex_gemini_provider

from ..samples import ask
from .samples import STUDIO, TOKEN, VERTEX, gemini


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (
            {"location": "global"},
            "aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/m",
        ),
        (
            {"model_id": None, "endpoint_id": "12"},
            "us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/endpoints/12",
        ),
    ],
)
def test_vertex_urls(changes: dict[str, str], path: str) -> None:
    """On Vertex AI a model or an endpoint is called."""
    wire = gemini(VERTEX, **changes).build_request(ask(), TOKEN)
    assert str(wire.endpoint) == f"https://{path}:generateContent"
    assert dict(wire.headers.pairs)["authorization"] == "Bearer t"
    stream = gemini(VERTEX, **changes).build_request(ask(stream=True), TOKEN)
    assert str(stream.endpoint) == f"https://{path}:streamGenerateContent"
    assert stream.endpoint.target.endswith(b"?alt=sse")


def test_studio_url() -> None:
    """AI Studio's models may have a path; the key has a header of its own."""
    wire = gemini(STUDIO, model_name="a/b c?").build_request(ask(), {})
    assert str(wire.endpoint) == (
        "https://generativelanguage.googleapis.com/v1beta/models/a/b%20c%3F:generateContent"
    )
    assert dict(wire.headers.pairs)["x-goog-api-key"] == "sk-test"


def test_without_key() -> None:
    """AI Studio is not called without a key."""
    provider = build_ai_studio_provider(GoogleAIStudioGeminiProviderConfig(model_name="m"), NoCredential())
    with pytest.raises(ProviderError, match="^API key missing for provider GoogleAIStudioGemini: No cred"):
        provider.build_request(ask(), {})


def test_preparation() -> None:
    """Only credentials that have to be fetched are prepared."""
    config = GcpVertexGeminiProviderConfig(model_id="m", location="global", project_id="p")
    assert build_vertex_gemini_provider(config, SdkCredential()).spec.prepares
    assert not gemini(VERTEX).spec.prepares
