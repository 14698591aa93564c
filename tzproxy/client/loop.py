"""The event loop on which the clients of a process do their work, in a thread of its own.

One for all: the engine counts on one loop in a process. The program's own loops, however busy, do not hold it
up, and clients of any thread reach it alike. It ends with the process.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


class EngineLoop:
    """A running loop and its thread. Belongs to the process that made it: threads do not survive a fork."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tzproxy-engine", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    @property
    def is_here(self) -> bool:
        """Whether the caller is on the loop's own thread, where waiting for it would never end."""
        return threading.current_thread() is self._thread

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin something; cancelling what is returned cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, action: Callable[[], object]) -> None:
        """Do something soon, without waiting for it."""
        self._loop.call_soon_threadsafe(action)

    def run(self, work: Coroutine[Any, Any, T], *, timeout_s: float | None = None) -> T:
        """Do something and wait for it; an interrupted wait cancels it.

        Raises:
            TimeoutError: when it takes longer than that.
        """
        assert not self.is_here, "the loop would wait for itself"
        future = self.submit(work)
        try:
            return future.result(timeout_s)
        except BaseException:
            future.cancel()
            raise


_LOCK = threading.Lock()
_LOOPS: dict[int, EngineLoop] = {}
"""By process id. A parent's stays here after a fork: taking it apart without its thread would go wrong."""


def engine_loop() -> EngineLoop:
    """Return this process's loop; the first call starts it."""
    with _LOCK:
        pid = os.getpid()
        if pid not in _LOOPS:
            _LOOPS[pid] = EngineLoop()
        return _LOOPS[pid]


def _forked() -> None:
    global _LOCK
    # A thread of the parent may have held it.
    _LOCK = threading.Lock()


os.register_at_fork(after_in_child=_forked)
