"""Tests of `tzproxy.cli.respawns`: Granian's own loop, with workers that die when it hurts."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from granian.server import Server

from tzproxy.cli import respawns
from tzproxy.cli.respawns import Starts, respawn_always


class FakeWorker:
    """A worker's process."""

    def __init__(self, index: int) -> None:
        self.idx = index
        self.lives = True
        self.was_stopped = False

    def start(self) -> None:
        """Live already."""

    def is_alive(self) -> bool:
        """Tell."""
        return self.lives

    def terminate(self) -> None:
        """End."""
        self.was_stopped, self.lives = True, False

    def join(self, timeout: float | None = None) -> None:
        """Have ended."""


class Play:
    """A Granian whose workers are fakes, in its own loop on a thread."""

    def __init__(self) -> None:
        self.server = Server("app", workers=2, respawn_failed_workers=True, respawn_interval=0.0)
        respawn_always(self.server)
        self.spawned: list[FakeWorker] = []
        self.changed = threading.Condition()
        self.during_next_start: Callable[[], None] | None = None
        self.server._spawn_worker = self.spawn
        self.server._spawn_workers(None, None)
        self.thread = threading.Thread(target=self.server._serve_loop, args=(None, None))

    def __enter__(self) -> Play:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.signal_handler_interrupt()
        self.thread.join(20.0)
        assert not self.thread.is_alive()

    def spawn(self, idx: int, target: object, callback_loader: object) -> FakeWorker:
        """Make a worker; a death may come just then."""
        worker = FakeWorker(idx)
        with self.changed:
            self.spawned.append(worker)
            self.changed.notify_all()
        happens, self.during_next_start = self.during_next_start, None
        if happens is not None:
            happens()
        return worker

    def die(self, worker: FakeWorker) -> None:
        """End as a crash does, and tell Granian as its watcher does."""
        worker.lives = False
        self.server.interrupt_children.append(worker.idx)
        self.server.main_loop_interrupt.set()

    def wait_for(self, spawned: int) -> None:
        """Wait until so many workers have been started in all, and the loop rests."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.spawned) >= spawned, 20.0)


def test_a_worker_that_dies_soon_after_its_start_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each death is followed by a start, those of others go on living, and the loop does not end."""
    pauses: list[float] = []
    monkeypatch.setattr(respawns.time, "sleep", pauses.append)
    with Play() as play:
        other = play.spawned[1]
        for deaths in range(3):
            play.die(play.spawned[0 if deaths == 0 else -1])
            play.wait_for(3 + deaths)
        assert play.thread.is_alive()
        assert not other.was_stopped
        assert [worker.idx for worker in play.spawned] == [0, 1, 0, 0, 0]
    assert pauses.count(respawns.PAUSE_S) == 1


def test_a_death_in_mid_replacement_does_not_cost_the_successor() -> None:
    """A worker that dies while its successor starts is not replaced a second time."""
    with Play() as play:
        first = play.spawned[0]
        play.during_next_start = lambda: play.die(first)
        play.server.signal_handler_reload()
        play.wait_for(4)
        play.die(play.spawned[3])
        play.wait_for(5)
    assert [worker.idx for worker in play.spawned] == [0, 1, 0, 1, 1]
    assert not play.spawned[2].was_stopped


def test_only_a_crash_loop_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts are paced for each worker alone, and those of long ago do not count."""
    pauses: list[float] = []
    monkeypatch.setattr(respawns.time, "sleep", pauses.append)
    starts = Starts()
    for index, now in ((0, 100.0), (1, 100.1), (0, 101.0), (1, 109.9), (0, 111.1), (1, 130.0)):
        starts[index] = now
    assert pauses == []
    starts[0] = 111.2
    assert pauses == []
    starts[0] = 111.3
    assert pauses == [respawns.PAUSE_S]
