"""Which reading route is answered by which question. A new one is one line. Cold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from msgspec import Struct

from tzproxy.errors import StoreError
from tzproxy.http.app import Handler
from tzproxy.http.exchange import Exchange
from tzproxy.http.reading.asked import ReadBodyRoute, ReadRoute
from tzproxy.http.reading.evaluations import HumanFeedbackRoute
from tzproxy.http.reading.inferences import CountInferencesRoute, GetInferencesRoute, ListInferencesRoute
from tzproxy.reading.evaluation_runs import EvaluationReader
from tzproxy.reading.inferences import InferenceReader
from tzproxy.reading.pages import PageReader
from tzproxy.reading.readers import Readers
from tzproxy.reading.statistics import StatisticsReader
from tzproxy.reading.workflow_runs import WorkflowReader
from tzproxy.types.evaluation_pages import (
    EvaluationRunPage,
    EvaluationRunSearch,
    ResultPage,
    RunIds,
    RunsOfDatapoint,
    RunsOfFunction,
    StatisticsAsked,
    UsageOfRuns,
)
from tzproxy.types.pages import ById, EpisodePage, FeedbackPage, MetadataPage, Nothing
from tzproxy.types.statistics import (
    CacheAsked,
    CountAsked,
    FunctionAsked,
    LatencyAsked,
    MetricCountAsked,
    PerformanceAsked,
    SeriesAsked,
    ThroughputAsked,
    UsageAsked,
    VariantTotalsAsked,
    VariantUsageAsked,
)
from tzproxy.types.workflow_pages import (
    ProjectPage,
    RunAsked,
    RunEpisodePage,
    RunPage,
    RunsAsked,
    RunSearch,
    TaskPage,
)

_FEEDBACK = "/internal/feedback/{id}"
PAGES: tuple[tuple[str, str, type[Struct], Callable[[PageReader, Any], Awaitable[object]]], ...] = (
    ("GET", "/internal/inference_metadata", MetadataPage, PageReader.inference_metadata),
    ("GET", "/internal/model_inferences/{id}", ById, PageReader.model_inferences),
    ("GET", "/internal/resolve_uuid/{id}", ById, PageReader.resolve),
    ("GET", _FEEDBACK, FeedbackPage, PageReader.feedback),
    ("GET", f"{_FEEDBACK}/bounds", ById, PageReader.feedback_bounds),
    ("GET", f"{_FEEDBACK}/count", ById, PageReader.feedback_count),
    ("GET", f"{_FEEDBACK}/latest_id_by_metric", ById, PageReader.latest_feedback),
    ("GET", f"{_FEEDBACK}/demonstrations", FeedbackPage, PageReader.demonstrations),
    ("GET", "/internal/episodes", EpisodePage, PageReader.episodes),
    ("POST", "/internal/episodes", EpisodePage, PageReader.episodes),
    ("GET", "/internal/episodes/bounds", Nothing, PageReader.episode_bounds),
    ("GET", "/internal/episodes/{id}/inference_count", ById, PageReader.episode_inferences),
)

_FUNCTION = "/internal/functions/{function_name}"
STATISTICS: tuple[tuple[str, type[Struct], Callable[[StatisticsReader, Any], Awaitable[object]]], ...] = (
    ("/internal/functions/inference_counts", Nothing, StatisticsReader.inference_counts),
    (f"{_FUNCTION}/inference_count", CountAsked, StatisticsReader.inference_count),
    (f"{_FUNCTION}/inference_count/{{metric_name}}", MetricCountAsked, StatisticsReader.metric_count),
    (f"{_FUNCTION}/metrics", FunctionAsked, StatisticsReader.metrics),
    (f"{_FUNCTION}/variant_performances", PerformanceAsked, StatisticsReader.performances),
    (f"{_FUNCTION}/throughput_by_variant", ThroughputAsked, StatisticsReader.throughput),
    (f"{_FUNCTION}/variant_usage", VariantUsageAsked, StatisticsReader.variant_usage),
    ("/internal/variant_statistics", VariantTotalsAsked, StatisticsReader.variant_totals),
    ("/internal/models/count", Nothing, StatisticsReader.model_count),
    ("/internal/models/usage", UsageAsked, StatisticsReader.model_usage),
    ("/internal/models/latency", LatencyAsked, StatisticsReader.model_latency),
    ("/internal/models/cache_statistics", CacheAsked, StatisticsReader.provider_caches),
    ("/internal/feedback/timeseries", SeriesAsked, StatisticsReader.feedback_series),
)

_WORKFLOW = "/internal/workflow_evaluations"
WORKFLOW: tuple[tuple[str, type[Struct], Callable[[WorkflowReader, Any], Awaitable[object]]], ...] = (
    (f"{_WORKFLOW}/projects", ProjectPage, WorkflowReader.projects),
    (f"{_WORKFLOW}/projects/count", Nothing, WorkflowReader.project_count),
    (f"{_WORKFLOW}/list_runs", RunPage, WorkflowReader.runs),
    (f"{_WORKFLOW}/get_runs", RunsAsked, WorkflowReader.runs_by_id),
    (f"{_WORKFLOW}/runs/count", Nothing, WorkflowReader.run_count),
    (f"{_WORKFLOW}/runs/search", RunSearch, WorkflowReader.search),
    (f"{_WORKFLOW}/run_statistics", RunAsked, WorkflowReader.statistics),
    (f"{_WORKFLOW}/run_episodes", RunEpisodePage, WorkflowReader.episodes),
    (f"{_WORKFLOW}/run_episodes/count", RunAsked, WorkflowReader.episode_count),
    (f"{_WORKFLOW}/episodes_by_task_name", TaskPage, WorkflowReader.tasks),
    (f"{_WORKFLOW}/episodes_by_task_name/count", TaskPage, WorkflowReader.task_count),
)

_EVALUATIONS = "/internal/evaluations"
EVALUATIONS: tuple[tuple[str, type[Struct], Callable[[EvaluationReader, Any], Awaitable[object]]], ...] = (
    (f"{_EVALUATIONS}/runs/count", Nothing, EvaluationReader.run_count),
    (f"{_EVALUATIONS}/runs", EvaluationRunPage, EvaluationReader.runs),
    (f"{_EVALUATIONS}/runs/search", EvaluationRunSearch, EvaluationReader.search),
    (f"{_EVALUATIONS}/run_infos", RunsOfFunction, EvaluationReader.infos),
    (
        f"{_EVALUATIONS}/datapoints/{{datapoint_id}}/run_infos",
        RunsOfDatapoint,
        EvaluationReader.infos_of_datapoint,
    ),
    (f"{_EVALUATIONS}/run_metadata", RunIds, EvaluationReader.metadata),
    (f"{_EVALUATIONS}/datapoint_count", RunsOfFunction, EvaluationReader.datapoint_count),
    (f"{_EVALUATIONS}/statistics", StatisticsAsked, EvaluationReader.statistics),
    (f"{_EVALUATIONS}/usage_statistics", UsageOfRuns, EvaluationReader.usage),
    (f"{_EVALUATIONS}/results", ResultPage, EvaluationReader.results),
)


def reading_routes(inferences: InferenceReader, readers: Readers | None) -> dict[tuple[str, str], Handler]:
    """Put routes in front of what reads. `readers` None: there is no store, and every page says so."""
    routes: dict[tuple[str, str], Handler] = {
        ("POST", "/v1/inferences/list_inferences"): ListInferencesRoute(inferences),
        ("POST", "/v1/inferences/get_inferences"): GetInferencesRoute(inferences),
        ("POST", "/internal/inferences/count"): CountInferencesRoute(inferences),
    }
    for method, path, kind, read in PAGES:
        made = ReadRoute if method == "GET" else ReadBodyRoute
        routes[method, path] = refuse if readers is None else made(kind, partial(read, readers.pages))
    for path, kind, compute in STATISTICS:
        routes["GET", path] = (
            refuse if readers is None else ReadRoute(kind, partial(compute, readers.statistics))
        )
    for path, kind, find in WORKFLOW:
        routes["GET", path] = (
            refuse if readers is None else ReadRoute(kind, partial(find, readers.workflow_runs))
        )
    for path, kind, ask in EVALUATIONS:
        routes["GET", path] = (
            refuse if readers is None else ReadRoute(kind, partial(ask, readers.evaluation_runs))
        )
    routes["POST", f"{_EVALUATIONS}/datapoints/{{datapoint_id}}/get_human_feedback"] = (
        refuse if readers is None else HumanFeedbackRoute(readers.evaluation_runs)
    )
    return routes


async def refuse(exchange: Exchange) -> None:
    """Say that nothing is recorded.

    Raises:
        StoreError: always.
    """
    raise StoreError("What was recorded is read from a ClickHouse store, and there is none.")
