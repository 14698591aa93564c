"""Inference evaluations in the store: the table of runs, and what people said of answers. Cold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient

# The sorting key, up to its last column: outputs may be longer than what is sent as a parameter may be.
# Of several scores the newest counts.
FIND_HUMAN_SCORE = """
SELECT value, evaluator_inference_id FROM StaticEvaluationHumanFeedback
WHERE metric_name = {metric_name:String} AND datapoint_id = toUUID({datapoint_id:String})
    AND SHA256(output) = unhex({digest:String})
ORDER BY timestamp DESC, toUInt128(feedback_id) DESC
LIMIT 1
"""
FIND_JUDGED = """
SELECT DISTINCT toString(metric_name) AS metric_name, toString(datapoint_id) AS datapoint_id
FROM StaticEvaluationHumanFeedback WHERE metric_name IN {metric_names:Array(String)}
"""
ENCODER = msgspec.json.Encoder()


class HumanScore(Struct, frozen=True):
    """What a person said of an answer. `value` is JSON; the id is that of the judge's inference."""

    value: str
    evaluator_inference_id: str


class RunMetric(Struct, frozen=True, kw_only=True):
    """A metric under which a run's scores are stored."""

    name: str
    evaluator_name: str
    value_type: str
    optimize: str


class EvaluationRunRow(Struct, frozen=True, kw_only=True):
    """A row of InferenceEvaluationRuns, but for its key.

    Units: times as the store has them, UTC with milliseconds.
    """

    evaluation_name: str
    function_name: str
    function_type: str
    dataset_name: str
    variant_names: list[str]
    metrics: str
    """JSON: a list of `RunMetric`."""
    source: str
    created_at: str
    updated_at: str


class EvaluationStore:
    """Reads and writes what evaluations need. Raises StoreError when the store does not answer or refuses."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def add_run(self, run_id: str, row: EvaluationRunRow) -> None:
        """Write a run; it is there when the method returns."""
        line = {"run_id_uint": str(UUID(run_id).int), **msgspec.structs.asdict(row)}
        await self._store.insert_json("InferenceEvaluationRuns", ENCODER.encode(line), dedup_token=run_id)

    async def find_judged(self, metric_names: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Return the metrics, and datapoints with them, whose answers people have judged: seldom many."""
        if not metric_names:
            return frozenset()
        rows = await self._store.query(FIND_JUDGED, {"metric_names": list(metric_names)})
        return frozenset((row["metric_name"], row["datapoint_id"]) for row in rows)

    async def find_human_score(self, metric_name: str, datapoint_id: str, output: str) -> HumanScore | None:
        """Return a person's score of an answer to a datapoint, byte for byte; None: nobody said anything."""
        rows = await self._store.query(
            FIND_HUMAN_SCORE,
            {
                "metric_name": metric_name,
                "datapoint_id": datapoint_id,
                "digest": hashlib.sha256(output.encode()).hexdigest(),
            },
        )
        return msgspec.convert(rows[0], HumanScore) if rows else None
