"""Tests of `tzproxy.cli.first_signal`: however many signals come, the worker is told once."""

from __future__ import annotations

import asyncio
import os
import signal
from types import ModuleType

import granian._signals as real
import pytest

from tzproxy.cli.first_signal import heed_the_first_signal


class Event:
    """Counts how often it is set."""

    def __init__(self) -> None:
        self.count = 0

    def set(self) -> None:
        """Count."""
        self.count += 1


@pytest.mark.parametrize("numbers", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM, signal.SIGTERM)])
async def test_one_signal_is_passed_on(numbers: tuple[signal.Signals, ...]) -> None:
    """The first of either kind; those that follow change nothing."""
    module = ModuleType("signals")
    module.__dict__["WorkerSignal"] = Event
    heed_the_first_signal(module)
    loop = asyncio.get_running_loop()
    event = module.__dict__["set_loop_signals"](loop)
    try:
        for number in numbers:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    assert event.count == 1


def test_granian_has_what_is_replaced() -> None:
    """The names that this relies on are Granian's."""
    assert callable(real.set_loop_signals)
    assert callable(real.WorkerSignal)
