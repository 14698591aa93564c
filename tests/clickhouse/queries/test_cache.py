"""Tests of `tzproxy.clickhouse.queries.cache` against the engine."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.cache import CachedReplies, CacheKey
from tzproxy.errors import StoreError


@pytest.fixture
async def replies(migrated: StoreClient) -> AsyncIterator[CachedReplies]:
    """Look-ups in the database of `migrated`."""
    found = CachedReplies(AsyncStoreClient(migrated.url))
    yield found
    await found.close()


def keep(client: StoreClient, key: CacheKey, age_s: int = 0, **fields: Any) -> None:
    """Write a row."""
    row = {
        "short_cache_key": key.short,
        "long_cache_key": key.long,
        "timestamp": int(time.time()) - age_s,
        "output": "[]",
        "raw_request": "asked",
        "raw_response": "said",
        "input_tokens": 4_294_967_295,
        "output_tokens": None,
        "finish_reason": "tool_call",
        **fields,
    }
    client.insert_json("ModelInferenceCache", json.dumps(row).encode())


def key(short: int, digit: str = "a") -> CacheKey:
    """Make a key."""
    return CacheKey(digit * 64, short)


async def test_a_row_is_read(migrated: StoreClient, replies: CachedReplies) -> None:
    """All columns arrive, numbers as numbers and missing ones as None."""
    keep(migrated, key(2**64 - 1))
    found = await replies.find(key(2**64 - 1), max_age_s=None)
    assert found is not None
    assert (found.output, found.raw_request, found.raw_response) == ("[]", "asked", "said")
    assert (found.input_tokens, found.output_tokens, found.finish_reason) == (
        4_294_967_295,
        None,
        "tool_call",
    )
    assert abs(found.written_s - time.time()) < 600


async def test_both_keys_must_match(migrated: StoreClient, replies: CachedReplies) -> None:
    """The short key alone may be shared by chance."""
    keep(migrated, key(1))
    assert await replies.find(key(1, "b"), max_age_s=None) is None
    assert await replies.find(key(2), max_age_s=None) is None


async def test_the_newest_within_the_age_counts(migrated: StoreClient, replies: CachedReplies) -> None:
    """Rows of one key may stand beside each other until the engine merges them."""
    for age_s, output in ((50_000, '"old"'), (5_000, '"young"'), (90_000, '"older"')):
        keep(migrated, key(1), age_s, output=output)
    for limit, output in ((None, '"young"'), (20_000, '"young"')):
        found = await replies.find(key(1), max_age_s=limit)
        assert found is not None
        assert found.output == output
    assert await replies.find(key(1), max_age_s=1_000) is None
    assert await replies.find(key(1), max_age_s=0) is None


async def test_a_refused_statement_is_an_error(migrated: StoreClient, replies: CachedReplies) -> None:
    """The layer above makes a miss of it."""
    migrated.command("DROP TABLE ModelInferenceCache")
    with pytest.raises(StoreError):
        await replies.find(key(1), max_age_s=None)
