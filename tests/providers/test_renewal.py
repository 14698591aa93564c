from __future__ import annotations

import asyncio
import logging

import pytest

from tzproxy.errors import UpstreamConnectError
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.renewal import Lease, Renewed


class _Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class _Server:
    """Hands out numbers that should be renewed after 90 seconds and serve for 100, when it is let."""

    def __init__(self, clock: _Clock) -> None:
        self.clock = clock
        self.calls = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.problem: Exception | None = None

    async def fetch(self) -> Lease[int]:
        self.calls += 1
        number = self.calls
        await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        return Lease(number, self.clock.now + 90, self.clock.now + 100)


@pytest.fixture
def clock() -> _Clock:
    """A clock that stands still."""
    return _Clock()


@pytest.fixture
def server(clock: _Clock) -> _Server:
    """A server of numbers."""
    return _Server(clock)


@pytest.fixture
def numbers(server: _Server, clock: _Clock) -> Renewed[int]:
    """The current number."""
    return Renewed("number", server.fetch, clock=clock)


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_fetched_once(numbers: Renewed[int], server: _Server) -> None:
    """The value is fetched when it is first needed, and serves."""
    assert numbers.get() is None
    for _ in range(3):
        await numbers.ready()
        assert numbers.get() == 1
    assert server.calls == 1


async def test_waiting_together(numbers: Renewed[int], server: _Server) -> None:
    """All who come before there is a value wait for the same one; who gives up takes it from nobody."""
    server.gate.clear()
    waiting = [asyncio.create_task(numbers.ready()) for _ in range(3)]
    await _settle()
    waiting[0].cancel()
    await _settle()
    server.gate.set()
    await asyncio.gather(*waiting[1:])
    assert waiting[0].cancelled()
    assert (numbers.get(), server.calls) == (1, 1)


async def test_renewed_beside(numbers: Renewed[int], server: _Server, clock: _Clock) -> None:
    """A value that is due is renewed once, while the old one serves."""
    await numbers.ready()
    clock.now += 90
    server.gate.clear()
    await numbers.ready()
    await numbers.ready()
    await _settle()
    assert (numbers.get(), server.calls) == (1, 2)
    server.gate.set()
    await _settle()
    assert numbers.get() == 2


async def test_expired(numbers: Renewed[int], server: _Server, clock: _Clock) -> None:
    """A value that nobody needed for long is fetched anew before anyone goes on."""
    await numbers.ready()
    clock.now += 100
    assert numbers.get() is None
    await numbers.ready()
    assert numbers.get() == 2


async def test_failing_renewal(
    numbers: Renewed[int], server: _Server, clock: _Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed renewal is tried again half a minute later; without a value every request tries."""
    await numbers.ready()
    server.problem = UpstreamConnectError("server is down")
    clock.now += 90
    with caplog.at_level(logging.WARNING):
        await numbers.ready()
        await _settle()
    assert caplog.messages == ["The number could not be renewed: server is down"]
    await numbers.ready()
    assert (numbers.get(), server.calls) == (1, 2)
    clock.now += 30
    for calls in (3, 4):
        await numbers.ready()
        assert (numbers.get(), server.calls) == (None, calls)
    assert numbers.problem == "server is down"
    server.problem = None
    await numbers.ready()
    assert numbers.get() == 5


@pytest.mark.parametrize("problem", [ProviderError("p"), OSError("p"), ValueError("p")])
async def test_kinds_of_failure(numbers: Renewed[int], server: _Server, problem: Exception) -> None:
    """Whatever goes wrong on the way is kept in words."""
    server.problem = problem
    await numbers.ready()
    assert (numbers.get(), numbers.problem) == (None, "p")
