"""Begins workflow evaluation runs and their episodes. Cold. Knows no HTTP and no SQL.

An episode's id lies some three centuries ahead: by that the engine knows that it belongs to a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.workflow import WorkflowRun
from tzproxy.errors import NotFoundError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.function import Function
from tzproxy.inference.plan import DEFAULT_FUNCTION
from tzproxy.inference.request_checks import WORKFLOW_EPISODES_FROM_MS
from tzproxy.inference.tags import API_KEY, check_tag_names
from tzproxy.workflow.errors import RunsDisabledError, UnknownPinError

EPISODE_OFFSET_S = WORKFLOW_EPISODES_FROM_MS // 1000
RUN_TAGS = ("tensorzero::dynamic_evaluation_run_id", "tensorzero::workflow_evaluation_run_id")


class RunRequest(Struct, frozen=True, kw_only=True):
    """The body of `POST /workflow_evaluation_run`. `variants`: function name to pinned variant."""

    variants: dict[str, str]
    tags: dict[str, str] = {}
    project_name: str | None = None
    display_name: str | None = None
    internal: bool = False


class EpisodeRequest(Struct, frozen=True, kw_only=True):
    """The body of `POST /workflow_evaluation_run/{run_id}/episode`.

    `datapoint_name` is what clients of June 2025 may call `task_name`.
    """

    task_name: str | None = None
    tags: dict[str, str] = {}
    datapoint_name: str | None = None


class RunStore(Protocol):
    """Where runs are kept. See `tzproxy.clickhouse.queries.workflow.WorkflowRuns`."""

    async def add_run(self, run: WorkflowRun) -> None:
        """Write a run."""
        ...

    async def add_episode(
        self,
        run_id: str,
        episode_id: str,
        *,
        task_name: str | None,
        tags: Mapping[str, str],
        snapshot_hash: int,
    ) -> bool:
        """Write an episode; False: there is no such run."""
        ...


class Workflows:
    """Begins runs and episodes. One per gateway process."""

    def __init__(self, catalog: Catalog, store: RunStore | None) -> None:
        self._catalog = catalog
        self._store = store

    async def begin_run(self, request: RunRequest, api_key_id: str | None = None) -> str:
        """Write a run; return its id. The public id of the client's API key becomes a tag.

        Raises:
            RequestError: (or a relative) for a reserved tag, or a pin that does not exist.
            StoreError: when the store does not answer or refuses.
        """
        if not request.internal:
            check_tag_names(request.tags)
        for function_name, variant_name in request.variants.items():
            if variant_name not in self._function(function_name).variants:
                raise UnknownPinError(function_name, variant_name)
        run = WorkflowRun(
            run_id=new_uuid7(),
            variant_pins=request.variants,
            tags=_with_key(request.tags, api_key_id),
            project_name=request.project_name,
            display_name=request.display_name,
            snapshot_hash=self._catalog.snapshot_hash,
        )
        await self._kept.add_run(run)
        return run.run_id

    async def begin_episode(self, run_id: str, request: EpisodeRequest, api_key_id: str | None = None) -> str:
        """Write an episode of a run; return its id.

        An unknown run is no error here, as in the original: the first inference of the episode fails.

        Raises:
            RequestError: for a reserved tag.
            StoreError: when the store does not answer or refuses.
        """
        check_tag_names(request.tags)
        episode_id = new_uuid7(EPISODE_OFFSET_S)
        await self._kept.add_episode(
            run_id,
            episode_id,
            task_name=request.datapoint_name if request.task_name is None else request.task_name,
            tags={**_with_key(request.tags, api_key_id), **dict.fromkeys(RUN_TAGS, run_id)},
            snapshot_hash=self._catalog.snapshot_hash,
        )
        return episode_id

    @property
    def _kept(self) -> RunStore:
        if self._store is None:
            raise RunsDisabledError
        return self._store

    def _function(self, name: str) -> Function:
        function = self._catalog.functions.get(name)
        if function is not None:
            return function
        if name != DEFAULT_FUNCTION:
            raise NotFoundError(f"Unknown function: {name}")
        return self._catalog.default_function


def _with_key(tags: Mapping[str, str], api_key_id: str | None) -> Mapping[str, str]:
    return tags if api_key_id is None else {**tags, API_KEY: api_key_id}
