"""Tests of `tzproxy.clickhouse.queries.workflow`, on the embedded engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.workflow import WorkflowEpisode, WorkflowEpisodes, WorkflowRun, WorkflowRuns

ODD = 'it\'s "odd" \\ \t\n é {x:String}'
HASH = 2**256 - 1


@pytest.fixture
async def beside(client: StoreClient) -> AsyncIterator[AsyncStoreClient]:
    """A client of the shared database."""
    asynchronous = AsyncStoreClient(client.url, threads=1)
    yield asynchronous
    await asynchronous.close()


def run(**fields: Any) -> WorkflowRun:
    """A run."""
    usual = {"run_id": new_uuid7(), "variant_pins": {"f": "v"}, "tags": {"a": "run", "b": "run"}}
    return WorkflowRun(
        **{**usual, "project_name": "p", "display_name": None, "snapshot_hash": HASH, **fields}
    )


async def test_a_run_and_its_episode(client: StoreClient, beside: AsyncStoreClient) -> None:
    """An episode takes over its run's pins and tags, its own tags win, and inferences find it at once."""
    written = run(tags={"a": "run", "b": ODD, ODD: "c"}, variant_pins={ODD: ODD}, display_name=ODD)
    runs, episode_id = WorkflowRuns(beside), new_uuid7(10_000_000_000)
    await runs.add_run(written)
    tags = {"a": "episode", "d": ODD}
    assert await runs.add_episode(written.run_id, episode_id, task_name=ODD, tags=tags, snapshot_hash=HASH)
    assert await WorkflowEpisodes(beside).find(episode_id) == WorkflowEpisode(
        variant_pins={ODD: ODD}, tags={"a": "episode", "b": ODD, ODD: "c", "d": ODD}
    )
    number, run_number = str(UUID(episode_id).int), str(UUID(written.run_id).int)
    (row,) = client.query(
        "SELECT run_id, datapoint_name, snapshot_hash, is_deleted FROM DynamicEvaluationRunEpisode "
        "WHERE episode_id_uint = toUInt128({number:String})",
        {"number": number},
    )
    assert row == {
        "run_id": written.run_id,
        "datapoint_name": ODD,
        "snapshot_hash": str(HASH),
        "is_deleted": False,
    }
    for table in ("DynamicEvaluationRun", "DynamicEvaluationRunByProjectName"):
        (row,) = client.query(
            f"SELECT project_name, run_display_name FROM {table} "
            "WHERE run_id_uint = toUInt128({number:String})",
            {"number": run_number},
        )
        assert row == {"project_name": "p", "run_display_name": ODD}
    assert client.query(
        "SELECT episode_id_uint FROM DynamicEvaluationRunEpisodeByRunId "
        "WHERE run_id_uint = toUInt128({number:String})",
        {"number": run_number},
    ) == [{"episode_id_uint": number}]


async def test_without_names(beside: AsyncStoreClient) -> None:
    """Project, display name, task and tags may all be missing."""
    written = run(project_name=None, tags={}, variant_pins={})
    runs, episode_id = WorkflowRuns(beside), new_uuid7(10_000_000_000)
    await runs.add_run(written)
    assert await runs.add_episode(written.run_id, episode_id, task_name=None, tags={}, snapshot_hash=1)
    assert await WorkflowEpisodes(beside).find(episode_id) == WorkflowEpisode(variant_pins={}, tags={})
    assert await beside.query(
        "SELECT datapoint_name FROM DynamicEvaluationRunEpisode "
        "WHERE episode_id_uint = toUInt128(toUUID({id:String}))",
        {"id": episode_id},
    ) == [{"datapoint_name": None}]


async def test_unknown_run(beside: AsyncStoreClient) -> None:
    """Nothing is written for an episode of no run, and it is not found."""
    episode_id = new_uuid7(10_000_000_000)
    runs = WorkflowRuns(beside)
    assert not await runs.add_episode(new_uuid7(), episode_id, task_name="t", tags={}, snapshot_hash=1)
    assert await WorkflowEpisodes(beside).find(episode_id) is None
