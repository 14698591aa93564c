"""Owns the tables that the original does not have. Data only. Not hot.

They stand apart from `TABLES`: a database gets one of them when a feature needs it, and no sooner, so that a
database shared with the original stays as that one made it.
"""

from __future__ import annotations

from typing import Final

from tzproxy.clickhouse.schema.spec import TableSpec, columns
from tzproxy.clickhouse.schema.types import MICROS, STRING

API_KEYS: Final = TableSpec(
    name="TzproxyApiKey",
    engine="ReplacingMergeTree",
    engine_args=("updated_at",),
    order_by=("public_id",),
    columns=columns(
        public_id=STRING,
        secret_hash=STRING,
        description=STRING,
        created_at=MICROS,
        expires_at=f"Nullable({MICROS})",
        disabled_at=f"Nullable({MICROS})",
        updated_at=f"{MICROS} DEFAULT now64(6)",
    ),
)
"""API keys of clients. A key's row is never changed: disabling inserts a later one."""

OWN_TABLES: Final = (API_KEYS,)
"""All of them."""
