"""`patch_openai_client`: OpenAI's client, asking a gateway in this process instead of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Literal, TypeVar, overload

if TYPE_CHECKING:
    from tzproxy.client.embedded.gateway import EmbeddedGateway

C = TypeVar("C")
GATEWAY = "__tensorzero_gateway"
"""The attribute of a patched client that keeps its gateway; TensorZero's has the same."""

TWICE = "`patch_openai_client` was called on this OpenAI client already"
NOT_PATCHED = "this OpenAI client was not patched with `patch_openai_client`"


@overload
def patch_openai_client(
    client: C,
    *,
    config_file: str | None = None,
    clickhouse_url: str | None = None,
    async_setup: Literal[True] = True,
) -> Awaitable[C]: ...


@overload
def patch_openai_client(
    client: C,
    *,
    config_file: str | None = None,
    clickhouse_url: str | None = None,
    async_setup: Literal[False],
) -> C: ...


def patch_openai_client(
    client: C, *, config_file: str | None = None, clickhouse_url: str | None = None, async_setup: bool = True
) -> C | Awaitable[C]:
    """Start a gateway inside of this process, and have an OpenAI client ask it. No port is opened.

    Args:
        client: an `openai.OpenAI` or `openai.AsyncOpenAI`; it is changed, and returned.
        config_file: a TOML file or a glob of them.
        clickhouse_url: where rows go; without one, into the embedded store.
        async_setup: return what has to be awaited for the client, which refuses requests before; else start.

    Raises:
        RuntimeError: for a client that is patched already.
        TensorZeroInternalError: when the gateway cannot start.
    """
    from tzproxy.client.openai_transport import refuse_until_ready  # noqa: PLC0415 - httpx is slow to load

    if hasattr(client, GATEWAY):
        raise RuntimeError(TWICE)
    refuse_until_ready(client)
    if async_setup:
        return _patched_later(client, config_file, clickhouse_url)
    return _attached(client, _started(config_file, clickhouse_url))


async def _patched_later(client: C, config_file: str | None, clickhouse_url: str | None) -> C:
    return _attached(client, await asyncio.to_thread(_started, config_file, clickhouse_url))


def _started(config_file: str | None, clickhouse_url: str | None) -> EmbeddedGateway:
    from tzproxy.client.embedded.gateway import EmbeddedGateway  # noqa: PLC0415 - loads all of the engine

    return EmbeddedGateway.start(config_file, clickhouse_url, None)


def _attached(client: C, gateway: EmbeddedGateway) -> C:
    from tzproxy.client.openai_transport import attach  # noqa: PLC0415 - httpx is slow to load

    attach(client, gateway)
    setattr(client, GATEWAY, gateway)
    return client


def close_patched_openai_client_gateway(client: object) -> None:
    """End the gateway of a patched client, which cannot be used any more.

    Raises:
        ValueError: for a client that was not patched.
    """
    gateway: EmbeddedGateway | None = getattr(client, GATEWAY, None)
    if gateway is None:
        raise ValueError(NOT_PATCHED)
    gateway.close()
