"""Reads keys that TensorZero has in its Postgres, as CSV with a heading. Cold.

Both store the same hash of a key, so clients can keep theirs. Columns are found by the names that TensorZero
gives them; only `public_id` and `hash` have to be there, and further ones do not matter.
"""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tzproxy.auth.key import PUBLIC_ID_LENGTH
from tzproxy.clickhouse.queries.api_keys import EPOCH, StoredKey
from tzproxy.errors import RequestError

NEEDED = ("public_id", "hash")
PUBLIC_ID = re.compile(rf"[A-Za-z0-9]{{{PUBLIC_ID_LENGTH}}}")
HASH = re.compile(r"[0-9a-f]{64}")


def read_exported(lines: Iterable[str]) -> list[StoredKey]:
    """Read the keys of an export.

    Raises:
        RequestError: naming line and column of what is wrong; hashes are not repeated.
    """
    rows = csv.DictReader(lines)
    missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise RequestError(f"line 1: the heading has no column `{missing[0]}`")
    return [_key(row, f"line {rows.line_num}") for row in rows]


def _key(row: dict[str, str | None], where: str) -> StoredKey:
    public_id = (row["public_id"] or "").strip()
    if not PUBLIC_ID.fullmatch(public_id):
        raise RequestError(f"{where}: public_id: `{public_id}` is not {PUBLIC_ID_LENGTH} letters and digits")
    secret_hash = (row["hash"] or "").strip()
    if not HASH.fullmatch(secret_hash):
        raise RequestError(f"{where}: hash: not 64 hexadecimal digits in lower case")
    created_us = _moment(row, "created_at", where)
    return StoredKey(
        public_id=public_id,
        secret_hash=secret_hash,
        description=row.get("description") or "",
        created_us=time.time_ns() // 1000 if created_us is None else created_us,
        expires_us=_moment(row, "expires_at", where),
        disabled_us=_moment(row, "disabled_at", where),
    )


def _moment(row: dict[str, str | None], name: str, where: str) -> int | None:
    """Read a moment as Postgres writes it; one without an offset is UTC."""
    text = row.get(name) or ""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise RequestError(f"{where}: {name}: `{text}` is no date and time") from exc
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)
