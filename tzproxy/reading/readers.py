"""What answers pages, put together. Cold."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.inference_query import FunctionType
from tzproxy.config.functions import MetricConfig
from tzproxy.inference.function import Function
from tzproxy.reading.evaluation_runs import EvaluationReader
from tzproxy.reading.pages import PageReader
from tzproxy.reading.statistics import StatisticsReader
from tzproxy.reading.workflow_runs import WorkflowReader


class Readers(Struct, frozen=True):
    """There is none of it without a store."""

    pages: PageReader
    statistics: StatisticsReader
    workflow_runs: WorkflowReader
    evaluation_runs: EvaluationReader


def open_readers(
    store: AsyncStoreClient,
    metrics: Mapping[str, MetricConfig],
    functions: Mapping[str, Function],
    types: Mapping[str, FunctionType],
) -> Readers:
    """Read from a store by a configuration.

    Args:
        store: where from.
        metrics: the metrics, those of evaluators included.
        functions: the functions that are configured.
        types: the type of every function whose inferences may be stored.
    """
    return Readers(
        PageReader(store, metrics, types),
        StatisticsReader(store, metrics, functions),
        WorkflowReader(store),
        EvaluationReader(store),
    )
