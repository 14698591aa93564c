"""A worker stops at the first signal and ignores the rest. Cold.

Granian (2.8) tells its threads of each signal; telling them a second time can wait for ever, with the
interpreter's lock held. Two signals are common: a terminal's Ctrl-C reaches the workers, and so does the
supervisor's SIGTERM; and the kernel may repeat the one for a parent's death.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import ModuleType
from typing import Any


def heed_the_first_signal(signals: ModuleType) -> None:
    """Have the Granian worker of this process, not yet started, set its event once.

    Args:
        signals: the module of Granian that handles them (`granian._signals`).
    """
    event_class: Callable[[], Any] = signals.__dict__["WorkerSignal"]

    def set_loop_signals(loop: asyncio.AbstractEventLoop) -> Any:
        event = event_class()
        pending = [event.set]

        def stop() -> None:
            if pending:
                pending.pop()()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        return event

    signals.__dict__["set_loop_signals"] = set_loop_signals
