"""Tests of `tzproxy.experimentation.updater`: when it asks the store, and what it leaves there."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from experimentation.rows import SETTINGS, MemoryStore, episode, experiment, row
from tzproxy.clickhouse.queries.experiments import VariantStatistics
from tzproxy.errors import StoreError
from tzproxy.experimentation import updater
from tzproxy.experimentation.experiment import Experiment
from tzproxy.experimentation.state import NurseryOnly, Stopped
from tzproxy.experimentation.updater import ExperimentUpdater

NEVER = msgspec.structs.replace(SETTINGS, update_period_s=10**9)
OFTEN = msgspec.structs.replace(SETTINGS, update_period_s=0)
GOOD = [VariantStatistics("a", 900, 0.9, 0.09), VariantStatistics("b", 900, 0.2, 0.16)]
Start = Callable[..., ExperimentUpdater]


@pytest.fixture
def store() -> MemoryStore:
    """A store."""
    return MemoryStore()


@pytest.fixture
async def start(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Starts updaters that look every few milliseconds; they are closed with the test."""
    monkeypatch.setattr(updater, "POLL_S", (0.002, 0.002))
    monkeypatch.setattr(updater, "LEAST_PERIOD_S", 0.004)
    running: list[ExperimentUpdater] = []

    def start_one(*experiments: Experiment) -> ExperimentUpdater:
        made = ExperimentUpdater(experiments, store)
        made.start()
        running.append(made)
        return made

    yield start_one
    for made in running:
        await made.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has come true."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for is in memory and raises no event
            await asyncio.sleep(0.001)


async def test_the_first_look_leaves_the_first_state(store: MemoryStore, start: Start) -> None:
    """At once, whatever it is, with the delay that lets others read it first."""
    made = experiment(NEVER)
    await start(made).ready()
    await until(lambda: made.newest() is not None)
    assert store.states_written() == [NurseryOnly(("a", "b"))]
    (written,) = store.rows
    assert written.effective_at_ms == store.clock_ms + 6
    assert store.looks == 1


async def test_a_winner_is_found(store: MemoryStore, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """When the feedback says so, new episodes go to it, and the log says so once."""
    caplog.set_level(logging.INFO)
    made = experiment(OFTEN)
    start(made)
    await until(lambda: len(store.rows) == 1)
    store.known = GOOD
    await until(lambda: len(store.rows) == 2)
    await until(lambda: made.newest() == Stopped("a"))
    assert {made.sampler.first(episode(number, 60_000)) for number in range(50)} == {"a"}
    looks = store.looks
    await until(lambda: store.looks > looks + 3)
    assert len(store.rows) == 2
    assert [record.message for record in caplog.records] == [
        "adaptive experiment of function `f`: `a` has won"
    ]


async def test_two_processes_agree(store: MemoryStore, start: Start) -> None:
    """Both learn what either has left, and draw the same for every episode."""
    store.known = GOOD
    one, other = experiment(OFTEN), experiment(OFTEN)
    start(one)
    start(other)
    await until(lambda: one.newest() == Stopped("a") and other.newest() == Stopped("a"))
    looks = store.looks
    await until(lambda: store.looks > looks + 4)
    assert one.learn(store.rows) is other.learn(store.rows) is False
    for number in range(200):
        asked = episode(number, number % 10)
        assert one.sampler.first(asked) == other.sampler.first(asked)


async def test_a_restart_knows_everything_before_it_is_ready(store: MemoryStore, start: Start) -> None:
    """The states that are there are in force when the first request comes."""
    store.rows = [row(Stopped("b"), 0)]
    made = experiment(NEVER)
    await start(made).ready()
    assert {made.sampler.first(episode(number, 1)) for number in range(50)} == {"b"}


async def test_who_has_looked_saves_others_the_look(store: MemoryStore, start: Start) -> None:
    """A state that somebody else left postpones the next look by a period."""
    made = experiment(NEVER)
    start(made)
    await until(lambda: store.looks == 1)
    store.rows.append(row(Stopped("b"), 100))
    await until(lambda: made.newest() == Stopped("b"))
    asked = next(store.asked)
    await until(lambda: next(store.asked) > asked + 10)
    assert store.looks == 1


async def test_a_store_that_is_away(
    store: MemoryStore, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """The weights stay, the log says so once, and the experiment goes on when the store is back."""
    caplog.set_level(logging.INFO)
    store.away = True
    made = experiment(OFTEN)
    await start(made).ready()
    asked = next(store.asked)
    await until(lambda: next(store.asked) > asked + 10)
    assert {made.sampler.first(episode(number)) for number in range(100)} == {"a", "b", "z"}
    store.away, store.known = False, GOOD
    await until(lambda: made.newest() == Stopped("a"))
    assert [record.message for record in caplog.records] == [
        "adaptive experiments keep their weights, the store cannot be asked: "
        "Error connecting to ClickHouse: no route",
        "adaptive experiments follow the store again",
        "adaptive experiment of function `f`: `a` has won",
    ]


async def test_a_store_that_hangs_does_not_hold_up_the_start(
    store: MemoryStore, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`ready` gives up in time, `close` ends the waiting."""
    monkeypatch.setattr(updater, "FIRST_LOOK_S", 0.01)

    async def hang(*_: object, **__: object) -> list[object]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(store, "states", hang)
    made = start(experiment(OFTEN))
    await made.ready()
    await made.close()
    assert [record.message for record in caplog.records] == [
        "adaptive experiments keep their weights, the store cannot be asked: no answer within 0.01 s"
    ]


async def test_feedback_that_cannot_be_counted(
    store: MemoryStore, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """States are followed all the same, and the log says once what fails and once that it works again."""
    caplog.set_level(logging.INFO)
    counts, right = itertools.count(), store.statistics

    async def refuse(*_: object, **__: object) -> list[VariantStatistics]:
        next(counts)
        raise StoreError("memory limit exceeded")

    monkeypatch.setattr(store, "statistics", refuse)
    made = experiment(OFTEN)
    start(made)
    await until(lambda: next(counts) > 5)
    store.rows.append(row(Stopped("b"), 100))
    await until(lambda: made.newest() == Stopped("b"))
    monkeypatch.setattr(store, "statistics", right)
    await until(lambda: store.looks > 1)
    messages = [record.message for record in caplog.records]
    assert messages == [
        "adaptive experiments keep their weights, the store cannot be asked: memory limit exceeded",
        "adaptive experiments follow the store again",
    ]


async def test_counting_that_takes_long(
    store: MemoryStore, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one process waits for the feedback, it learns in time what others have left."""
    asked = asyncio.Event()

    async def hang(*_: object, **__: object) -> list[VariantStatistics]:
        asked.set()
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(store, "statistics", hang)
    made = experiment(OFTEN)
    start(made)
    await asked.wait()
    store.rows.append(row(Stopped("b"), 100))
    await until(lambda: made.newest() == Stopped("b"))


async def test_feedback_that_is_no_number(
    store: MemoryStore, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, and the state stays."""
    store.known = [GOOD[0], VariantStatistics("b", 900, None, None)]
    start(experiment(OFTEN))
    await until(lambda: store.looks > 3)
    assert store.rows == []
    assert [record.message for record in caplog.records] == [
        "adaptive experiment of function `f` keeps its weights: the mean of `q` is no finite number"
    ]


async def test_an_error_that_nobody_expected_ends_nothing(
    store: MemoryStore, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the next look is taken."""
    right = store.statistics
    monkeypatch.setattr(store, "statistics", lambda *_, **__: 1 / 0)
    made = experiment(OFTEN)
    start(made)
    await until(lambda: len(caplog.records) > 0)
    monkeypatch.setattr(store, "statistics", right)
    await until(lambda: made.newest() is not None)
    assert "going on with the weights as they are" in caplog.records[0].message


async def test_without_experiments_nothing_is_asked(store: MemoryStore, start: Start) -> None:
    """A configuration without adaptive experiments has no background task."""
    made = start()
    await made.ready()
    await made.close()
    assert next(store.asked) == 0
