"""An event loop whose clock jumps to the next timer when there is nothing else to do.

Time-outs, retries and keep-alives take no real time, and always come in the order of their deadlines.
Not for tests that wait for threads, processes or sockets: the clock would jump while those work. Tests that
are marked `e2e` run on an ordinary loop.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from typing import Any


class _JumpingSelector(selectors.DefaultSelector):
    """Polls, and lets the clock jump by the time that it would have waited."""

    skipped_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.skipped_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the time, jumps included."""
        return super().time() + self._jumping.skipped_s


def loop_factories(config: Any, item: Any) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Be the `pytest_asyncio_loop_factories` of a folder's conftest."""
    if item.get_closest_marker("e2e") is not None:
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualLoop}
