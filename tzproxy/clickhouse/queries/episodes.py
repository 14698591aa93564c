"""Lists of episodes. Cold. `EpisodeById` says which there are, `InferenceByEpisodeId` what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import UNSET

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.inference_details import cursors
from tzproxy.clickhouse.queries.inference_query import FunctionType, InferenceQuery
from tzproxy.clickhouse.queries.inference_sql import episodes_condition
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.clickhouse.queries.times import time_of, written
from tzproxy.clickhouse.schema.views import WORKFLOW_EPISODES_FROM
from tzproxy.config.functions import MetricConfig
from tzproxy.types.pages import Episode, EpisodeBounds, EpisodePage

_BOUNDS = """
SELECT uint_to_uuid(min(episode_id_uint)) AS first_id, uint_to_uuid(max(episode_id_uint)) AS last_id,
    toString(count()) AS rows
FROM EpisodeById
"""
_COUNT = """
SELECT toString(uniqExact(id_uint)) AS n FROM InferenceByEpisodeId
WHERE episode_id_uint = toUInt128({id:UUID})
"""
_SETTINGS = {"optimize_aggregation_in_order": 1}


class Episodes:
    """Looks them up; those of workflow evaluations are not there. Raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient, metrics: Mapping[str, MetricConfig]) -> None:
        self._store = store
        self._metrics = metrics

    async def page(self, page: EpisodePage, function_type: FunctionType | None = None) -> list[Episode]:
        """Return episodes, newest first; with `after` those that follow it most closely.

        Args:
            page: which of them.
            function_type: of the function that is named.

        Raises:
            RequestError: for unknown metrics and filters that are too large.
        """
        parameters = Parameters()
        table = "EpisodeById"
        conditions = ["true", *cursors(parameters, "episode_id_uint", page.before, page.after)]
        if page.filters is not None:
            query = InferenceQuery(
                function_name=page.function_name, function_type=function_type, filters=page.filters
            )
            fitting = episodes_condition(query, self._metrics, parameters)
            conditions.append(f"episode_id_uint IN ({fitting})")
        elif page.function_name is not None:
            # It lies in order of episodes, too, and is read until the page is full: a set of all the
            # episodes of the function took 200 MB for two million of them.
            table = "InferenceByEpisodeId"
            conditions.append(f"function_name = {parameters.bind(page.function_name, 'String')}")
            conditions.append(f"episode_id_uint < {WORKFLOW_EPISODES_FROM}")
        direction = "DESC" if page.after is None else "ASC"
        wanted = (
            f"SELECT DISTINCT episode_id_uint FROM {table} WHERE {' AND '.join(conditions)}"
            f" ORDER BY episode_id_uint {direction}"
            f" LIMIT {parameters.bind(page.limit, 'UInt64')}"
        )
        sql = (
            "SELECT uint_to_uuid(episode_id_uint) AS episode_id, toUInt32(uniqExact(id_uint)) AS count,"
            f" {written(time_of('min(id_uint)'))} AS start_time,"
            f" {written(time_of('max(id_uint)'))} AS end_time,"
            " uint_to_uuid(max(id_uint)) AS last_inference_id"
            f" FROM InferenceByEpisodeId WHERE episode_id_uint IN ({wanted})"
            " GROUP BY episode_id_uint ORDER BY episode_id_uint DESC"
        )
        rows = await self._store.query(sql, parameters.values, settings=_SETTINGS)
        return [msgspec.convert(row, Episode) for row in rows]

    async def bounds(self) -> EpisodeBounds:
        """Return the oldest and the newest; the count may be too high until parts of the table are merged."""
        (row,) = await self._store.query(_BOUNDS)
        count = int(row["rows"])
        if not count:
            return EpisodeBounds(first_id=UNSET, last_id=UNSET, count=0)
        return EpisodeBounds(first_id=row["first_id"], last_id=row["last_id"], count=count)

    async def count_inferences(self, episode_id: UUID) -> int:
        """Return how many inferences an episode holds."""
        rows = await self._store.query(_COUNT, {"id": str(episode_id)})
        return int(rows[0]["n"])
