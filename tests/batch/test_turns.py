"""Tests of `tzproxy.batch.turns`, and that long work of batches goes through it."""

from __future__ import annotations

import asyncio

import pytest

from batch.conftest import Parts, ask
from tzproxy.batch.submission import Submitter
from tzproxy.batch.turns import INPUTS_AT_ONCE, in_turns

COUNT = 4 * INPUTS_AT_ONCE


class Turns:
    """Counts how often others got their turn."""

    def __init__(self) -> None:
        self.taken = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Turns:
        self._task = asyncio.create_task(self._take())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()

    async def _take(self) -> None:
        while True:
            self.taken += 1
            await asyncio.sleep(0)


async def test_work_in_turns() -> None:
    """All is made, in order, and others get their turn in between."""
    async with Turns() as turns:
        assert await in_turns(lambda number: number * 2, range(COUNT)) == list(range(0, 2 * COUNT, 2))
    assert turns.taken == 4


async def test_work_that_fails() -> None:
    """A failure ends it."""
    with pytest.raises(ZeroDivisionError):
        await in_turns(lambda number: 1 // number, [1, 0, 2])


async def test_a_batch_is_planned_and_handed_over_in_turns(parts: Parts) -> None:
    """Each step over all inputs, from their tools to their addresses, lets others have their turn."""
    request = ask(*["x"] * COUNT)
    async with Turns() as turns:
        planned = await parts.planner.plan(request)
    assert turns.taken == 3 * 4
    async with Turns() as turns:
        await Submitter(parts.provider).submit(planned)
    assert turns.taken >= 2 * 4
