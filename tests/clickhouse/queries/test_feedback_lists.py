"""Tests of `tzproxy.clickhouse.queries.feedback_lists`; what pages get is tested with their routes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from clickhouse.rows import float_feedback, lines
from tzproxy._speedups.ids import format_uuid, new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.feedback_lists import FeedbackLists
from tzproxy.types.pages import FeedbackPage


def id_at(ms: int) -> str:
    """Make an id of that time whose second half sorts the other way."""
    return format_uuid(
        (1_767_225_600_000 + ms).to_bytes(6, "big") + b"\x70\x00" + (0xBFFF - ms).to_bytes(8, "big")
    )


async def test_pages_across_kinds_and_values_as_they_are(client: StoreClient) -> None:
    """Pages follow one another in time across all kinds; values and tags come as they were given."""
    target = new_uuid7()
    odd = 'it\'s "{x}" \\\n'
    floats = [
        float_feedback(target, id=id_at(at), value=value) for at, value in ((0, 0.1), (4, -3), (8, 1e30))
    ]
    shared = {"target_id": target, "tags": {odd: odd}}
    booleans = [{**shared, "id": id_at(at), "metric_name": odd, "value": at == 1} for at in (1, 5)]
    comments = [{**shared, "id": id_at(at), "target_type": "episode", "value": odd} for at in (2, 6)]
    client.insert_json("FloatMetricFeedback", lines(*floats))
    client.insert_json("BooleanMetricFeedback", lines(*booleans))
    client.insert_json("CommentFeedback", lines(*comments))
    store = AsyncStoreClient(client.url, threads=1)
    feedback = FeedbackLists(store)
    pages: list[list[dict[str, Any]]] = []
    before: UUID | None = None
    while page := await feedback.page(FeedbackPage(id=UUID(target), limit=3, before=before)):
        pages.append(page)
        before = UUID(page[-1]["id"])
    latest = await feedback.latest_by_metric(UUID(target))
    await store.close()
    rows = [row for page in pages for row in page]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [row["id"] for row in rows] == [id_at(at) for at in (8, 6, 5, 4, 2, 1, 0)]
    assert [row["value"] for row in rows] == [1e30, odd, False, -3, odd, True, 0.1]
    assert [type(rows[place]["value"]) for place in (0, 3)] == [float, float]
    assert rows[1]["tags"] == {odd: odd} and rows[1]["target_type"] == "episode"
    assert latest == {"score": id_at(8), odd: id_at(5)}
