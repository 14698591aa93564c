"""Checks of what a request names besides its target: its episode and its namespace. Hot."""

from __future__ import annotations

import time

from tzproxy._speedups.ids import format_uuid, parse_uuid, uuid_time_ms, uuid_version
from tzproxy.errors import RequestError
from tzproxy.inference.variant import Variant

WORKFLOW_EPISODES_FROM_MS = 10_000_000_000_000
"""Episode ids from here on (the year 2286) belong to workflow evaluation runs."""
RESERVED = "tensorzero::"
"""What the names of tags and namespaces of clients do not start with."""
EARLIEST_EPISODE_MS = 1_579_751_960_000


def read_episode(given: str, field: str) -> bytes:
    """Read an episode id; `field` is where the request says it.

    Raises:
        RequestError: for what is no UUID.
    """
    try:
        return parse_uuid(given)
    except ValueError as exc:
        raise RequestError(f"{field}: UUID parsing failed: {exc}") from exc


def check_episode(given: str, episode: bytes) -> tuple[str, bytes]:
    """Check a client's episode id: a UUIDv7 that is neither too old nor in the future.

    Raises:
        RequestError: saying what is wrong with it.
    """
    if uuid_version(episode) != 7:
        raise RequestError(f"Failed to parse UUID as v7: {given}")
    at_ms = uuid_time_ms(episode)
    if at_ms >= WORKFLOW_EPISODES_FROM_MS:
        return format_uuid(episode), episode
    if at_ms < EARLIEST_EPISODE_MS:
        raise RequestError("Invalid Episode ID: Timestamp is too early")
    if at_ms // 1000 > int(time.time()):
        raise RequestError("Invalid Episode ID: Timestamp is in the future")
    return format_uuid(episode), episode


def check_namespace_name(namespace: str, field: str) -> None:
    """Check that a request may call its namespace so; `field` is where it says it.

    Raises:
        RequestError: when it may not.
    """
    if not namespace:
        raise RequestError(f"{field}: Namespace identifier cannot be empty")
    if namespace.startswith(RESERVED):
        raise RequestError(f"{field}: Namespace cannot start with `{RESERVED}`: {namespace}")


def check_namespace(variant: Variant, requested: str | None) -> None:
    """Check that a pinned variant's models may be used in the request's namespace.

    Raises:
        RequestError: naming variant, model and namespaces.
    """
    for model in variant.models():
        if model.namespace is not None and model.namespace != requested:
            subject = f"Variant `{variant.name}` uses model `{model.name}` which has namespace"
            raise namespace_mismatch(subject, model.namespace, requested)


def namespace_mismatch(subject: str, namespace: str, requested: str | None) -> RequestError:
    """Make the error for a namespaced model asked for outside its namespace."""
    wanted = "`None`" if requested is None else f"`{requested}`"
    return RequestError(
        f"{subject} `{namespace}`, but the request namespace is {wanted}. "
        "Namespaced models can only be used with a matching namespace."
    )
