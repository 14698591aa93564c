"""Tests of `tzproxy.feedback.targets`: how long a target is waited for, and what is not asked."""

from __future__ import annotations

import asyncio
import time
import uuid
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.errors import StoreError, StoreUnavailableError
from tzproxy.feedback.errors import InvalidUuidError, UnknownTargetError
from tzproxy.feedback.targets import Targets, age_s
from tzproxy.inference.plan import Inference
from tzproxy.inference.recent import RecentInferences

WORKFLOW_OFFSET_S = 10_000_000_000
FUNCTION: Any = SimpleNamespace(tools=SimpleNamespace(prepared=None), output_schema=None)


def uuid7_of(age: float) -> str:
    """An id made that many seconds ago."""
    milliseconds = int((time.time() - age) * 1000)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | 1))


def remembered(inference_id: str, episode_id: str) -> Inference:
    """As much of an inference as is remembered."""
    fields = {"function": FUNCTION, "tools": None, "output_schema": None}
    return cast(Inference, SimpleNamespace(inference_id=inference_id, episode_id=episode_id, **fields))


@pytest.mark.parametrize(("age", "expected"), [(0, 0), (3, 3), (86400, 86400), (-3600, 0)])
def test_age(age: float, expected: float) -> None:
    """An id tells its age; one from the future is new."""
    assert age_s(uuid7_of(age)) == pytest.approx(expected, abs=1)


def test_age_of_workflow_episodes() -> None:
    """Episodes of workflow evaluation runs lie ahead of time by a fixed offset, which is taken off."""
    assert age_s(uuid7_of(-WORKFLOW_OFFSET_S)) < 1
    assert age_s(uuid7_of(100 - WORKFLOW_OFFSET_S)) == pytest.approx(100, abs=1)


@pytest.mark.parametrize("text", [str(uuid.uuid4()), str(uuid.uuid1()), str(uuid.UUID(int=0))])
def test_age_of_other_ids(text: str) -> None:
    """Only version 7 has the time in the place where it is looked for."""
    with pytest.raises(InvalidUuidError) as caught:
        age_s(text)
    assert caught.value.message == f"Failed to parse UUID as v7: {text}"


@pytest.mark.parametrize("level", ["inference", "episode"])
@pytest.mark.parametrize(
    ("age", "waited"), [(0, 6), (4, 2), (5.5, 1), (86400, 1), (-86400, 6), (-WORKFLOW_OFFSET_S, 6)]
)
async def test_unknown_targets(store: Any, level: Any, age: float, waited: float) -> None:
    """A new id is waited for until it is 6 s old, an old one for 1 s; then it does not exist."""
    target = uuid7_of(age)
    clock = asyncio.get_running_loop().time
    began = clock()
    with pytest.raises(UnknownTargetError) as caught:
        await Targets(RecentInferences(), store).check(level, target)
    assert caught.value.message == f"{level.capitalize()} ID: {target} does not exist"
    assert clock() - began == pytest.approx(waited, abs=0.9)
    assert 4 <= store.asked <= 9


@pytest.mark.parametrize("looks", [1, 2, 5])
async def test_rows_on_their_way(store: Any, looks: int) -> None:
    """A target that appears while it is waited for is found at the next look."""
    target, episode = new_uuid7(), new_uuid7()
    store.hold(target, "f")
    store.episodes.add(episode)
    store.appears_at = looks
    targets = Targets(RecentInferences(), store)
    await targets.check("inference", target)
    assert store.asked == looks
    assert (await targets.stored_inference(target)).function_name == "f"
    store.asked = 0
    await targets.check("episode", episode)
    assert store.asked == looks


async def test_first_looks_are_quick(store: Any) -> None:
    """A row that another process has just written is found within some tenths of a second."""
    target = new_uuid7()
    store.hold(target, "f")
    store.appears_at = 3
    clock = asyncio.get_running_loop().time
    began = clock()
    await Targets(RecentInferences(), store).check("inference", target)
    assert clock() - began < 1


async def test_what_this_process_recorded(store: Any) -> None:
    """It is known without asking, and without the store."""
    recent = RecentInferences()
    inference, episode = new_uuid7(), new_uuid7()
    recent.add(remembered(inference, episode))
    store.failure = StoreUnavailableError("away")
    for targets in (Targets(recent, store), Targets(recent, None)):
        await targets.check("inference", inference)
        await targets.check("episode", episode)
        assert targets.recent_function(inference) is FUNCTION
    with pytest.raises(StoreUnavailableError):
        await Targets(recent, store).check("inference", episode)


async def test_recorded_while_waiting() -> None:
    """An inference of this process that ends only after its feedback came is found."""
    recent = RecentInferences()
    inference = new_uuid7()
    waiting = asyncio.ensure_future(Targets(recent, None).check("inference", inference))
    await asyncio.sleep(1)
    assert not waiting.done()
    recent.add(remembered(inference, new_uuid7()))
    await waiting


async def test_failing_store(store: Any) -> None:
    """A failure of the store ends the wait at once."""
    store.failure = StoreError("no")
    with pytest.raises(StoreError, match="^no$"):
        await Targets(RecentInferences(), store).check("inference", new_uuid7())
    assert store.asked == 1


async def test_details(store: Any) -> None:
    """Details come from the store; where the row is gone, or there is no store, that is said."""
    inference = new_uuid7()
    store.hold(inference, "f")
    targets = Targets(RecentInferences(), store)
    target = await targets.stored_inference(inference)
    assert await targets.stored_tools(inference, target) is store.tools
    assert await targets.stored_output(inference, target) == "[]"
    store.output_schema = None
    with pytest.raises(UnknownTargetError):
        await targets.stored_output_schema(inference, target)
    with pytest.raises(StoreError, match="needs a ClickHouse store"):
        await Targets(RecentInferences(), None).stored_output(inference, target)
