"""Tests of `tzproxy.client.loop`: one loop for all, in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future

import pytest

from tzproxy.client.loop import engine_loop


async def name_of_thread() -> str:
    """The thread that runs this."""
    return threading.current_thread().name


async def test_there_is_one_loop() -> None:
    """Every thread gets the same; work runs in its thread, also when the caller has a loop."""
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(engine_loop())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [engine_loop()] * 4
    assert engine_loop().run(name_of_thread()) == "tzproxy-engine"
    assert await asyncio.wrap_future(engine_loop().submit(name_of_thread())) == "tzproxy-engine"


def test_waiting_ends() -> None:
    """A time limit cancels the work, and what it raises reaches the caller."""
    ended: Future[bool] = Future()

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set_result(True)

    async def fail() -> None:
        raise LookupError("x")

    with pytest.raises(TimeoutError):
        engine_loop().run(for_ever(), timeout_s=0.05)
    assert ended.result(5.0)
    with pytest.raises(LookupError):
        engine_loop().run(fail())
    called = threading.Event()
    engine_loop().call(called.set)
    assert called.wait(5.0)


def test_a_fork_gets_a_loop_of_its_own() -> None:
    """The child's first use starts another: threads do not survive a fork."""
    engine_loop().run(name_of_thread())
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if engine_loop().run(name_of_thread(), timeout_s=10.0) == "tzproxy-engine" else 2)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
