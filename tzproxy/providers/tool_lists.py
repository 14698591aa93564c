"""Which tools a provider is told of: those it runs itself. Hot."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from tzproxy.types.model import ModelRequest


def encoded(tools: Iterable[object]) -> tuple[Raw, ...]:
    """Encode configured tools of the provider once."""
    return tuple(Raw(msgspec.json.encode(tool)) for tool in tools)


def requested(request: ModelRequest) -> list[Raw]:
    """Return the provider's tools in the request that are meant for the provider it is addressed to."""
    config = request.tool_config
    if config is None or not config.provider_tools:
        return []
    return [
        tool.tool
        for tool in config.provider_tools
        if tool.scope is None
        or (
            tool.scope.model_name == request.model_name
            and tool.scope.provider_name in (None, request.provider_name)
        )
    ]


def joined(*lists: Iterable[Raw]) -> Raw:
    """Write items as one JSON list."""
    return Raw(b"[" + b",".join(bytes(item) for items in lists for item in items) + b"]")
