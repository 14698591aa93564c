"""API keys as they are stored: added and disabled on the command line, looked up by gateways. Not hot.

Moments are microseconds since 1970. A key's secret never comes here, only its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.client import StoreClient
from tzproxy.clickhouse.schema.own import API_KEYS

COLUMNS = """
SELECT public_id, secret_hash, description, toUnixTimestamp64Micro(created_at) AS created_us,
    toUnixTimestamp64Micro(expires_at) AS expires_us, toUnixTimestamp64Micro(disabled_at) AS disabled_us
FROM TzproxyApiKey FINAL
"""
FIND = COLUMNS + "WHERE public_id = {public_id:String}"
LIST = COLUMNS + "ORDER BY TzproxyApiKey.created_at, public_id"
# The later row wins, also where the clocks of two servers disagree.
DISABLE = """
INSERT INTO TzproxyApiKey
    (public_id, secret_hash, description, created_at, expires_at, disabled_at, updated_at)
SELECT public_id, secret_hash, description, created_at, expires_at, now64(6),
    greatest(now64(6), addMicroseconds(updated_at, 1))
FROM TzproxyApiKey FINAL
WHERE public_id = {public_id:String} AND disabled_at IS NULL
"""
ENCODER = msgspec.json.Encoder()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StoredKey(Struct, frozen=True, kw_only=True):
    """A key as it is stored. Units: microseconds since 1970."""

    public_id: str
    secret_hash: str
    """SHA-256 of the secret part, hexadecimal."""
    description: str = ""
    created_us: int
    expires_us: int | None = None
    """None: it never expires."""
    disabled_us: int | None = None
    """None: it is not disabled."""

    def __repr__(self) -> str:
        return f"StoredKey(public_id={self.public_id!r})"


class ApiKeyTable:
    """The table, for commands. What was written is in force when a method returns."""

    def __init__(self, store: StoreClient) -> None:
        self._store = store

    def add(self, keys: Sequence[StoredKey]) -> None:
        """Write new keys, all of them or none. One that was disabled here later than there stays so.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        lines = b"\n".join(ENCODER.encode(_row(key)) for key in keys)
        self._store.insert_json(API_KEYS.name, lines, settings={"async_insert": 0})

    def find(self, public_id: str) -> StoredKey | None:
        """Return a key, None when there is no such.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        rows = self._store.query(FIND, {"public_id": public_id})
        return _key(rows[0]) if rows else None

    def all(self) -> list[StoredKey]:
        """Return all keys, the oldest first.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        return [_key(row) for row in self._store.query(LIST)]

    def disable(self, public_id: str) -> StoredKey | None:
        """Disable a key from now on and return it; a disabled one stays as it is. None: there is no such.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        self._store.command(DISABLE, {"public_id": public_id}, settings={"async_insert": 0})
        return self.find(public_id)


class ApiKeyLookup:
    """Looks keys up for a gateway."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def find(self, public_id: str) -> StoredKey | None:
        """Return a key, None when there is no such.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        rows = await self._store.query(FIND, {"public_id": public_id})
        return _key(rows[0]) if rows else None

    async def close(self) -> None:
        """Close the connections."""
        await self._store.close()


def _row(key: StoredKey) -> dict[str, object]:
    return {
        "public_id": key.public_id,
        "secret_hash": key.secret_hash,
        "description": key.description,
        "created_at": _moment(key.created_us),
        "expires_at": _moment(key.expires_us),
        "disabled_at": _moment(key.disabled_us),
        "updated_at": _moment(max(key.created_us, key.disabled_us or 0)),
    }


def _key(row: dict[str, object]) -> StoredKey:
    # 64-bit integers arrive as texts.
    return msgspec.convert(row, StoredKey, strict=False)


def _moment(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    moment = EPOCH + timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
