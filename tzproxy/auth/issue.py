"""Makes and disables keys, for the command line. Cold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tzproxy.auth.key import PREFIX, new_key
from tzproxy.clickhouse.queries.api_keys import EPOCH, StoredKey
from tzproxy.config.secret import Secret
from tzproxy.errors import NotFoundError, RequestError


class KeyTable(Protocol):
    """Where keys are kept. See `tzproxy.clickhouse.queries.api_keys.ApiKeyTable`."""

    def add(self, keys: Sequence[StoredKey]) -> None:
        """Write new keys."""
        ...

    def disable(self, public_id: str) -> StoredKey | None:
        """Disable a key; None: there is no such."""
        ...


def issue_key(table: KeyTable, *, expires_us: int | None = None, description: str = "") -> Secret:
    """Make a key, store its hash, and return its text, which cannot be had again.

    Args:
        table: takes the key.
        expires_us: when it expires, in microseconds since 1970; None: never.
        description: what the key is for; shown by lists.

    Raises:
        StoreError: when the store does not answer or refuses.
    """
    made = new_key()
    stored = StoredKey(
        public_id=made.key.public_id,
        secret_hash=made.key.secret_hash,
        description=description,
        created_us=time.time_ns() // 1000,
        expires_us=expires_us,
    )
    table.add([stored])
    return made.text


def disable_key(table: KeyTable, public_id: str) -> StoredKey:
    """Disable a key and return it. Somebody may give the whole key: its secret is dropped at once.

    Raises:
        NotFoundError: when there is no such key.
        StoreError: when the store does not answer or refuses.
    """
    public_id = public_id.removeprefix(PREFIX).partition("-")[0]
    key = table.disable(public_id)
    if key is None:
        raise NotFoundError(f"There is no API key with the public id `{public_id}`")
    return key


def read_expiration(text: str, *, now: datetime | None = None) -> int:
    """Read when a key is to expire; without an offset the time is UTC. Returns microseconds since 1970.

    Raises:
        RequestError: when it is no date and time, or not in the future.
    """
    try:
        moment = datetime.fromisoformat(text.strip().removesuffix("UTC").rstrip())
    except ValueError as exc:
        raise RequestError(f"expiration: `{text}` is no date and time such as 2030-12-31T23:59:59Z") from exc
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment <= (now or datetime.now(UTC)):
        raise RequestError(f"expiration: `{text}` is in the past")
    return (moment - EPOCH) // timedelta(microseconds=1)
