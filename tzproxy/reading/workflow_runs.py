"""Workflow evaluation runs, their episodes and how they fared, for pages. Cold."""

from __future__ import annotations

import math
from typing import Any

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.workflow_lists import WorkflowLists
from tzproxy.reading.ids import read_ids
from tzproxy.types.pages import Nothing
from tzproxy.types.workflow_pages import (
    MetricOfRun,
    ProjectPage,
    RunAsked,
    RunEpisodePage,
    RunPage,
    RunsAsked,
    RunSearch,
    TaskPage,
)

Z = 1.96
"""Of a 95 % confidence interval."""


class WorkflowReader:
    """Answers in the API's form. One per gateway process.

    Every method raises RequestError for what cannot be asked, and StoreError when the store does not answer
    or refuses.
    """

    def __init__(self, store: AsyncStoreClient) -> None:
        self._lists = WorkflowLists(store)

    async def projects(self, page: ProjectPage) -> object:
        """List projects."""
        return {"projects": await self._lists.projects(page)}

    async def project_count(self, asked: Nothing) -> object:
        """Count projects."""
        return {"count": await self._lists.count_projects()}

    async def runs(self, page: RunPage) -> object:
        """List runs."""
        return {"runs": await self._lists.runs(page)}

    async def run_count(self, asked: Nothing) -> object:
        """Count runs."""
        return {"count": await self._lists.count_runs()}

    async def runs_by_id(self, asked: RunsAsked) -> object:
        """Give runs by their ids."""
        return {"runs": await self._lists.runs_by_id(read_ids(asked.run_ids), asked.project_name)}

    async def search(self, asked: RunSearch) -> object:
        """Find runs by name or id."""
        return {"runs": await self._lists.search(asked)}

    async def statistics(self, asked: RunAsked) -> object:
        """Tell the metrics of a run's episodes, with confidence intervals."""
        rows = await self._lists.metrics(asked.run_id, asked.metric_name)
        return {"statistics": [metric_of_run(row) for row in rows]}

    async def episodes(self, page: RunEpisodePage) -> object:
        """List a run's episodes."""
        return {"episodes": await self._lists.episodes(page)}

    async def episode_count(self, asked: RunAsked) -> object:
        """Count a run's episodes."""
        return {"count": await self._lists.count_episodes(asked.run_id)}

    async def tasks(self, page: TaskPage) -> object:
        """List the episodes of several runs by task."""
        found = await self._lists.tasks(read_ids(page.run_ids), limit=page.limit, offset=page.offset)
        return {"episodes": found}

    async def task_count(self, page: TaskPage) -> object:
        """Count the tasks of several runs."""
        return {"count": await self._lists.count_tasks(read_ids(page.run_ids))}


def metric_of_run(row: dict[str, Any]) -> MetricOfRun:
    """Add the confidence interval: Wilson's for booleans, the normal one for numbers."""
    count, stdev = row["n"], row["stdev"]
    # Null for values that are stored as infinite.
    mean = None if row["mean"] is None else float(row["mean"])
    lower = upper = None
    if mean is not None and row["kind"] == "boolean":
        centre = mean + Z * Z / (2 * count)
        half = Z / (2 * count) * math.sqrt(4 * count * mean * (1 - mean) + Z * Z)
        scale = 1 + Z * Z / count
        lower, upper = max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
    elif mean is not None and stdev is not None:
        half = Z * stdev / math.sqrt(count)
        lower, upper = mean - half, mean + half
    return MetricOfRun(
        metric_name=row["metric_name"],
        count=count,
        avg_metric=mean,
        stdev=None if stdev is None else float(stdev),
        ci_lower=lower,
        ci_upper=upper,
    )
