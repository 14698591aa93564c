"""Inference evaluation runs, their results and how they fared, for pages. Cold."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import msgspec
from msgspec import Raw

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.evaluation_lists import EvaluationLists
from tzproxy.clickhouse.queries.evaluation_results import Answered, EvaluationResults, ResultParts
from tzproxy.clickhouse.queries.evaluations import EvaluationStore
from tzproxy.errors import RequestError
from tzproxy.reading.ids import read_ids
from tzproxy.reading.workflow_runs import metric_of_run
from tzproxy.types.evaluation_pages import (
    EvaluationResult,
    EvaluationRunPage,
    EvaluationRunSearch,
    HumanScoreAsked,
    ResultPage,
    RunIds,
    RunsOfDatapoint,
    RunsOfFunction,
    RunStatistics,
    StatisticsAsked,
    UsageOfRuns,
)
from tzproxy.types.pages import Nothing


class EvaluationReader:
    """Answers in the API's form. One per gateway process.

    Every method raises RequestError for what cannot be asked, and StoreError when the store does not answer
    or refuses.
    """

    def __init__(self, store: AsyncStoreClient) -> None:
        self._lists = EvaluationLists(store)
        self._results = EvaluationResults(store)
        self._store = EvaluationStore(store)

    async def run_count(self, asked: Nothing) -> object:
        """Count runs."""
        return {"count": await self._lists.count()}

    async def runs(self, page: EvaluationRunPage) -> object:
        """List runs."""
        return {"runs": await self._lists.runs(page)}

    async def search(self, asked: EvaluationRunSearch) -> object:
        """Find runs by what they are called."""
        if asked.evaluation_name is None and asked.function_name is None:
            raise RequestError("At least one of `evaluation_name` or `function_name` must be provided")
        return {"results": await self._lists.search(asked)}

    async def infos(self, asked: RunsOfFunction) -> object:
        """Tell runs apart."""
        ids = read_ids(asked.evaluation_run_ids)
        return {"run_infos": await self._lists.infos(ids, asked.function_name)}

    async def infos_of_datapoint(self, asked: RunsOfDatapoint) -> object:
        """Tell apart the runs that a datapoint was part of."""
        ids = await self._lists.runs_of_datapoint(asked.datapoint_id, asked.function_name)
        return {"run_infos": await self._lists.infos(ids, asked.function_name)}

    async def metadata(self, asked: RunIds) -> object:
        """Tell what runs were about."""
        rows = await self._lists.metadata(read_ids(asked.evaluation_run_ids))
        return {
            "metadata": {
                row.pop("evaluation_run_id"): {**row, "metrics": Raw(row["metrics"].encode())} for row in rows
            }
        }

    async def datapoint_count(self, asked: RunsOfFunction) -> object:
        """Count the datapoints of runs."""
        ids = read_ids(asked.evaluation_run_ids)
        return {"count": await self._lists.count_datapoints(ids, asked.function_name)}

    async def statistics(self, asked: StatisticsAsked) -> object:
        """Tell the means of metrics, with confidence intervals."""
        names = [name for name in asked.metric_names.split(",") if name]
        rows = await self._lists.metrics(read_ids(asked.evaluation_run_ids), asked.function_name, names)
        found = []
        for row in rows:
            metric = metric_of_run(row)
            found.append(
                RunStatistics(
                    evaluation_run_id=row["run"],
                    metric_name=metric.metric_name,
                    datapoint_count=metric.count,
                    mean_metric=metric.avg_metric,
                    ci_lower=metric.ci_lower,
                    ci_upper=metric.ci_upper,
                )
            )
        return {"statistics": found}

    async def usage(self, asked: UsageOfRuns) -> object:
        """Tell what runs took."""
        ids = read_ids(asked.evaluation_run_ids)
        return {"usage_statistics": await self._lists.usage(ids, asked.function_name)}

    async def results(self, page: ResultPage) -> object:
        """List answers and their scores."""
        ids = read_ids(page.evaluation_run_ids)
        answered = await self._results.page(ids, page.datapoint_id, limit=page.limit, offset=page.offset)
        if not answered:
            return {"results": []}
        parts = await self._results.parts(answered)
        return {"results": [result for entry in answered for result in results_of(entry, parts)]}

    async def human_feedback(self, datapoint_id: UUID, asked: HumanScoreAsked) -> object:
        """Give what a person said of an answer to a datapoint, if anybody did."""
        found = await self._store.find_human_score(asked.metric_name, str(datapoint_id), asked.output)
        if found is None:
            return {}
        value = Raw(found.value.encode())
        return {"feedback": {"value": value, "evaluator_inference_id": found.evaluator_inference_id}}


def results_of(answered: Answered, parts: ResultParts) -> Iterator[EvaluationResult]:
    """Yield the results of an answer: one for each score; nothing where answer or datapoint are gone."""
    inference = parts.inferences.get(answered.inference_id)
    datapoint = parts.datapoints.get(answered.datapoint_id)
    if inference is None or datapoint is None:
        return
    calls = parts.calls.get(answered.inference_id)
    bare = EvaluationResult(
        inference_id=inference.id,
        episode_id=inference.episode_id,
        datapoint_id=datapoint.id,
        evaluation_run_id=answered.run_id,
        input=Raw(datapoint.input.encode()),
        generated_output=Raw(inference.output.encode()),
        reference_output=None if datapoint.output is None else Raw(datapoint.output.encode()),
        dataset_name=datapoint.dataset_name,
        is_human_feedback=False,
        variant_name=inference.variant_name,
        name=datapoint.name,
        staled_at=datapoint.staled_at,
        input_tokens=None if calls is None else calls.input_tokens,
        output_tokens=None if calls is None else calls.output_tokens,
        cost=None if calls is None else calls.cost,
        processing_time_ms=inference.processing_time_ms,
    )
    scores = parts.scores.get(answered.inference_id)
    if scores is None:
        yield bare
        return
    for score in scores:
        yield msgspec.structs.replace(
            bare,
            metric_name=score.metric_name,
            metric_value=score.value,
            feedback_id=score.feedback_id,
            evaluator_inference_id=score.evaluator_inference_id or None,
            is_human_feedback=score.is_human,
        )
