"""The results of inference evaluation runs, one by one. Cold.

Answers and datapoints are large: which ones a page holds is found by tags, and they are read by their ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.client import SentTable
from tzproxy.clickhouse.queries.evaluation_lists import DATAPOINT_TAG, inferences_of
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.clickhouse.queries.times import written

_SENT = " IN (SELECT id FROM _sent)"
# Inferences lie in order of functions, not of ids.
_INFERENCES = " UNION ALL ".join(
    "SELECT toString(id) AS id, toString(episode_id) AS episode_id, variant_name, output, processing_time_ms"
    f" FROM {table} WHERE function_name IN {{functions:Array(String)}} AND id{_SENT}"
    for table in ("ChatInference", "JsonInference")
)
# Deleted datapoints too: what was evaluated stays visible. The newest version of each counts.
_DATAPOINTS = " UNION ALL ".join(
    "SELECT toString(id) AS id, argMax(dataset_name, updated_at) AS dataset_name,"
    " argMax(input, updated_at) AS input, argMax(tuple(output), updated_at).1 AS output,"
    " argMax(tuple(name), updated_at).1 AS name,"
    f" {written('toDateTime(argMax(tuple(staled_at), updated_at).1)')} AS staled_at"
    f" FROM {table} WHERE id{_SENT} GROUP BY id"
    for table in ("ChatInferenceDatapoint", "JsonInferenceDatapoint")
)
_SCORES = " UNION ALL ".join(
    "SELECT toString(target_id) AS target_id, toString(metric_name) AS metric_name,"
    f" argMax(toString(value), toUInt128(id)) AS value, toString(argMax(id, toUInt128(id))) AS feedback_id,"
    " argMax(tags['tensorzero::evaluator_inference_id'], toUInt128(id)) AS evaluator_inference_id,"
    " argMax(tags['tensorzero::human_feedback'], toUInt128(id)) = 'true' AS is_human"
    f" FROM {table} WHERE target_id{_SENT} AND startsWith(metric_name, 'tensorzero::')"
    " GROUP BY target_id, metric_name"
    for table in ("BooleanMetricFeedbackByTargetId", "FloatMetricFeedbackByTargetId")
)
_CALLS = (
    "SELECT toString(inference_id) AS id, sum(input_tokens) AS input_tokens,"
    " sum(output_tokens) AS output_tokens, if(count() = count(cost), toFloat64(sum(cost)), NULL) AS cost"
    f" FROM ModelInference WHERE inference_id{_SENT} GROUP BY inference_id"
)
T = TypeVar("T")
_SETTINGS = {"output_format_json_quote_64bit_integers": 0, "prefer_column_name_to_alias": 1}


class Answered(Struct, frozen=True):
    """Which inference of which run answered to which datapoint."""

    inference_id: str
    run_id: str
    datapoint_id: str
    function_name: str


class InferenceOfRun(Struct, frozen=True):
    """An answer; `output` is JSON."""

    id: str
    episode_id: str
    variant_name: str
    output: str
    processing_time_ms: int | None


class DatapointOfRun(Struct, frozen=True):
    """A datapoint; input and output are JSON."""

    id: str
    dataset_name: str
    input: str
    output: str | None
    name: str | None
    staled_at: str | None


class ScoreOfRun(Struct, frozen=True):
    """The newest value of a metric for an inference, as text."""

    target_id: str
    metric_name: str
    value: str
    feedback_id: str
    evaluator_inference_id: str
    is_human: bool


class CallsOfInference(Struct, frozen=True):
    """What all model calls of an inference took together."""

    id: str
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None


class ResultParts(Struct, frozen=True, kw_only=True):
    """Everything that a page of results is put together from."""

    inferences: dict[str, InferenceOfRun]
    datapoints: dict[str, DatapointOfRun]
    scores: dict[str, list[ScoreOfRun]]
    calls: dict[str, CallsOfInference]


class EvaluationResults:
    """Looks them up. Every method raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def page(
        self, runs: Sequence[UUID], datapoint_id: UUID | None, *, limit: int, offset: int
    ) -> list[Answered]:
        """Return the answers of some runs to a page of datapoints, the newest datapoint first."""
        parameters = Parameters()
        inferences = inferences_of(parameters, runs, None)
        where = f"key = '{DATAPOINT_TAG}' AND inference_id IN (SELECT inference_id FROM ({inferences}))"
        where += " AND toUUIDOrNull(value) IS NOT NULL"
        if datapoint_id is not None:
            where += f" AND value = {parameters.bind(str(datapoint_id), 'String')}"
        first = parameters.bind(offset, "UInt64")
        size = parameters.bind(limit, "UInt64")
        sql = (
            "SELECT toString(p.inference_id) AS inference_id, r.run_id AS run_id, p.point AS datapoint_id,"
            " p.name AS function_name FROM (SELECT inference_id, point, place, name,"
            " dense_rank() OVER (ORDER BY place DESC) AS number FROM (SELECT inference_id,"
            " any(value) AS point, toUInt128(toUUID(point)) AS place, any(toString(function_name)) AS name"
            f" FROM TagInference WHERE {where} GROUP BY inference_id)) AS p"
            f" INNER JOIN ({inferences}) AS r ON r.inference_id = p.inference_id"
            f" WHERE p.number > {first} AND p.number <= {first} + {size}"
            " ORDER BY p.place DESC, toUInt128(p.inference_id) DESC"
        )
        rows = await self._store.query(sql, parameters.values)
        return [msgspec.convert(row, Answered) for row in rows]

    async def parts(self, answered: Sequence[Answered]) -> ResultParts:
        """Return what belongs to some answers; what is gone is missing."""
        inference_ids = [entry.inference_id for entry in answered]
        functions = sorted({entry.function_name for entry in answered})
        inferences, datapoints, scores, calls = await asyncio.gather(
            self._read(_INFERENCES, inference_ids, InferenceOfRun, functions=functions),
            self._read(_DATAPOINTS, {entry.datapoint_id for entry in answered}, DatapointOfRun),
            self._read(_SCORES, inference_ids, ScoreOfRun),
            self._read(_CALLS, inference_ids, CallsOfInference),
        )
        by_target: dict[str, list[ScoreOfRun]] = {}
        for score in sorted(scores, key=lambda entry: entry.metric_name, reverse=True):
            by_target.setdefault(score.target_id, []).append(score)
        return ResultParts(
            inferences={row.id: row for row in inferences},
            datapoints={row.id: row for row in datapoints},
            scores=by_target,
            calls={row.id: row for row in calls},
        )

    async def _read(self, sql: str, ids: Iterable[str], shape: type[T], **values: object) -> list[T]:
        lines = b"\n".join(b'{"id":"%s"}' % entry.encode() for entry in ids)
        sent = SentTable(name="_sent", columns=("id UUID",), lines=lines)
        decoder = msgspec.json.Decoder(shape, strict=False)
        found: list[T] = []
        async for part in self._store.stream(sql, values, settings=_SETTINGS, table=sent):
            found.extend(decoder.decode(line) for line in part)
        return found
