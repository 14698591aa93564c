"""Tests of `tzproxy.clickhouse.queries.evaluation_lists`; what pages get is tested in `tests/reading`."""

from __future__ import annotations

from uuid import UUID

from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.evaluation_lists import EvaluationLists
from tzproxy.types.evaluation_pages import EvaluationRunPage, EvaluationRunSearch

ID = UUID("01900000-0000-7000-8000-000000000001")


async def test_nothing_is_nothing(migrated: StoreClient) -> None:
    """A store without evaluations has empty lists and counts of zero."""
    store = AsyncStoreClient(migrated.url, threads=1)
    lists = EvaluationLists(store)
    assert await lists.count() == 0
    assert await lists.runs(EvaluationRunPage()) == []
    assert await lists.search(EvaluationRunSearch(query="%", evaluation_name="e", function_name="f")) == []
    assert await lists.infos([ID], "f") == []
    assert await lists.runs_of_datapoint(ID, "f") == []
    assert await lists.metadata([]) == []
    assert await lists.count_datapoints([ID], "f") == 0
    assert await lists.metrics([ID], "f", ["m"]) == []
    assert await lists.usage([ID], "f") == []
    await store.close()
