"""Tests of `tzproxy.clickhouse.queries.episodes`; what pages get is tested with their routes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

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
    (of_function,) = await episodes.page(EpisodePage(limit=5, function_name="write_haiku"), "chat")
    none = await episodes.page(EpisodePage(limit=5, filters=last, function_name="other"), "chat")
    await store.close()
    assert fitting == of_function == found and none == []
    assert (found.episode_id, found.count) == (episode, 3)
    assert found.last_inference_id == max(str(row["id"]) for row in rows)


class FrugalStore(AsyncStoreClient):
    """Allows a statement 12 MB."""

    async def query(
        self, sql: str, params: Any = None, *, settings: Any = None, **_: Any
    ) -> list[dict[str, Any]]:
        """As that of a store."""
        return await super().query(sql, params, settings={**(settings or {}), "max_memory_usage": 12_000_000})


async def test_a_page_costs_no_more_where_there_are_many(migrated: StoreClient) -> None:
    """A function's newest episodes are found without looking at all that it ever had; pages are complete."""
    many = 300_000
    # Ids of one millisecond each: version 7, variant 2.
    rest = (7 << 76) | (2 << 62)
    ids = f"bitShiftLeft(toUInt128(1767225600000 + number), 80) + toUInt128('{rest}')"
    source = f"(SELECT {ids} AS episode_id_uint FROM numbers({many}))"
    for table, more, values in (
        ("EpisodeById", "count", "1"),
        ("InferenceByEpisodeId", "id_uint, function_name", "episode_id_uint + 1, 'busy'"),
    ):
        migrated.command(
            f"INSERT INTO {table} (episode_id_uint, {more}) SELECT episode_id_uint, {values} FROM {source}"
        )
    store = FrugalStore(migrated.url, threads=1)
    episodes = Episodes(store, {})
    newest = await episodes.page(EpisodePage(limit=3, function_name="busy"), "chat")
    older = await episodes.page(
        EpisodePage(limit=2, function_name="busy", before=UUID(newest[0].episode_id)), "chat"
    )
    newer = await episodes.page(
        EpisodePage(limit=2, function_name="busy", after=UUID(newest[2].episode_id)), "chat"
    )
    await store.close()
    assert older == newest[1:]
    assert newer == newest[:2]
    times = [UUID(episode.episode_id).int >> 80 for episode in newest]
    assert times == [1767225600000 + many - back for back in (1, 2, 3)]
