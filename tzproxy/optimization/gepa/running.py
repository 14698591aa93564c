"""One search in this process: its task, the sign of life it gives, and what it leaves behind. Cold.

The store's rows say all that another process needs: the plan, who works on it and when that one was last
seen, the state after each iteration, and the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import UNSET, Struct

from tzproxy.clickhouse.queries.optimization_tasks import Part, TaskPart
from tzproxy.errors import StoreError, TzproxyError
from tzproxy.optimization.gepa.plan import Plan
from tzproxy.optimization.gepa.search import Search, SearchState
from tzproxy.optimization.gepa.status import Completed, Failed, Pending, Progress

logger = logging.getLogger(__name__)
ENCODER = msgspec.json.Encoder()
BEAT_S = 10.0
"""How often a search says that it is alive."""

LEAST_BEAT_S = 1.0
"""Least time between two steps that are told."""

CLAIM_S = 2.0
"""How long whoever takes a search over waits for others who want to, before it begins."""

LAST_WORDS_S = 5.0
"""How long the end of a process may take to say that its searches are free."""

END_PAUSES_S = (1.0, 5.0, 30.0, 60.0, 300.0)
"""How long the end of a search waits before it is written again, while the store is away."""

NOBODY = ""
UNEXPECTED = "Internal error: the gateway failed to go on with this search; see its log"


class Store(Protocol):
    """See `tzproxy.clickhouse.queries.optimization_tasks.OptimizationTasks`."""

    async def prepare(self) -> None:
        """Make what is missing."""
        ...

    async def write(self, task_id: str, part: Part, data: bytes, *, owner: str) -> None:
        """Write a part of a task."""
        ...

    async def find(self, task_id: str) -> dict[Part, TaskPart]:
        """Return the parts of a task."""
        ...

    async def owner(self, task_id: str) -> str | None:
        """Return who works on a task."""
        ...


class Beat(Struct, frozen=True, kw_only=True):
    """What a search says of itself while it goes on. `begun`: how many processes have worked on it."""

    progress: Progress
    begun: int


class RunningSearch:
    """A search that this process works on, or has ended."""

    def __init__(
        self, task_id: str, plan: Plan, store: Store, *, owner: str, begun: int, takes_over: bool
    ) -> None:
        """Note what to do; do nothing yet."""
        self.status: Pending | Completed | Failed = Pending()
        self.is_lost = False
        """Whether another process has taken it over."""
        self._task_id = task_id
        self._plan = plan
        self._store = store
        self._owner = owner
        self._begun = begun
        self._is_mine = not takes_over
        """Whether this process was the last that said it works on it, as far as it knows."""
        self._has_beaten = False
        self._news = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def start(self, make_search: Callable[[RunningSearch], Search]) -> None:
        """Begin, inside the running loop."""
        self.task = asyncio.create_task(self._run(make_search), name=f"GEPA task {self._task_id}")

    async def close(self) -> None:
        """Give up, and tell others that the search is free. What the last iteration left stays."""
        if self.task is None or self.task.done():
            return
        self.task.cancel()
        await asyncio.wait([self.task])
        if not self._is_mine or not isinstance(self.status, Pending):
            return
        try:
            await asyncio.wait_for(self._let_go(), LAST_WORDS_S)
        except (StoreError, TimeoutError):
            logger.warning("GEPA task %s was given up, and could not be said to be", self._task_id)

    @property
    def can_tell(self) -> bool:
        """Whether `status` is true: it is not, where another process or nobody works on the search."""
        if not isinstance(self.status, Pending):
            return True
        return not self.is_lost and self.task is not None and not self.task.done()

    async def _let_go(self) -> None:
        if not self._has_beaten or await self._store.owner(self._task_id) == self._owner:
            await self._write_beat(NOBODY)

    def report(self, progress: Progress) -> None:
        """Note a step."""
        self.status = Pending(progress)
        self._news.set()

    async def keep(self, state: SearchState) -> None:
        """Write down what the search has come to. While the store is away it goes on all the same."""
        try:
            await self._store.write(self._task_id, "state", ENCODER.encode(state), owner=self._owner)
        except StoreError as exc:
            logger.warning("GEPA task %s: its state was not stored: %s", self._task_id, exc.message)

    async def _run(self, make_search: Callable[[RunningSearch], Search]) -> None:
        if not self._is_mine:
            self._is_mine = await self._claim()
            if not self._is_mine:
                self.is_lost = True
                return
            self._has_beaten = True
        searching = asyncio.ensure_future(self._search(make_search))
        beating = asyncio.ensure_future(self._beat())
        try:
            await asyncio.wait([searching, beating], return_when=asyncio.FIRST_COMPLETED)
            self.is_lost = not searching.done()
            self._is_mine = not self.is_lost
        finally:
            for one in (searching, beating):
                one.cancel()
            await asyncio.wait([searching, beating])
        if self.is_lost:
            beating.result()
            logger.warning("GEPA task %s: another process goes on with it", self._task_id)
            return
        end = searching.result()
        # Nobody gets to know of an end that others would not find.
        await self._write_end(end)
        self.status = end

    async def _search(self, make_search: Callable[[RunningSearch], Search]) -> Completed | Failed:
        try:
            return await make_search(self).run()
        except TzproxyError as exc:
            return Failed(exc.message)
        except Exception:
            # The task's border: whoever asks must get an end.
            logger.exception("GEPA task %s failed", self._task_id)
            return Failed(UNEXPECTED)

    async def _claim(self) -> bool:
        """Say that this process goes on, and tell whether nobody else says so, too: the last one does it."""
        try:
            await self._write_beat(self._owner)
            await asyncio.sleep(CLAIM_S)
            return await self._store.owner(self._task_id) == self._owner
        except StoreError as exc:
            logger.warning("GEPA task %s cannot be taken over: %s", self._task_id, exc.message)
            return False

    async def _beat(self) -> None:
        """Say again and again that the search is alive; return when it is another's."""
        while True:
            self._news.clear()
            try:
                if self._has_beaten and await self._store.owner(self._task_id) != self._owner:
                    return
                await self._write_beat(self._owner)
                self._has_beaten = True
            except StoreError as exc:
                logger.warning("GEPA task %s: its progress was not stored: %s", self._task_id, exc.message)
            await asyncio.sleep(LEAST_BEAT_S)
            try:
                await asyncio.wait_for(self._news.wait(), BEAT_S - LEAST_BEAT_S)
            except TimeoutError:
                continue

    async def _write_beat(self, owner: str) -> None:
        status = self.status
        known = status.progress if isinstance(status, Pending) else UNSET
        progress = Progress(0, self._plan.max_iterations, "starting") if known is UNSET else known
        beat = Beat(progress=progress, begun=self._begun)
        await self._store.write(self._task_id, "progress", ENCODER.encode(beat), owner=owner)

    async def _write_end(self, status: Completed | Failed) -> None:
        for pause_s in (*END_PAUSES_S, None):
            try:
                return await self._store.write(
                    self._task_id, "end", ENCODER.encode(status), owner=self._owner
                )
            except StoreError as exc:
                logger.warning("GEPA task %s: its end was not stored: %s", self._task_id, exc.message)
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return None
