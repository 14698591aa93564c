"""Configured providers of Bedrock's Converse API, and what they send."""

from __future__ import annotations

import json
from typing import Any

from tzproxy.config.locations import LiteralLocation
from tzproxy.config.providers import AwsBedrockProviderConfig
from tzproxy.providers.bedrock.provider import BedrockProvider, build_bedrock_provider
from tzproxy.types.model import ModelRequest

from ..samples import KEY

CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


def bedrock(model: str = "m", credential: Any = KEY, **changes: Any) -> BedrockProvider:
    """Build a provider, its configuration perhaps changed."""
    fields: dict[str, Any] = {"model_id": model, "region": LiteralLocation("us-east-1")}
    return build_bedrock_provider(AwsBedrockProviderConfig(**fields | changes), credential)


def body_of(request: ModelRequest, model: str = "m") -> Any:
    """Return the body of a provider's request, decoded."""
    return json.loads(bedrock(model).build_request(request, {}).body)
