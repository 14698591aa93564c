"""Tests of `tzproxy.optimization.gepa.tasks`: several gateways, as processes would be, on one store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from optimization.gepa.conftest import StartSearching
from optimization.gepa.provider import Mail
from optimization.gepa.samples import GEPA, Searching
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.errors import StoreUnavailableError
from tzproxy.optimization.gepa import running, tasks

STEP = {"current_iteration": 0, "max_iterations": 2, "current_step": "evaluating_initial_variants"}


@pytest.fixture
def held(mail: Mail) -> Iterator[Mail]:
    """A provider that answers nobody until it is told to."""
    mail.held.set()
    yield mail
    mail.held.clear()
    mail.released.set()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims are made and signs of life are given at once."""
    monkeypatch.setattr(running, "CLAIM_S", 0.05)
    monkeypatch.setattr(running, "LEAST_BEAT_S", 0.02)
    monkeypatch.setattr(running, "BEAT_S", 0.1)


def parts_of(store: StoreClient, task_id: str) -> dict[str, str]:
    """Return the owners of a task's parts."""
    rows = store.query(
        "SELECT part, owner FROM TzproxyOptimizationTask FINAL WHERE task_id = toUUID({id:String})",
        {"id": task_id},
    )
    return {row["part"]: row["owner"] for row in rows}


async def test_every_process_can_tell(begin: StartSearching) -> None:
    """What one has found the other tells, byte for byte, also when the first is gone."""
    first, second = await begin(), await begin()
    first.dataset = second.dataset
    await first.add()
    task_id = await first.launch()
    told = await first.end(task_id)
    assert await second.until(task_id, lambda seen: seen["status"] != "pending") == told
    await first.gateway.close()
    assert await second.get(task_id) == told


@pytest.mark.usefixtures("hasty")
async def test_progress(begin: StartSearching, held: Mail) -> None:
    """While it goes on, whoever is asked tells the step."""
    first, second = await begin(), await begin()
    await first.add()
    task_id = await first.launch()
    wanted = {"status": "pending", "progress": STEP}
    assert await first.until(task_id, lambda told: "progress" in told) == wanted
    assert await second.until(task_id, lambda told: told == wanted)
    assert held.of("analyst") == []


@pytest.mark.usefixtures("hasty")
async def test_a_process_that_ends_leaves_its_searches(
    begin: StartSearching, held: Mail, store: StoreClient
) -> None:
    """Its requests are given up; whoever is asked next goes on, and a third only looks on."""
    first, second, third = await begin(), await begin(), await begin()
    await first.add()
    task_id = await first.launch()
    await first.until(task_id, lambda told: "progress" in told)
    await first.gateway.close()
    assert parts_of(store, task_id)["progress"] == ""
    assert parts_of(store, task_id).keys() == {"launch", "progress"}
    held.held.clear()
    held.released.set()
    assert (await second.get(task_id))["status"] == "pending"
    told = await second.end(task_id)
    assert list(told["variants"]) == ["gepa-iter-0-bills"]
    assert await third.get(task_id) == told
    owners = parts_of(store, task_id)
    assert owners["end"] == owners["state"] == owners["progress"] != owners["launch"]


@pytest.mark.usefixtures("hasty")
async def test_what_was_completed_is_not_done_again(begin: StartSearching, mail: Mail) -> None:
    """The second process begins with the iteration that the first did not end."""
    first, second = await begin(), await begin()
    await first.add()
    original = mail.complete

    def complete(body: dict[str, Any]) -> dict[str, Any]:
        # The second iteration: its first analysis finds the provider silent.
        if body["model"] == "analyst" and len(mail.of("editor")) == 1:
            mail.held.set()
        return original(body)

    mail.complete = complete  # type: ignore[method-assign]
    task_id = await first.launch(max_iterations=2)
    await first.until(task_id, lambda told: mail.held.is_set())
    await first.until(task_id, lambda told: told["progress"]["current_step"] == "analyzing")
    await first.gateway.close()
    mail.complete = original  # type: ignore[method-assign]
    mail.held.clear()
    mail.released.set()
    mail.asked.clear()
    told = await second.end(task_id)
    assert list(told["variants"]) == ["gepa-iter-0-bills"]
    assert set(told["statistics"]) == {"plain", "bills", "gepa-iter-0-bills"}
    assert len(mail.of("editor")) == 1
    assert len(mail.of("sorter")) == 2 * 8


@pytest.mark.usefixtures("hasty")
async def test_a_process_that_vanished(
    begin: StartSearching, held: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that gives no sign of life for long enough is taken for dead; if it is not, it gives way."""
    first, second = await begin(), await begin()
    await first.add()
    task_id = await first.launch()
    await first.until(task_id, lambda told: "progress" in told)
    mine = first.gateway.gateway._services.gepa._running[task_id]
    store = mine._store

    async def refuse(*args: object, **fields: object) -> None:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(store, "write", refuse)
    monkeypatch.setattr(tasks, "SILENT_MS", -1.0)
    assert (await second.get(task_id))["status"] == "pending"
    monkeypatch.setattr(tasks, "SILENT_MS", 60_000.0)
    assert mine.task is not None
    await mine.task
    assert mine.is_lost
    held.held.clear()
    held.released.set()
    told = await second.end(task_id)
    assert told["status"] == "completed"
    assert await first.get(task_id) == told


async def test_a_search_that_ends_every_process(
    begin: StartSearching, held: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many processes it is over, and says why."""
    first, second = await begin(), await begin()
    await first.add()
    task_id = await first.launch()
    await first.until(task_id, lambda told: "progress" in told)
    await first.gateway.close()
    monkeypatch.setattr(tasks, "MOST_BEGUN", 1)
    for searching in (second, second):
        told = await searching.get(task_id)
        assert told["status"] == "error"
        assert told["error"].startswith(
            "The process that worked on this search ended before it was done, 1 time"
        )
    assert held.of("editor") == []


async def test_unknown_tasks(searching: Searching) -> None:
    """404 for an id that nobody has been given, 400 for what is no id."""
    task_id = new_uuid7()
    reply = await searching.gateway.get(f"{GEPA}/{task_id}")
    assert (reply.status, reply.error) == (404, f"GEPA task not found: {task_id}")
    reply = await searching.gateway.get(f"{GEPA}/nonsense")
    assert reply.status == 400
    assert reply.body.startswith(
        b"Invalid URL: Cannot parse `task_id` with value `nonsense`: UUID parsing failed"
    )
