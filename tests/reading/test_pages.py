"""Tests of `tzproxy.reading.pages`: what is refused before the store is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tzproxy.clickhouse import AsyncStoreClient
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.reading.pages import PageReader
from tzproxy.types.filters import DemonstrationFilter
from tzproxy.types.pages import EpisodePage, FeedbackPage, MetadataPage

ID = UUID("01900000-0000-7000-8000-000000000001")


@pytest.fixture
async def pages() -> AsyncIterator[PageReader]:
    """A reader whose store is away: whatever is asked of it fails otherwise than the tests expect."""
    store = AsyncStoreClient("http://127.0.0.1:1/db", threads=1)
    yield PageReader(store, {}, {"f": "chat"})
    await store.close()


async def test_cursors_exclude_one_another(pages: PageReader) -> None:
    """No page goes in both directions."""
    with pytest.raises(RequestError, match="Cannot specify both 'before' and 'after'"):
        await pages.inference_metadata(MetadataPage(before=ID, after=ID))
    for read in (pages.feedback, pages.demonstrations):
        with pytest.raises(RequestError, match="before and after in query_feedback_by_target_id"):
            await read(FeedbackPage(id=ID, before=ID, after=ID))
    with pytest.raises(RequestError, match="before and after in query_episode_table"):
        await pages.episodes(EpisodePage(limit=1, before=ID, after=ID))


async def test_limits_and_functions_of_episodes(pages: PageReader) -> None:
    """A page of episodes has 1 to 100, and filters need a function that is known, if one is named."""
    for limit in (0, 101):
        with pytest.raises(RequestError, match="^Limit "):
            await pages.episodes(EpisodePage(limit=limit))
    shown = DemonstrationFilter(has_demonstration=True)
    with pytest.raises(NotFoundError, match="^Unknown function: g$"):
        await pages.episodes(EpisodePage(limit=1, function_name="g", filters=shown))
