"""When Granian starts a worker anew: always, at once, and not faster than a crash loop may go. Cold.

Granian (2.8) stops all workers when one dies within 5.5 s of having been started anew, as after a reload, and
takes the death of a worker that is being replaced for the death of its successor. It decides both by two
attributes of its server, which are exchanged here. A version that decides otherwise is not touched by that.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from math import inf
from typing import Any

AT_ONCE = 2
"""So many starts of one worker within `WINDOW_S` are made without a pause."""

WINDOW_S = 10.0
PAUSE_S = 1.0


class Starts(dict[int, float]):
    """Takes the place of the times at which workers were started anew, which it never tells."""

    def __init__(self) -> None:
        self._recent: dict[int, deque[float]] = {}

    def get(self, index: int, default: Any = None) -> float:
        """Say that the worker was not started lately, so that it is started again."""
        return -inf

    def __setitem__(self, index: int, now: float) -> None:
        """Note the start that follows, and pause when there were many."""
        recent = self._recent.setdefault(index, deque(maxlen=AT_ONCE))
        if len(recent) == AT_ONCE and now - recent[0] < WINDOW_S:
            time.sleep(PAUSE_S)
        recent.append(now)


class Deaths(list[int]):
    """Takes the place of the indexes of workers that died: those in whose place none lives."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def __iter__(self) -> Iterator[int]:
        """Give each index once."""
        workers = self._server.wrks
        for index in dict.fromkeys(super().__iter__()):
            if index >= len(workers) or not workers[index].is_alive():
                yield index


def respawn_always(server: Any) -> None:
    """Have a Granian server, not yet started, replace each worker that dies."""
    server.respawned_wrks = Starts()
    server.interrupt_children = Deaths(server)
