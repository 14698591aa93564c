"""Tests of `tzproxy.optimization.gepa.running`: one search and a store in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import msgspec
import pytest

from optimization.gepa.test_trial import plan
from tzproxy.clickhouse.queries.optimization_tasks import Part, TaskPart
from tzproxy.errors import StoreUnavailableError
from tzproxy.optimization.gepa import running
from tzproxy.optimization.gepa.errors import SearchError
from tzproxy.optimization.gepa.running import UNEXPECTED, RunningSearch
from tzproxy.optimization.gepa.search import Search, SearchState
from tzproxy.optimization.gepa.status import Completed, Failed, Pending, Progress

END = Completed({}, {})


class MemoryStore:
    """The parts of tasks as they were written; `away` for that many writes."""

    def __init__(self) -> None:
        self.written: list[tuple[Part, bytes, str]] = []
        self.away = 0
        self.thief: str | None = None
        """Who has written last, though nobody has seen it."""
        self._news = asyncio.Event()

    async def has_written(self, is_there: Callable[[], bool]) -> None:
        """Wait until what was written is as wanted."""
        while not is_there():
            self._news.clear()
            await self._news.wait()

    async def prepare(self) -> None:
        """Nothing is missing."""

    async def write(self, task_id: str, part: Part, data: bytes, *, owner: str) -> None:
        """Keep it."""
        if self.away:
            self.away -= 1
            raise StoreUnavailableError("away")
        self.written.append((part, data, owner))
        self._news.set()

    async def find(self, task_id: str) -> dict[Part, TaskPart]:
        """Nobody asks."""
        raise AssertionError

    async def owner(self, task_id: str) -> str | None:
        """Return the last one who wrote progress."""
        owners = [owner for part, _, owner in self.written if part == "progress"]
        return self.thief or (owners[-1] if owners else None)

    def of(self, part: Part) -> list[tuple[Any, str]]:
        """Return what was written of a part, and by whom."""
        return [(msgspec.json.decode(data), owner) for one, data, owner in self.written if one == part]


class Work:
    """A search that does what a test wants."""

    def __init__(self, work: Callable[[RunningSearch], Awaitable[Completed]]) -> None:
        self._work = work
        self.was_cancelled = False

    def __call__(self, mine: RunningSearch) -> Search:
        """Be the search."""
        self._mine = mine
        return cast(Search, self)

    async def run(self) -> Completed:
        """Do it."""
        try:
            return await self._work(self._mine)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing takes long."""
    for name, value in {"BEAT_S": 0.05, "LEAST_BEAT_S": 0.01, "CLAIM_S": 0.03, "LAST_WORDS_S": 0.5}.items():
        monkeypatch.setattr(running, name, value)
    monkeypatch.setattr(running, "END_PAUSES_S", (0.01, 0.01))


def made(store: MemoryStore, *, takes_over: bool = False) -> RunningSearch:
    """Make a search of process `me`."""
    begun = 2 if takes_over else 1
    return RunningSearch("t", plan(exact="max"), store, owner="me", begun=begun, takes_over=takes_over)


async def ended(mine: RunningSearch, work: Work) -> None:
    """Run a search to its end."""
    mine.start(work)
    assert mine.task is not None
    await asyncio.wait_for(mine.task, 10)


async def at_once(mine: RunningSearch) -> Completed:
    """Come to an end."""
    return END


async def for_ever(mine: RunningSearch) -> Completed:
    """Never do."""
    await asyncio.Event().wait()
    raise AssertionError


async def test_an_end_is_written() -> None:
    """The status is known here, and to all others."""
    store = MemoryStore()
    mine = made(store)
    assert mine.status == Pending()
    await ended(mine, Work(at_once))
    assert mine.status == END
    assert store.of("end") == [({"status": "completed", "variants": {}, "statistics": {}}, "me")]


@pytest.mark.parametrize(
    ("error", "words"), [(SearchError("no luck"), "no luck"), (ZeroDivisionError("bug"), UNEXPECTED)]
)
async def test_failures_are_ends(error: Exception, words: str, caplog: pytest.LogCaptureFixture) -> None:
    """What is expected is told as it is, a bug only to the log."""

    async def fail(mine: RunningSearch) -> Completed:
        raise error

    store = MemoryStore()
    mine = made(store)
    await ended(mine, Work(fail))
    assert mine.status == Failed(words)
    assert store.of("end") == [({"status": "error", "error": words}, "me")]
    assert ("bug" in caplog.text) is (words == UNEXPECTED)


async def test_signs_of_life() -> None:
    """Steps are told, and the last one again and again; what was completed is kept."""
    steps = [Progress(0, 1, "a"), Progress(0, 1, "b")]

    def told() -> list[str]:
        return [beat["progress"]["current_step"] for beat, _ in store.of("progress")]

    def told_twice(step: Progress) -> bool:
        return told().count(step.current_step) >= 2

    async def work(mine: RunningSearch) -> Completed:
        for step in steps:
            mine.report(step)
            assert mine.status == Pending(step)
            await store.has_written(partial(told_twice, step))
        await mine.keep(SearchState(iteration=1))
        return END

    store = MemoryStore()
    await ended(made(store), Work(work))
    assert {"a", "b"} <= set(told())
    assert store.of("state")[0][0]["iteration"] == 1


async def test_a_store_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """Neither signs of life, nor states, nor the end can stop a search; the end is written again."""

    async def work(mine: RunningSearch) -> Completed:
        store.away = 1
        await mine.keep(SearchState())
        store.away = 2
        return END

    store = MemoryStore()
    store.away = 1
    mine = made(store)
    with caplog.at_level(logging.WARNING):
        await ended(mine, Work(work))
    assert mine.status == END
    assert len(store.of("end")) == 1
    assert "its end was not stored: away" in caplog.text
    assert "its state was not stored: away" in caplog.text


async def test_an_end_that_nobody_takes() -> None:
    """It is given up in the end, and this process goes on to know it."""

    async def work(mine: RunningSearch) -> Completed:
        store.away = 100
        return END

    store = MemoryStore()
    mine = made(store)
    await ended(mine, Work(work))
    assert (mine.status, store.of("end")) == (END, [])


async def test_giving_up() -> None:
    """At the end of a process the work is cancelled, and the search said to be free; again is nothing."""
    store = MemoryStore()
    mine, work = made(store), Work(for_ever)
    mine.start(work)
    await asyncio.sleep(0.05)
    await mine.close()
    assert work.was_cancelled
    assert store.of("progress")[-1][1] == ""
    assert store.of("end") == []
    count = len(store.written)
    await mine.close()
    assert len(store.written) == count


async def test_giving_up_without_a_store(caplog: pytest.LogCaptureFixture) -> None:
    """Then others have to wait until it is silent for long enough."""
    store = MemoryStore()
    mine = made(store)
    mine.start(Work(for_ever))
    await asyncio.sleep(0.05)
    store.away = 100
    await mine.close()
    assert "could not be said to be" in caplog.text


async def test_taking_over() -> None:
    """Whoever was the last to claim a search works on it."""
    store = MemoryStore()
    mine = made(store, takes_over=True)
    await ended(mine, Work(at_once))
    assert mine.status == END
    assert store.of("progress")[0] == (
        {"progress": {"current_iteration": 0, "max_iterations": 1, "current_step": "starting"}, "begun": 2},
        "me",
    )


async def test_somebody_else_takes_over() -> None:
    """A claim that came second is given up before anything is done."""
    store = MemoryStore()
    store.thief = "other"
    mine, work = made(store, takes_over=True), Work(at_once)
    await ended(mine, work)
    assert mine.is_lost
    assert store.of("end") == []


async def test_a_claim_without_a_store() -> None:
    """Nobody goes on with what cannot be claimed."""
    store = MemoryStore()
    store.away = 1
    mine = made(store, takes_over=True)
    await ended(mine, Work(at_once))
    assert mine.is_lost


async def test_a_search_that_was_taken_away() -> None:
    """The work is cancelled, and nothing more is written."""
    store = MemoryStore()
    mine, work = made(store), Work(for_ever)
    mine.start(work)
    await asyncio.sleep(0.05)
    store.thief = "other"
    assert mine.task is not None
    await asyncio.wait_for(mine.task, 10)
    count = len(store.written)
    await mine.close()
    assert mine.is_lost
    assert work.was_cancelled
    assert len(store.written) == count
