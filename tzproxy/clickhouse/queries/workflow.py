"""Workflow evaluation runs and their episodes. Cold: only runs and the inferences of episodes come here."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient

FIND = """
SELECT variant_pins, tags FROM DynamicEvaluationRunEpisode
WHERE episode_id_uint = toUInt128(toUUID({episode_id:String}))
LIMIT 1
"""
# An episode takes over what its run says at this moment; without a run nothing is written.
ADD_EPISODE = """
INSERT INTO DynamicEvaluationRunEpisode
    (run_id, episode_id_uint, variant_pins, datapoint_name, tags, snapshot_hash)
SELECT toUUID({run_id:String}), toUInt128(toUUID({episode_id:String})), variant_pins,
    {task_name:Nullable(String)}, mapUpdate(tags, {tags:Map(String, String)}),
    toUInt256({snapshot_hash:String})
FROM DynamicEvaluationRun
WHERE run_id_uint = toUInt128(toUUID({run_id:String}))
LIMIT 1
"""
ENCODER = msgspec.json.Encoder()


class WorkflowEpisode(Struct, frozen=True):
    """What an episode of a workflow evaluation run brings into its inferences."""

    variant_pins: dict[str, str]
    """Function name to the variant that has to serve it."""
    tags: dict[str, str]


class WorkflowRun(Struct, frozen=True, kw_only=True):
    """A new run."""

    run_id: str
    variant_pins: Mapping[str, str]
    """Function name to the variant that has to serve it."""
    tags: Mapping[str, str]
    project_name: str | None
    display_name: str | None
    snapshot_hash: int


class WorkflowEpisodes:
    """Looks episodes up in the store."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def find(self, episode_id: str) -> WorkflowEpisode | None:
        """Return an episode, or None when no run has it.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        rows = await self._store.query(FIND, {"episode_id": episode_id})
        return msgspec.convert(rows[0], WorkflowEpisode) if rows else None


class WorkflowRuns:
    """Writes runs and episodes; what was written is there when a method returns."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def add_run(self, run: WorkflowRun) -> None:
        """Write a run.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        row = {
            "run_id_uint": str(UUID(run.run_id).int),
            "variant_pins": run.variant_pins,
            "tags": run.tags,
            "project_name": run.project_name,
            "run_display_name": run.display_name,
            "snapshot_hash": str(run.snapshot_hash),
        }
        await self._store.insert_json("DynamicEvaluationRun", ENCODER.encode(row), dedup_token=run.run_id)

    async def add_episode(
        self,
        run_id: str,
        episode_id: str,
        *,
        task_name: str | None,
        tags: Mapping[str, str],
        snapshot_hash: int,
    ) -> bool:
        """Write an episode with its run's pins and tags, `tags` laid over them. False: there is no such run.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        summary = await self._store.command(
            ADD_EPISODE,
            {
                "run_id": run_id,
                "episode_id": episode_id,
                "task_name": task_name,
                "tags": tags,
                "snapshot_hash": str(snapshot_hash),
            },
        )
        return summary.written_rows > 0
