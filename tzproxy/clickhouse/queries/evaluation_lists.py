"""Lists of inference evaluation runs, and how they fared in numbers. Cold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.clickhouse.queries.times import written
from tzproxy.types.evaluation_pages import (
    EvaluationRunEntry,
    EvaluationRunPage,
    EvaluationRunSearch,
    FoundRun,
    RunInfo,
    UsageOfRun,
)

# A run may be written again: the newest version counts, but for when it began.
_RUNS = (
    "SELECT run_id_uint, argMax(evaluation_name, updated_at) AS evaluation_name,"
    " argMax(function_name, updated_at) AS function_name, argMax(function_type, updated_at) AS function_type,"
    " argMax(dataset_name, updated_at) AS dataset_name, argMax(variant_names, updated_at) AS variant_names,"
    " argMax(metrics, updated_at) AS metrics, argMax(snapshot_hash, updated_at) AS snapshot_hash,"
    " argMin(created_at, updated_at) AS created_at"
    " FROM InferenceEvaluationRuns{where} GROUP BY run_id_uint"
)
_ID = "toString(uint_to_uuid(run_id_uint)) AS evaluation_run_id"
_VARIANT = "if(empty(variant_names), '', variant_names[1])"
_CREATED = f"{written('toDateTime(created_at)')} AS created_at"
_SETTINGS = {"output_format_json_quote_64bit_integers": 0, "prefer_column_name_to_alias": 1}
RUN_TAG = "tensorzero::evaluation_run_id"
DATAPOINT_TAG = "tensorzero::datapoint_id"
_Rows = list[dict[str, Any]]


class EvaluationLists:
    """Looks them up. Every method raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def count(self) -> int:
        """Return how many runs there are."""
        sql = "SELECT uniqExact(run_id_uint) AS n FROM InferenceEvaluationRuns"
        return int((await self._query(sql, Parameters()))[0]["n"])

    async def runs(self, page: EvaluationRunPage) -> list[EvaluationRunEntry]:
        """Return runs, the newest first."""
        parameters = Parameters()
        sql = (
            f"SELECT {_ID}, evaluation_name, dataset_name, function_name, {_VARIANT} AS variant_name,"
            f" {_CREATED}, snapshot_hash FROM ({_RUNS.format(where='')}) ORDER BY run_id_uint DESC"
            f"{parameters.cut(page.limit, page.offset)}"
        )
        return [msgspec.convert(row, EvaluationRunEntry) for row in await self._query(sql, parameters)]

    async def search(self, asked: EvaluationRunSearch) -> list[FoundRun]:
        """Return the runs in whose id, names or first variant a text occurs, the newest first."""
        parameters = Parameters()
        text = parameters.bind(asked.query, "String")
        columns = ["toString(uint_to_uuid(run_id_uint))", "evaluation_name", "dataset_name", _VARIANT]
        found = " OR ".join(f"positionCaseInsensitiveUTF8({column}, {text}) > 0" for column in columns)
        where = f"({found})"
        for name, value in (
            ("evaluation_name", asked.evaluation_name),
            ("function_name", asked.function_name),
        ):
            if value is not None:
                where += f" AND {name} = {parameters.bind(value, 'String')}"
        sql = (
            f"SELECT {_ID}, evaluation_name, dataset_name, {_VARIANT} AS variant_name"
            f" FROM ({_RUNS.format(where='')}) WHERE {where} ORDER BY run_id_uint DESC"
            f"{parameters.cut(asked.limit, asked.offset)}"
        )
        return [msgspec.convert(row, FoundRun) for row in await self._query(sql, parameters)]

    async def infos(self, runs: Sequence[UUID], function_name: str) -> list[RunInfo]:
        """Return those of some runs that are over a function, the newest first."""
        parameters = Parameters()
        sql = (
            f"SELECT {_ID}, {_VARIANT} AS variant_name, {_CREATED}"
            f" FROM ({_RUNS.format(where=' WHERE ' + parameters.among('run_id_uint', runs))})"
            f" WHERE function_name = {parameters.bind(function_name, 'String')} ORDER BY run_id_uint DESC"
        )
        return [msgspec.convert(row, RunInfo) for row in await self._query(sql, parameters)]

    async def runs_of_datapoint(self, datapoint_id: UUID, function_name: str) -> list[UUID]:
        """Return the runs in which a function answered to a datapoint."""
        parameters = Parameters()
        name = parameters.bind(function_name, "String")
        sql = (
            f"SELECT DISTINCT value FROM TagInference WHERE key = '{RUN_TAG}' AND function_name = {name}"
            f" AND inference_id IN (SELECT inference_id FROM TagInference WHERE key = '{DATAPOINT_TAG}'"
            f" AND value = {parameters.bind(str(datapoint_id), 'String')} AND function_name = {name})"
            " AND toUUIDOrNull(value) IS NOT NULL"
        )
        return [UUID(row["value"]) for row in await self._query(sql, parameters)]

    async def metadata(self, runs: Sequence[UUID]) -> _Rows:
        """Return `evaluation_run_id`, names, `function_type` and `metrics` (JSON) of some runs."""
        parameters = Parameters()
        sql = (
            f"SELECT {_ID}, evaluation_name, function_name, function_type, metrics"
            f" FROM ({_RUNS.format(where=' WHERE ' + parameters.among('run_id_uint', runs))})"
            " ORDER BY run_id_uint"
        )
        return await self._query(sql, parameters)

    async def count_datapoints(self, runs: Sequence[UUID], function_name: str) -> int:
        """Return how many datapoints a function has answered to in some runs."""
        parameters = Parameters()
        inferences = inferences_of(parameters, runs, function_name)
        sql = (
            f"SELECT uniqExact(value) AS n FROM TagInference WHERE key = '{DATAPOINT_TAG}'"
            f" AND inference_id IN (SELECT inference_id FROM ({inferences}))"
        )
        return int((await self._query(sql, parameters))[0]["n"])

    async def metrics(self, runs: Sequence[UUID], function_name: str, names: Sequence[str]) -> _Rows:
        """Return `kind`, `run`, `metric_name`, `n`, `mean`, `stdev` (null for one value) of metrics.

        The newest feedback about an inference counts. Runs descending, metrics ascending.
        """
        parameters = Parameters()
        inferences = inferences_of(parameters, runs, function_name)
        wanted = parameters.bind(list(names), "Array(String)")
        arms = " UNION ALL ".join(
            f"SELECT '{kind}' AS kind, r.run_id AS run, toString(f.metric_name) AS metric_name, count() AS n,"
            " avg(f.newest) AS mean, stddevSamp(f.newest) AS stdev FROM"
            " (SELECT target_id, metric_name, argMax(toFloat64(value), toUInt128(id)) AS newest"
            f" FROM {table} WHERE target_id IN (SELECT inference_id FROM ({inferences}))"
            f" AND metric_name IN {wanted} GROUP BY target_id, metric_name) AS f"
            f" INNER JOIN ({inferences}) AS r ON r.inference_id = f.target_id GROUP BY run, metric_name"
            for kind, table in (
                ("boolean", "BooleanMetricFeedbackByTargetId"),
                ("float", "FloatMetricFeedbackByTargetId"),
            )
        )
        sql = f"SELECT * FROM ({arms}) ORDER BY toUInt128(toUUID(run)) DESC, metric_name"
        return await self._query(sql, parameters)

    async def usage(self, runs: Sequence[UUID], function_name: str) -> list[UsageOfRun]:
        """Return what the inferences of each run took, the newest run first."""
        parameters = Parameters()
        inferences = inferences_of(parameters, runs, function_name)
        ids = f"(SELECT inference_id FROM ({inferences}))"
        name = parameters.bind(function_name, "String")
        times = " UNION ALL ".join(
            f"SELECT id, processing_time_ms FROM {table} WHERE function_name = {name} AND id IN {ids}"
            for table in ("ChatInference", "JsonInference")
        )
        calls = (
            "SELECT inference_id, sum(input_tokens) AS input, sum(output_tokens) AS output,"
            " if(count() = count(cost), toFloat64(sum(cost)), NULL) AS cost"
            f" FROM ModelInference WHERE inference_id IN {ids} GROUP BY inference_id"
        )
        sql = (
            "SELECT r.run_id AS evaluation_run_id, count() AS inference_count,"
            " sumOrNull(c.input) AS total_input_tokens, sumOrNull(c.output) AS total_output_tokens,"
            " if(count() = count(c.cost), sum(c.cost), NULL) AS total_cost,"
            " avgOrNull(t.processing_time_ms) AS avg_processing_time_ms"
            f" FROM ({inferences}) AS r LEFT JOIN ({calls}) AS c ON c.inference_id = r.inference_id"
            f" LEFT JOIN ({times}) AS t ON t.id = r.inference_id"
            " GROUP BY r.run_id ORDER BY toUInt128(toUUID(r.run_id)) DESC SETTINGS join_use_nulls = 1"
        )
        return [msgspec.convert(row, UsageOfRun) for row in await self._query(sql, parameters)]

    async def _query(self, sql: str, parameters: Parameters) -> _Rows:
        return await self._store.query(sql, parameters.values, settings=_SETTINGS)


def inferences_of(parameters: Parameters, runs: Sequence[UUID], function_name: str | None) -> str:
    """Return a SELECT of `inference_id` and `run_id`: what a function, or any but judges, did in runs."""
    ids = parameters.bind([str(run) for run in runs], "Array(String)")
    function = "NOT startsWith(function_name, 'tensorzero::llm_judge::')"
    if function_name is not None:
        function = f"function_name = {parameters.bind(function_name, 'String')}"
    return (
        f"SELECT inference_id, any(value) AS run_id FROM TagInference WHERE key = '{RUN_TAG}'"
        f" AND value IN {ids} AND {function} GROUP BY inference_id"
    )
