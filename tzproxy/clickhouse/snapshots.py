"""Owns the `ConfigSnapshot` table: which configurations this deployment has run with. Not hot.

Rows of events carry the hash of the configuration in force; the text behind it is kept here, one row per
configuration, refreshed whenever a gateway begins to use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from tzproxy import __version__
from tzproxy.clickhouse.client import StoreClient

_TABLE: Final = "ConfigSnapshot"
_ENCODER: Final = msgspec.json.Encoder()


class ConfigSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One configuration as it is kept."""

    hash: int
    """The configuration's hash, below 2**256."""
    config: str
    """The whole configuration as canonical TOML."""
    extra_templates: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Template name -> body, for templates that the configuration only names."""
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Tags; merged into those of an earlier row."""
    version: str = f"tzproxy {__version__}"
    """Gateway that ran with it last."""


def upsert_config_snapshot(client: StoreClient, snapshot: ConfigSnapshot) -> None:
    """Record that a configuration is in use: a new row, or the old one with its first date and merged tags.

    Raises:
        StoreError: As `StoreClient.query` and `StoreClient.insert_json` do.
    """
    row: dict[str, object] = {
        "config": snapshot.config,
        "extra_templates": dict(snapshot.extra_templates),
        "hash": str(snapshot.hash),
        "tensorzero_version": snapshot.version,
        "tags": dict(snapshot.tags),
    }
    earlier = client.query(
        f"SELECT toString(created_at) AS created_at, tags FROM {_TABLE} FINAL WHERE hash = {{hash:UInt256}}",
        {"hash": snapshot.hash},
    )
    if earlier:
        row["created_at"] = earlier[0]["created_at"]
        row["tags"] = {**earlier[0]["tags"], **snapshot.tags}
    client.insert_json(_TABLE, _ENCODER.encode(row))


def find_config_snapshot(client: StoreClient, hash_: int) -> ConfigSnapshot | None:
    """Return the configuration with a hash, or None where no gateway has run with it.

    Raises:
        StoreError: As `StoreClient.query` does.
    """
    rows = client.query(
        "SELECT config, extra_templates, tags, tensorzero_version AS version "
        f"FROM {_TABLE} FINAL WHERE hash = {{hash:UInt256}}",
        {"hash": hash_},
    )
    return msgspec.convert({"hash": hash_, **rows[0]}, ConfigSnapshot) if rows else None
