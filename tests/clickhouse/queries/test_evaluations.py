"""Tests of `tzproxy.clickhouse.queries.evaluations`, on the embedded engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.evaluations import EvaluationRunRow, EvaluationStore, HumanScore

ODD = 'it\'s "odd" \\ \t\n é {x:String}'


@pytest.fixture
async def evaluations(client: StoreClient) -> AsyncIterator[EvaluationStore]:
    """The queries, on the shared database."""
    store = AsyncStoreClient(client.url, threads=1)
    yield EvaluationStore(store)
    await store.close()


async def test_a_run(client: StoreClient, evaluations: EvaluationStore) -> None:
    """It is there when the call returns, times and odd names included."""
    run_id = new_uuid7()
    row = EvaluationRunRow(
        evaluation_name=ODD,
        function_name="f",
        function_type="chat",
        dataset_name=ODD,
        variant_names=[ODD],
        metrics="[]",
        source="dataset_name",
        created_at="2026-01-02 03:04:05.678",
        updated_at="2026-01-02 03:04:05.678",
    )
    await evaluations.add_run(run_id, row)
    (read,) = client.query(
        "SELECT evaluation_name, dataset_name, variant_names, toString(created_at) AS at, snapshot_hash "
        "FROM InferenceEvaluationRuns WHERE run_id_uint = toUInt128({number:String})",
        {"number": str(UUID(run_id).int)},
    )
    assert read == {
        "evaluation_name": ODD,
        "dataset_name": ODD,
        "variant_names": [ODD],
        "at": "2026-01-02 03:04:05.678",
        "snapshot_hash": None,
    }


def add_score(client: StoreClient, value: str, **fields: str) -> str:
    """Write what a person said; return the judge's inference id."""
    row = {"metric_name": "m", "value": value, "feedback_id": new_uuid7(), **fields}
    row["evaluator_inference_id"] = new_uuid7()
    client.insert_json("StaticEvaluationHumanFeedback", json.dumps(row).encode())
    return row["evaluator_inference_id"]


async def test_human_scores(client: StoreClient, evaluations: EvaluationStore) -> None:
    """The newest one of just this output, datapoint and metric; outputs may be very long."""
    datapoint_id, output = new_uuid7(), ODD * 50_000
    assert await evaluations.find_human_score("m", datapoint_id, output) is None
    add_score(client, "true", datapoint_id=datapoint_id, output=output + " ")
    add_score(client, "true", datapoint_id=new_uuid7(), output=output)
    add_score(client, "true", datapoint_id=datapoint_id, output=output, metric_name="n")
    assert await evaluations.find_human_score("m", datapoint_id, output) is None
    add_score(client, "0.5", datapoint_id=datapoint_id, output=output)
    newest = add_score(client, "0.75", datapoint_id=datapoint_id, output=output)
    assert await evaluations.find_human_score("m", datapoint_id, output) == HumanScore("0.75", newest)


async def test_what_people_judged(client: StoreClient, evaluations: EvaluationStore) -> None:
    """Metrics and datapoints, each pair once, and only of the metrics that are asked for."""
    first, second = new_uuid7(), new_uuid7()
    for datapoint_id, name in ((first, ODD), (first, ODD), (second, "p"), (second, "other")):
        add_score(client, "true", datapoint_id=datapoint_id, output="", metric_name=name)
    assert await evaluations.find_judged([ODD, "p", "none"]) == {(ODD, first), ("p", second)}
    assert await evaluations.find_judged([]) == frozenset()
