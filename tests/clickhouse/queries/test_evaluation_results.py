"""Tests of `tzproxy.clickhouse.queries.evaluation_results`; what pages get is tested in `tests/reading`."""

from __future__ import annotations

from uuid import UUID

from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.evaluation_results import Answered, EvaluationResults, ResultParts

ID = "01900000-0000-7000-8000-000000000001"


async def test_nothing_is_nothing(migrated: StoreClient) -> None:
    """What does not exist is missing."""
    store = AsyncStoreClient(migrated.url, threads=1)
    results = EvaluationResults(store)
    assert await results.page([UUID(ID)], UUID(ID), limit=5, offset=0) == []
    parts = await results.parts([Answered(ID, ID, ID, "f")])
    assert parts == ResultParts(inferences={}, datapoints={}, scores={}, calls={})
    await store.close()
