"""Tests of `benchmarks.lists`: the engine makes rows that the gateway can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.lists.fill import fill
from benchmarks.lists.questions import questions
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate
from tzproxy.clickhouse.queries.inference_query import InferenceQuery
from tzproxy.clickhouse.queries.inferences import StoredInferences
from tzproxy.reading.inferences import api_inference


async def test_the_rows_are_inferences(tmp_path: Path) -> None:
    """Every row is read as an inference of about 1 kB, in order of time."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(tmp_path, nice=0) as store:
        client = StoreClient(store.url)
        migrate(client)
        fill(client, 200, say=lambda line: None)
        rated = client.query("SELECT count() AS n FROM FloatMetricFeedback")
        client.close()
        reading = AsyncStoreClient(store.url, threads=1)
        stored = StoredInferences(reading, {})
        rows = [row async for part in stored.rows(InferenceQuery(limit=500)) for row in part]
        await reading.close()
    assert [api_inference(row).inference_id for row in rows] == sorted((row.id for row in rows), reverse=True)
    assert sum(row.type == "json" for row in rows) == 20
    assert int(rated[0]["n"]) == 100
    assert 800 < sum(len(row.input) + len(row.output or "") for row in rows) / len(rows) < 1300
    assert len({question.name for question in questions([row.id for row in rows])}) > 20
