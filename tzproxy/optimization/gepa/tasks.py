"""Launches searches, and tells how they are, whichever process works on them. Cold.

A search belongs to the process that took the request. Nobody else touches it while that one gives signs of
life. When they end, whoever is asked for the search next goes on with it, from the last completed iteration.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

import msgspec
from msgspec import Struct

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.optimization_tasks import Part, TaskPart
from tzproxy.config import LoadedConfig
from tzproxy.evaluations.evaluations import Evaluations
from tzproxy.inference.engine import Engine
from tzproxy.optimization.gepa.errors import GepaDisabledError, UnknownTaskError
from tzproxy.optimization.gepa.plan import Plan, Planner
from tzproxy.optimization.gepa.request import LaunchRequest
from tzproxy.optimization.gepa.running import NOBODY, Beat, RunningSearch, Store
from tzproxy.optimization.gepa.search import Search, SearchParts, SearchState
from tzproxy.optimization.gepa.status import Failed, Launched, Pending, Status

logger = logging.getLogger(__name__)
ENCODER = msgspec.json.Encoder()
PLAN = msgspec.json.Decoder(Plan)
STATE = msgspec.json.Decoder(SearchState)
BEAT = msgspec.json.Decoder(Beat)
STATUS: msgspec.json.Decoder[Status] = msgspec.json.Decoder(Status)
SILENT_MS = 60_000.0
"""A process that has said nothing for so long is taken for dead."""

MOST_BEGUN = 10
"""How many processes may work on a search: one that ends all of them must not go on for ever."""

ENDED_KEPT = 100
"""Searches whose end this process remembers."""


class GepaParts(Struct, frozen=True, kw_only=True):
    """What searches of one gateway process work with. `planner` and `store` None: there is no store."""

    loaded: LoadedConfig
    engine: Engine
    evaluations: Evaluations
    planner: Planner | None
    store: Store | None


class GepaTasks:
    """The searches of one gateway process, and those of others as they left them."""

    def __init__(self, parts: GepaParts) -> None:
        self.parts = parts
        self._owner = new_uuid7()
        self._running: dict[str, RunningSearch] = {}

    async def launch(self, request: LaunchRequest, api_key_id: str | None = None) -> Launched:
        """Begin a search in the background. It is in the store when this returns.

        Raises:
            GepaDisabledError: when there is no store.
            RequestError: naming the field that is at fault.
            ConfigError: when the store lacks a table that may not be made.
            StoreError: when the store does not answer or refuses.
        """
        planner, store = self.parts.planner, self.parts.store
        if planner is None or store is None:
            raise GepaDisabledError
        plan = await planner.settle(request, api_key_id)
        await store.prepare()
        task_id = new_uuid7()
        await store.write(task_id, "launch", ENCODER.encode(plan), owner=self._owner)
        self._start(task_id, plan, None, begun=1)
        return Launched(task_id)

    async def get(self, task_id: str) -> Status:
        """Tell how a search is; one that its process has left alone goes on from here.

        Raises:
            UnknownTaskError: when nobody has launched it.
            GepaDisabledError: when there is no store.
            StoreError: when the store does not answer or refuses.
        """
        store = self.parts.store
        if store is None:
            raise GepaDisabledError
        mine = self._running.get(task_id)
        if mine is not None and mine.can_tell:
            return mine.status
        parts = await store.find(task_id)
        if "launch" not in parts:
            raise UnknownTaskError(task_id)
        if "end" in parts:
            return STATUS.decode(parts["end"].data)
        last = parts.get("progress")
        beat = None if last is None else BEAT.decode(last.data)
        seen = parts["launch"] if last is None else last
        if seen.owner == NOBODY or seen.age_ms > SILENT_MS:
            return await self._take_over(task_id, parts, 1 if beat is None else beat.begun)
        return Pending() if beat is None else Pending(beat.progress)

    async def _take_over(self, task_id: str, parts: dict[Part, TaskPart], begun: int) -> Status:
        """Go on with a search that nobody works on."""
        store = self.parts.store
        if begun >= MOST_BEGUN:
            end = Failed(
                f"The process that worked on this search ended before it was done, {begun} times; "
                "see the gateway's log, and launch it anew"
            )
            if store is not None:
                await store.write(task_id, "end", ENCODER.encode(end), owner=self._owner)
            return end
        mine = self._running.get(task_id)
        if mine is None or not mine.can_tell:
            try:
                plan = PLAN.decode(parts["launch"].data)
                state = STATE.decode(parts["state"].data) if "state" in parts else None
            except msgspec.DecodeError as exc:
                return Failed(f"This search was begun by another version of the gateway: {exc}")
            logger.warning("GEPA task %s: its process has ended, this one goes on with it", task_id)
            mine = self._start(task_id, plan, state, begun=begun + 1)
            if "progress" in parts:
                mine.report(BEAT.decode(parts["progress"].data).progress)
        return mine.status

    def _start(self, task_id: str, plan: Plan, state: SearchState | None, *, begun: int) -> RunningSearch:
        store = self.parts.store
        if store is None:
            raise GepaDisabledError
        running = RunningSearch(task_id, plan, store, owner=self._owner, begun=begun, takes_over=begun > 1)
        self._running[task_id] = running
        self._forget_ended()
        running.start(self._search_of(task_id, plan, state))
        return running

    def _search_of(
        self, task_id: str, plan: Plan, state: SearchState | None
    ) -> Callable[[RunningSearch], Search]:
        return partial(_make_search, self.parts, task_id, plan, state)

    def _forget_ended(self) -> None:
        """Leave the oldest of those that are over to the store."""
        ended = [
            task_id for task_id, one in self._running.items() if one.task is not None and one.task.done()
        ]
        for task_id in ended[:-ENDED_KEPT]:
            del self._running[task_id]

    async def close(self) -> None:
        """Give all searches up; whoever is asked for them next goes on with them."""
        await asyncio.gather(*(running.close() for running in self._running.values()))


def _make_search(
    parts: GepaParts, task_id: str, plan: Plan, state: SearchState | None, running: RunningSearch
) -> Search:
    return Search(
        task_id,
        plan,
        SearchParts(
            loaded=parts.loaded,
            engine=parts.engine,
            evaluations=parts.evaluations,
            report=running.report,
            keep=running.keep,
        ),
        state,
    )
