"""Tests of `tzproxy.services.children`: processes beside the workers, watched and ended in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tzproxy.errors import StoreError
from tzproxy.recording.options import RecorderOptions
from tzproxy.services import children
from tzproxy.services.children import Children


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a thread has done something."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


class FakeStore:
    """An embedded store without a process."""

    def __init__(self, data_dir: Path, events: list[str]) -> None:
        self.events = events
        self.is_alive = False
        self.failures: list[Exception] = []

    def start(self, timeout_s: float) -> str:
        """Start, unless failures are left."""
        if self.failures:
            self.events.append("store failed")
            raise self.failures.pop()
        self.events.append("store started")
        self.is_alive = True
        return "http://embedded"

    def alive(self) -> bool:
        """Tell whether it runs."""
        return self.is_alive

    def stop(self) -> None:
        """Stop."""
        self.events.append("store stopped")
        self.is_alive = False


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens to the children, in order."""
    noted: list[str] = []

    class FakeRecorder:
        def __init__(self, options: RecorderOptions) -> None:
            noted.append(f"recorder for {options.data_dir}")

        def start(self) -> None:
            """Note it."""
            noted.append("recorder started")

        def stop(self) -> None:
            """Note it."""
            noted.append("recorder stopped")

    monkeypatch.setattr(children, "RecorderProcess", FakeRecorder)
    monkeypatch.setattr(children, "CHECK_INTERVAL_S", 0.002)
    return noted


@pytest.fixture
def stores(events: list[str], monkeypatch: pytest.MonkeyPatch) -> list[FakeStore]:
    """The embedded stores that are made."""
    made: list[FakeStore] = []

    def make(data_dir: Path) -> FakeStore:
        made.append(FakeStore(data_dir, events))
        return made[-1]

    monkeypatch.setattr(children, "EmbeddedStore", make)
    return made


def test_they_end_in_the_opposite_order(events: list[str], stores: list[FakeStore], tmp_path: Path) -> None:
    """The recorder drains while the store still runs; nothing is left behind."""
    with Children() as running:
        assert running.start_store(tmp_path) == "http://embedded"
        running.start_recorder(RecorderOptions(data_dir="d"))
    assert events == [
        "store started",
        "recorder for d",
        "recorder started",
        "recorder stopped",
        "store stopped",
    ]
    assert not any(thread.name.startswith("watch ") for thread in threading.enumerate())


def test_they_end_when_something_fails(events: list[str], stores: list[FakeStore], tmp_path: Path) -> None:
    """A failure after the start ends what was started."""
    with pytest.raises(KeyError), Children() as running:
        running.start_store(tmp_path)
        raise KeyError
    assert events == ["store started", "store stopped"]


def test_a_store_that_dies_is_started_again(
    events: list[str], stores: list[FakeStore], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its death and every attempt that fails are logged; the attempts go on."""
    with Children() as running:
        running.start_store(tmp_path)
        stores[0].failures = [StoreError("no room"), OSError(12, "no memory")]
        stores[0].is_alive = False
        wait_for(lambda: events.count("store started") == 2)
    assert events == [
        "store started",
        "store failed",
        "store failed",
        "store started",
        "store stopped",
    ]
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count("the embedded store ended and is started again") == 3
    assert "the embedded store cannot start: no room" in messages
    assert "the embedded store cannot start: [Errno 12] no memory" in messages


def test_a_store_that_cannot_start(
    events: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first start is not tried again: the gateway has nothing to record into without it."""
    store = FakeStore(tmp_path, events)
    store.failures = [StoreError("no room")]
    monkeypatch.setattr(children, "EmbeddedStore", lambda data_dir: store)
    with pytest.raises(StoreError, match="no room"), Children() as running:
        running.start_store(tmp_path)
    assert events == ["store failed"]


def test_other_processes_are_ended_too() -> None:
    """Whatever is entered is left, the last first; what cannot start is not left."""
    events: list[str] = []

    @contextmanager
    def child(name: str) -> Iterator[None]:
        if name == "bad":
            raise OSError("no")
        events.append(f"{name} begins")
        yield
        events.append(f"{name} ends")

    with Children() as running:
        running.enter(child("a"))
        running.enter(child("b"))
        with pytest.raises(OSError, match="no"):
            running.enter(child("bad"))
    assert events == ["a begins", "b begins", "b ends", "a ends"]
