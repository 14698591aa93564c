"""Lists of workflow evaluation runs and of their episodes. Cold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.client import SentTable
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.clickhouse.queries.times import time_of, written
from tzproxy.types.workflow_pages import (
    Project,
    ProjectPage,
    Run,
    RunEpisode,
    RunEpisodePage,
    RunPage,
    RunSearch,
)

_RUN = "run_display_name AS name, uint_to_uuid(run_id_uint) AS id, variant_pins, tags, project_name"
_UPDATED = written("toDateTime(updated_at)")
_KEY = "ifNull(datapoint_name, concat('NULL_EPISODE_', toString(episode_id_uint)))"
_EPISODE = (
    f"uint_to_uuid(episode_id_uint) AS episode_id, {_UPDATED} AS timestamp,"
    " uint_to_uuid(run_id_uint) AS run_id, tags, datapoint_name AS task_name"
)
_EPISODES = "DynamicEvaluationRunEpisodeByRunId"
_SETTINGS = {"output_format_json_quote_64bit_integers": 0}
_FEEDBACK = (
    "SELECT target_id, name, text FROM ("
    + "".join(
        "SELECT target_id, toString(metric_name) AS name, argMax(toString(value), toUInt128(id)) AS text,"
        f" max(toUInt128(id)) AS at FROM {table} WHERE target_id IN (SELECT id FROM _sent)"
        " GROUP BY target_id, metric_name UNION ALL "
        for table in ("BooleanMetricFeedbackByTargetId", "FloatMetricFeedbackByTargetId")
    )
    + "SELECT target_id, 'comment' AS name, value AS text, toUInt128(id) AS at FROM CommentFeedbackByTargetId"
    " WHERE target_id IN (SELECT id FROM _sent)) ORDER BY name, at"
)
_ROW = msgspec.json.Decoder(dict[str, str])
_Rows = list[dict[str, Any]]


class WorkflowLists:
    """Looks them up. Every method raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def projects(self, page: ProjectPage) -> list[Project]:
        """Return projects, the one updated last first."""
        parameters = Parameters()
        sql = (
            "SELECT project_name AS name, count() AS count,"
            f" {written('toDateTime(max(updated_at))')} AS last_updated"
            " FROM DynamicEvaluationRunByProjectName GROUP BY project_name"
            " ORDER BY max(updated_at) DESC, name"
            f"{parameters.cut(page.limit, page.offset)}"
        )
        return [msgspec.convert(row, Project) for row in await self._query(sql, parameters)]

    async def count_projects(self) -> int:
        """Return how many projects there are."""
        sql = "SELECT uniqExact(project_name) AS n FROM DynamicEvaluationRunByProjectName"
        return int((await self._query(sql, Parameters()))[0]["n"])

    async def count_runs(self) -> int:
        """Return how many runs there are."""
        return int((await self._query("SELECT count() AS n FROM DynamicEvaluationRun", Parameters()))[0]["n"])

    async def runs(self, page: RunPage) -> list[Run]:
        """Return runs with the number of their episodes, the newest first."""
        parameters = Parameters()
        where = "true"
        if page.run_id is not None:
            where = f"run_id_uint = toUInt128({parameters.bind(str(page.run_id), 'UUID')})"
        elif page.project_name is not None:
            where = f"project_name = {parameters.bind(page.project_name, 'String')}"
        runs = (
            f"SELECT {_RUN}, run_id_uint, {written(time_of('run_id_uint'))} AS timestamp"
            f" FROM DynamicEvaluationRun WHERE {where} ORDER BY run_id_uint DESC"
            f"{parameters.cut(page.limit, page.offset)}"
        )
        sql = (
            "SELECT r.name AS name, r.id AS id, r.variant_pins AS variant_pins, r.tags AS tags,"
            " r.project_name AS project_name, e.n AS num_episodes, r.timestamp AS timestamp"
            f" FROM ({runs}) AS r LEFT JOIN (SELECT run_id_uint, count() AS n FROM {_EPISODES}"
            f" WHERE run_id_uint IN (SELECT run_id_uint FROM ({runs})) GROUP BY run_id_uint) AS e"
            " ON e.run_id_uint = r.run_id_uint ORDER BY r.run_id_uint DESC"
        )
        return [msgspec.convert(row, Run) for row in await self._query(sql, parameters)]

    async def runs_by_id(self, ids: Sequence[UUID], project_name: str | None) -> list[Run]:
        """Return those that exist of some runs, the newest first."""
        parameters = Parameters()
        where = parameters.among("run_id_uint", ids)
        if project_name is not None:
            where += f" AND project_name = {parameters.bind(project_name, 'String')}"
        sql = (
            f"SELECT {_RUN}, {written(time_of('run_id_uint'))} AS timestamp FROM DynamicEvaluationRun"
            f" WHERE {where} ORDER BY run_id_uint DESC"
        )
        return [msgspec.convert(row, Run) for row in await self._query(sql, parameters)]

    async def search(self, asked: RunSearch) -> list[Run]:
        """Return the runs whose name or id holds a text, the one updated last first."""
        parameters = Parameters()
        text = parameters.bind(asked.q, "String")
        where = (
            f"(positionCaseInsensitiveUTF8(ifNull(run_display_name, ''), {text}) > 0"
            f" OR positionCaseInsensitive(toString(uint_to_uuid(run_id_uint)), {text}) > 0)"
        )
        if asked.project_name is not None:
            where += f" AND project_name = {parameters.bind(asked.project_name, 'String')}"
        sql = (
            f"SELECT {_RUN}, {_UPDATED} AS timestamp FROM DynamicEvaluationRun WHERE {where}"
            f" ORDER BY updated_at DESC, run_id_uint DESC{parameters.cut(asked.limit, asked.offset)}"
        )
        return [msgspec.convert(row, Run) for row in await self._query(sql, parameters)]

    async def metrics(self, run_id: UUID, metric_name: str | None) -> _Rows:
        """Return `kind`, `metric_name`, `n`, `mean` and `stdev` (null for one value) of each metric, by name.

        All feedback about the run's episodes counts, also what was given again.
        """
        parameters = Parameters()
        where = f"target_id IN (SELECT {_episode_ids(parameters, [run_id])})"
        if metric_name is not None:
            where += f" AND metric_name = {parameters.bind(metric_name, 'String')}"
        arms = " UNION ALL ".join(
            f"SELECT '{kind}' AS kind, toString(metric_name) AS metric_name, count() AS n,"
            f" avg(toFloat64(value)) AS mean, stddevSamp(toFloat64(value)) AS stdev FROM {table}"
            f" WHERE {where} GROUP BY metric_name"
            for kind, table in (
                ("boolean", "BooleanMetricFeedbackByTargetId"),
                ("float", "FloatMetricFeedbackByTargetId"),
            )
        )
        return await self._query(f"SELECT * FROM ({arms}) ORDER BY metric_name", parameters)

    async def episodes(self, page: RunEpisodePage) -> list[RunEpisode]:
        """Return a run's episodes with their feedback, the newest first."""
        parameters = Parameters()
        sql = (
            f"SELECT {_EPISODE} FROM {_EPISODES} WHERE {parameters.among('run_id_uint', [page.run_id])}"
            f" ORDER BY episode_id_uint DESC{parameters.cut(page.limit, page.offset)}"
        )
        return await self._with_feedback(await self._query(sql, parameters))

    async def count_episodes(self, run_id: UUID) -> int:
        """Return how many episodes a run has."""
        parameters = Parameters()
        sql = f"SELECT count() AS n FROM {_EPISODES} WHERE {parameters.among('run_id_uint', [run_id])}"
        return int((await self._query(sql, parameters))[0]["n"])

    async def tasks(self, runs: Sequence[UUID], *, limit: int, offset: int) -> list[list[RunEpisode]]:
        """Return the episodes of several runs by task, the task updated last first; without one alone."""
        parameters = Parameters()
        among = parameters.among("run_id_uint", runs)
        keys = (
            f"SELECT {_KEY} AS task, max(updated_at) AS last FROM {_EPISODES} WHERE {among}"
            f" GROUP BY task ORDER BY last DESC, task{parameters.cut(limit, offset)}"
        )
        sql = (
            f"SELECT k.task AS group_key, e.* FROM (SELECT {_KEY} AS own_key, {_EPISODE}, episode_id_uint"
            f" FROM {_EPISODES} WHERE {among}) AS e INNER JOIN ({keys}) AS k ON k.task = e.own_key"
            " ORDER BY k.last DESC, k.task, e.episode_id_uint DESC"
        )
        found = await self._with_feedback(await self._query(sql, parameters))
        groups: dict[str | None, list[RunEpisode]] = {}
        for episode in found:
            groups.setdefault(episode.group_key, []).append(episode)
        return list(groups.values())

    async def count_tasks(self, runs: Sequence[UUID]) -> int:
        """Return how many tasks several runs have; an episode without one counts for itself."""
        parameters = Parameters()
        sql = f"SELECT uniqExact({_KEY}) AS n FROM {_EPISODES} WHERE {parameters.among('run_id_uint', runs)}"
        return int((await self._query(sql, parameters))[0]["n"])

    async def _with_feedback(self, rows: _Rows) -> list[RunEpisode]:
        if not rows:
            return []
        given: dict[str, list[tuple[str, str]]] = {}
        ids = b"\n".join(b'{"id":"%s"}' % row["episode_id"].encode() for row in rows)
        sent = SentTable(name="_sent", columns=("id UUID",), lines=ids)
        async for lines in self._store.stream(_FEEDBACK, table=sent):
            for row in map(_ROW.decode, lines):
                given.setdefault(row["target_id"], []).append((row["name"], row["text"]))
        return [
            msgspec.convert(
                {
                    **row,
                    "feedback_metric_names": [name for name, _ in given.get(row["episode_id"], ())],
                    "feedback_values": [text for _, text in given.get(row["episode_id"], ())],
                },
                RunEpisode,
            )
            for row in rows
        ]

    async def _query(self, sql: str, parameters: Parameters) -> _Rows:
        return await self._store.query(sql, parameters.values, settings=_SETTINGS)


def _episode_ids(parameters: Parameters, runs: Sequence[UUID]) -> str:
    return f"uint_to_uuid(episode_id_uint) FROM {_EPISODES} WHERE {parameters.among('run_id_uint', runs)}"
