"""Configured providers of the messages protocol, and what they send."""

from __future__ import annotations

import json
from typing import Any

from tzproxy.config.credentials import DynamicCredential
from tzproxy.config.providers import AnthropicProviderConfig, GcpVertexAnthropicProviderConfig
from tzproxy.providers.anthropic.build import build_anthropic_provider, build_vertex_anthropic_provider
from tzproxy.providers.anthropic.provider import MessagesProvider
from tzproxy.types.model import ModelRequest

from ..samples import KEY

TYPES = ("anthropic", "gcp_vertex_anthropic")
TOKEN = {"token": "t"}


def messages(name: str = "anthropic", **changes: Any) -> MessagesProvider:
    """Build a provider, its configuration perhaps changed."""
    if name == "anthropic":
        return build_anthropic_provider(
            AnthropicProviderConfig(**{"model_name": "claude-sonnet-4-5"} | changes), KEY
        )
    fields: dict[str, Any] = {"model_id": "claude-sonnet-4-5@1", "location": "us-east5", "project_id": "p"}
    return build_vertex_anthropic_provider(
        GcpVertexAnthropicProviderConfig(**fields | changes), DynamicCredential("token")
    )


def body_of(request: ModelRequest, name: str = "anthropic", **changes: Any) -> Any:
    """Return the body of a provider's request, decoded."""
    return json.loads(messages(name, **changes).build_request(request, TOKEN).body)
