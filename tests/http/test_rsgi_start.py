"""Tests of `tzproxy.http.rsgi_start`: requests begin when their bodies are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tzproxy.http import rsgi_start
from tzproxy.http.rsgi_start import start_with_bodies


def worker_module(**names: Any) -> ModuleType:
    """A module like the one that runs Granian's workers."""
    module = ModuleType("worker")
    module.__dict__.update(names)
    return module


def test_another_granian_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Where there is nothing to replace, that is said, and requests go the ordinary way."""
    module = worker_module(other=1)

    async def application(scope: Any, headers: Any, protocol: Any, body: bytes) -> None:
        raise AssertionError

    assert not start_with_bodies(application, module)
    assert "_new_cbscheduler" not in vars(module)
    assert len(caplog.records) == 1


class Body:
    """The body of a request, complete when told."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content
        self.callbacks: list[Callable[[Any], None]] = []

    def add_done_callback(self, callback: Callable[[Any], None], context: Any = None) -> None:
        """Keep it."""
        self.callbacks.append(callback)

    def result(self) -> bytes:
        """Give the body, unless the client left."""
        if self.content is None:
            raise RuntimeError("disconnected")
        return self.content

    def complete(self) -> None:
        """Be there."""
        for callback in self.callbacks:
            callback(self)


class Watcher:
    """Granian's hold on one request."""

    def __init__(self, body: Body, length: str | None) -> None:
        self.body = body
        self.scope = SimpleNamespace(headers={} if length is None else {"content-length": length})
        self.ended: list[Any] = []
        self.tasks: list[Any] = []

    def proto(self) -> Body:
        """Ask for the body."""
        return self.body

    def taskref(self, task: Any) -> None:
        """Keep a task."""
        self.tasks.append(task)

    def done(self) -> None:
        """End well."""
        self.ended.append("done")

    def err(self, exc: BaseException) -> None:
        """End badly."""
        self.ended.append(exc)


class Calls:
    """The application's side: what it was called with, and how it ends."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.ordinary: list[Watcher] = []
        self.failure: Exception | None = None

    async def with_body(self, scope: Any, headers: Any, protocol: Any, body: bytes) -> None:
        """Take a request with its headers and its body."""
        assert headers is scope.headers
        self.bodies.append(body)
        if self.failure is not None:
            raise self.failure

    async def without_body(self, watcher: Watcher) -> None:
        """Take a request that reads its body itself."""
        self.ordinary.append(watcher)


class FakeScheduler:
    """Granian's scheduler, which cannot be looked into."""

    _ctx = None

    def __init__(self, loop: Any, ordinary: Any, *_: None) -> None:
        self.ordinary = ordinary
        self._schedule_fn: Callable[[Watcher], None] | None = None

    def schedule(self, watcher: Watcher) -> None:
        """Schedule a request, as Granian's thread does."""
        assert self._schedule_fn is not None
        self._schedule_fn(watcher)


@pytest.fixture
def calls() -> Calls:
    """The application's side."""
    return Calls()


@pytest.fixture
async def scheduler(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> FakeScheduler:
    """The scheduler that a worker makes once its module has been changed."""
    monkeypatch.setattr(rsgi_start, "_scheduler_class", lambda: FakeScheduler)
    module = worker_module(_new_cbscheduler=lambda *_: None)
    assert start_with_bodies(calls.with_body, module)
    made = module.__dict__["_new_cbscheduler"](asyncio.get_running_loop(), calls.without_body)
    assert isinstance(made, FakeScheduler)
    return made


async def turns() -> None:
    """Let everything happen."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_short_bodies_are_there_when_the_request_begins(calls: Calls, scheduler: FakeScheduler) -> None:
    """Nothing runs before the body is complete; then the application gets it."""
    watcher = Watcher(Body(b"abc"), "3")
    scheduler.schedule(watcher)
    await turns()
    assert calls.bodies == []
    watcher.body.complete()
    await turns()
    assert (calls.bodies, watcher.ended, len(watcher.tasks)) == ([b"abc"], ["done"], 1)
    assert calls.ordinary == []


@pytest.mark.parametrize("length", [None, "1000000"])
async def test_long_and_open_bodies_are_read_by_the_application(
    calls: Calls, scheduler: FakeScheduler, length: str | None
) -> None:
    """What is too long to wait for, or of unknown length, begins at once."""
    watcher = Watcher(Body(b""), length)
    scheduler.schedule(watcher)
    await turns()
    assert calls.ordinary == [watcher]
    assert watcher.body.callbacks == []


@pytest.mark.parametrize("content", [None, b"ab"])
async def test_a_client_that_leaves_before_its_body(
    calls: Calls, scheduler: FakeScheduler, content: bytes | None
) -> None:
    """Half a body is no request."""
    watcher = Watcher(Body(content), "3")
    scheduler.schedule(watcher)
    watcher.body.complete()
    await turns()
    assert (calls.bodies, watcher.ended) == ([], ["done"])


async def test_an_application_that_fails(calls: Calls, scheduler: FakeScheduler) -> None:
    """The server hears of it."""
    calls.failure = KeyError("x")
    watcher = Watcher(Body(b"abc"), "3")
    scheduler.schedule(watcher)
    watcher.body.complete()
    await turns()
    assert watcher.ended == [calls.failure]
