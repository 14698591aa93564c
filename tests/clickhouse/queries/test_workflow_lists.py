"""Tests of `tzproxy.clickhouse.queries.workflow_lists`; what pages get is tested in `tests/reading`."""

from __future__ import annotations

from uuid import UUID

from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.workflow_lists import WorkflowLists
from tzproxy.types.workflow_pages import ProjectPage, RunEpisodePage, RunPage, RunSearch

ID = UUID("01900000-0000-7000-8000-000000000001")


async def test_nothing_is_nothing(migrated: StoreClient) -> None:
    """A store without workflow evaluations has empty lists and counts of zero."""
    store = AsyncStoreClient(migrated.url, threads=1)
    lists = WorkflowLists(store)
    assert await lists.projects(ProjectPage()) == []
    assert await lists.runs(RunPage(project_name="x")) == []
    assert await lists.runs_by_id([ID], None) == []
    assert await lists.search(RunSearch(q="%")) == []
    assert await lists.metrics(ID, "m") == []
    assert await lists.episodes(RunEpisodePage(run_id=ID)) == []
    assert await lists.tasks([ID, ID], limit=5, offset=0) == []
    counts = [
        await lists.count_projects(),
        await lists.count_runs(),
        await lists.count_episodes(ID),
        await lists.count_tasks([ID]),
    ]
    assert counts == [0, 0, 0, 0]
    await store.close()
