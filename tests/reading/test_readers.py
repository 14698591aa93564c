"""Tests of `tzproxy.reading.readers`."""

from __future__ import annotations

import pytest

from tzproxy.clickhouse import AsyncStoreClient
from tzproxy.errors import NotFoundError, StoreUnavailableError
from tzproxy.reading.readers import open_readers
from tzproxy.types.filters import DemonstrationFilter
from tzproxy.types.pages import EpisodePage, Nothing
from tzproxy.types.statistics import CountAsked


async def test_readers_ask_one_store_by_one_configuration() -> None:
    """All of them know the functions that were given, and fail with the store that was given."""
    store = AsyncStoreClient("http://127.0.0.1:1/db", threads=1)
    readers = open_readers(store, {}, {}, {"f": "chat"})
    shown = DemonstrationFilter(has_demonstration=True)
    with pytest.raises(StoreUnavailableError):
        await readers.pages.episodes(EpisodePage(limit=1, function_name="f", filters=shown))
    with pytest.raises(NotFoundError):
        await readers.pages.episodes(EpisodePage(limit=1, function_name="g", filters=shown))
    with pytest.raises(NotFoundError):
        await readers.statistics.inference_count(CountAsked(function_name="g"))
    with pytest.raises(StoreUnavailableError):
        await readers.statistics.model_count(Nothing())
    await store.close()
