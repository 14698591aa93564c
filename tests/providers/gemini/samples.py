"""Configured providers of Gemini's protocol, and what they send."""

from __future__ import annotations

import json
from typing import Any

from tzproxy.config.credentials import DynamicCredential
from tzproxy.config.providers import GcpVertexGeminiProviderConfig, GoogleAIStudioGeminiProviderConfig
from tzproxy.providers.gemini.build import build_ai_studio_provider, build_vertex_gemini_provider
from tzproxy.providers.gemini.provider import GeminiProvider
from tzproxy.types.model import ModelRequest

from ..samples import KEY

VERTEX = "gcp_vertex_gemini"
STUDIO = "google_ai_studio_gemini"
TYPES = (VERTEX, STUDIO)
DISPLAY = {VERTEX: "GCP Vertex Gemini", STUDIO: "Google AI Studio Gemini"}
TOKEN = {"token": "t"}


def gemini(name: str, **changes: Any) -> GeminiProvider:
    """Build a provider, its configuration perhaps changed."""
    if name == STUDIO:
        return build_ai_studio_provider(
            GoogleAIStudioGeminiProviderConfig(**{"model_name": "m"} | changes), KEY
        )
    fields: dict[str, Any] = {"model_id": "m", "location": "us-east5", "project_id": "p"}
    return build_vertex_gemini_provider(
        GcpVertexGeminiProviderConfig(**fields | changes), DynamicCredential("token")
    )


def body_of(name: str, request: ModelRequest) -> Any:
    """Return the body of a provider's request, decoded."""
    return json.loads(gemini(name).build_request(request, TOKEN).body)
