"""Finds the inference or episode that feedback is about, waiting for rows on their way. Cold, never blocking.

A row is written after its answer was sent, perhaps by another process: feedback can be faster. How long an id
is waited for depends on its age and is the original's; the first looks follow each other more quickly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from tzproxy._speedups.ids import parse_uuid, uuid_time_ms, uuid_version
from tzproxy.clickhouse.queries.feedback import StoredTools, TargetInference
from tzproxy.errors import StoreError
from tzproxy.feedback.errors import InvalidUuidError, UnknownTargetError
from tzproxy.feedback.request import Level
from tzproxy.inference.function import Function
from tzproxy.inference.recent import RecentInferences
from tzproxy.inference.request_checks import WORKFLOW_EPISODES_FROM_MS

WAIT_S = 6.0
SHORTEST_WAIT_S = 1.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

_T = TypeVar("_T")


class TargetStore(Protocol):
    """What is asked of the store. See `tzproxy.clickhouse.queries.feedback.FeedbackTargets`."""

    async def find_inference(self, inference_id: str) -> TargetInference | None:
        """Return where an inference is."""
        ...

    async def has_episode(self, episode_id: str) -> bool:
        """Whether any inference of an episode is there."""
        ...

    async def find_tools(self, inference_id: str, target: TargetInference) -> StoredTools | None:
        """Return the tools of a chat inference."""
        ...

    async def find_output_schema(self, inference_id: str, target: TargetInference) -> str | None:
        """Return the schema of a JSON inference's output."""
        ...

    async def find_output(self, inference_id: str, target: TargetInference) -> str | None:
        """Return an inference's output as stored."""
        ...


class Targets:
    """Knows what this process recorded last, and asks the store for everything else."""

    def __init__(self, recent: RecentInferences, store: TargetStore | None) -> None:
        self._recent = recent
        self._store = store

    async def check(self, level: Level, target_id: str) -> None:
        """Return once the target is known.

        Raises:
            UnknownTargetError: when it does not appear in time.
            InvalidUuidError: for an id that is no UUIDv7.
            StoreError: when the store does not answer or refuses.
        """
        await self._wait(level, target_id, self._has_inference if level == "inference" else self._has_episode)

    def recent_function(self, inference_id: str) -> Function | None:
        """Return the function of an inference of this process that ran without tools or schema of its own."""
        return self._recent.function_of(inference_id)

    async def stored_inference(self, inference_id: str) -> TargetInference:
        """Return where an inference is in the store, once it is there. Raises as `check` does."""
        return await self._wait("inference", inference_id, self._find_inference)

    async def stored_tools(self, inference_id: str, target: TargetInference) -> StoredTools:
        """Return the tools of a chat inference. Raises as `check` does."""
        return _there(await self._asked.find_tools(inference_id, target), inference_id)

    async def stored_output_schema(self, inference_id: str, target: TargetInference) -> str:
        """Return the schema of a JSON inference's output. Raises as `check` does."""
        return _there(await self._asked.find_output_schema(inference_id, target), inference_id)

    async def stored_output(self, inference_id: str, target: TargetInference) -> str:
        """Return an inference's output as stored. Raises as `check` does."""
        return _there(await self._asked.find_output(inference_id, target), inference_id)

    @property
    def _asked(self) -> TargetStore:
        if self._store is None:
            raise StoreError("Feedback of this kind needs a ClickHouse store, and there is none.")
        return self._store

    async def _has_inference(self, inference_id: str) -> bool | None:
        if self._recent.has_inference(inference_id):
            return True
        return await self._find_inference(inference_id) is not None or None

    async def _has_episode(self, episode_id: str) -> bool | None:
        if self._recent.has_episode(episode_id):
            return True
        return self._store is not None and await self._store.has_episode(episode_id) or None

    async def _find_inference(self, inference_id: str) -> TargetInference | None:
        return None if self._store is None else await self._store.find_inference(inference_id)

    async def _wait(self, level: Level, target_id: str, find: Callable[[str], Awaitable[_T | None]]) -> _T:
        wait_s = max(WAIT_S - age_s(target_id), SHORTEST_WAIT_S)
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait_s
        pause_s = FIRST_PAUSE_S
        while (found := await find(target_id)) is None:
            left_s = deadline - clock()
            if left_s <= 0:
                raise UnknownTargetError(level, target_id)
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        return found


def age_s(target_id: str) -> float:
    """Return how long ago an id was made; 0 for one from the future.

    Raises:
        InvalidUuidError: for an id that is no UUIDv7.
    """
    raw = parse_uuid(target_id)
    if uuid_version(raw) != 7:
        raise InvalidUuidError(target_id)
    at_ms = uuid_time_ms(raw)
    if at_ms >= WORKFLOW_EPISODES_FROM_MS:
        at_ms -= WORKFLOW_EPISODES_FROM_MS
    return max(0.0, time.time() - at_ms / 1000)


def _there(found: _T | None, inference_id: str) -> _T:
    if found is None:
        raise UnknownTargetError("inference", inference_id)
    return found
