"""Tests of `tzproxy.clickhouse.queries.episodes`; what pages get is tested with their routes."""

from __future__ import annotations

from clickhouse.rows import chat_inference, lines
from tzproxy._speedups.ids import format_uuid, new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.episodes import Episodes
from tzproxy.types.filters import TagFilter
from tzproxy.types.pages import EpisodeBounds, EpisodePage


async def test_episodes(migrated: StoreClient) -> None:
    """Episodes count once however often they grew; those of workflow evaluations are left out."""
    store = AsyncStoreClient(migrated.url, threads=1)
    episodes = Episodes(store, {})
    assert await episodes.bounds() == EpisodeBounds(count=0)
    assert await episodes.page(EpisodePage(limit=5)) == []
    episode = new_uuid7()
    evaluated = format_uuid((11_000_000_000_000).to_bytes(6, "big") + b"\x70\x00\x80" + bytes(7))
    rows = [chat_inference(episode_id=episode, tags={"n": str(number)}) for number in range(3)]
    for row in (*rows, chat_inference(episode_id=evaluated)):
        migrated.insert_json("ChatInference", lines(row))
    (found,) = await episodes.page(EpisodePage(limit=5))
    last = TagFilter(key="n", value="2", comparison_operator="=")
    (fitting,) = await episodes.page(EpisodePage(limit=5, filters=last, function_name="write_haiku"), "chat")
    none = await episodes.page(EpisodePage(limit=5, filters=last, function_name="other"), "chat")
    await store.close()
    assert fitting == found and none == []
    assert (found.episode_id, found.count) == (episode, 3)
    assert found.last_inference_id == max(str(row["id"]) for row in rows)
