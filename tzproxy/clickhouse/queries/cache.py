"""Replies of models kept in `ModelInferenceCache`. Read only for requests that ask for the cache."""

from __future__ import annotations

from msgspec import Struct, ValidationError, convert

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.types.usage import FinishReason

_COLUMNS = """
SELECT output, raw_request, raw_response, input_tokens, output_tokens, finish_reason,
    toUnixTimestamp(timestamp) AS written_s
FROM ModelInferenceCache
WHERE short_cache_key = {short:UInt64} AND long_cache_key = {long:String}"""
_NEWEST = " ORDER BY timestamp DESC LIMIT 1"
FIND = _COLUMNS + _NEWEST
FIND_SINCE = _COLUMNS + " AND timestamp > subtractSeconds(now(), {max_age_s:UInt32})" + _NEWEST


class CacheKey(Struct, frozen=True):
    """The two forms of one key: 64 hexadecimal digits, and the first 8 bytes that they stand for."""

    long: str
    short: int
    """Little-endian; the table's primary key."""


class CachedReply(Struct, frozen=True, kw_only=True):
    """A model's reply as the table keeps it.

    Units: seconds since 1970 on the clock of whoever wrote it.
    """

    output: str
    """JSON: blocks of a whole answer, chunks of a stream, or a vector."""
    raw_request: str
    raw_response: str
    input_tokens: int | None
    output_tokens: int | None
    finish_reason: FinishReason | None
    written_s: float


class CachedReplies:
    """Looks replies up in the store."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def find(self, key: CacheKey, *, max_age_s: int | None) -> CachedReply | None:
        """Return the newest reply under a key that is not older than `max_age_s`; None: there is none.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        params: dict[str, object] = {"short": key.short, "long": key.long}
        if max_age_s is not None:
            params["max_age_s"] = max_age_s
        rows = await self._store.query(FIND if max_age_s is None else FIND_SINCE, params)
        if not rows:
            return None
        try:
            return convert(rows[0], CachedReply)
        except ValidationError:
            # Written by a gateway that keeps more than this one can read.
            return None

    async def close(self) -> None:
        """Close the connections."""
        await self._store.close()
