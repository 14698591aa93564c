"""Tests of `tzproxy.cli.server`: how the server is set up, and what happens when it ends."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from granian.constants import Interfaces, Loops, RuntimeModes

from tzproxy.cli import server
from tzproxy.cli.reload import Reloads
from tzproxy.cli.server import ServerSettings, check_address, load_worker, serve
from tzproxy.config import load_config
from tzproxy.http.gateway import Gateway, WorkerSettings

SETTINGS = ServerSettings(host="127.0.0.1", port=3000, workers=4)
WORKER = WorkerSettings(config=b"", data_dir="d")
RELOADS = Reloads(WORKER, lambda: WORKER)


def _no_signal(*_: object) -> None:
    raise AssertionError("the server handles SIGHUP itself")


class FakeServer:
    """A server that ends as it is told."""

    def __init__(self, *, is_signalled: bool, exits: bool = False) -> None:
        self.interrupt_signal = is_signalled
        self.exits = exits
        self.started: list[Callable[[], None]] = []
        self.loaders: list[Any] = []

        self.signal_handler_reload: Callable[..., None] = _no_signal
        self.reload_signal = False
        self.main_loop_interrupt = threading.Event()

    def signal_handler_interrupt(self) -> None:
        """Note that the end was asked for."""
        self.interrupt_signal = True

    def on_startup(self, hook: Callable[[], None]) -> None:
        """Keep a hook."""
        self.started.append(hook)

    def serve(self, *, target_loader: Any, wrap_loader: bool) -> None:
        """Run, and end."""
        assert not wrap_loader
        self.loaders.append(target_loader)
        for hook in self.started:
            hook()
        if self.exits:
            raise SystemExit(1)


def play(monkeypatch: pytest.MonkeyPatch, *servers: FakeServer) -> None:
    """Use these servers, one after the other."""
    waiting = list(servers)
    monkeypatch.setattr(server, "_server", lambda settings: waiting.pop(0))
    monkeypatch.setattr(server, "CRASH_PAUSE_S", 0.0)


def test_a_signal_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was told to stop is not started again; its address was announced."""
    fake = FakeServer(is_signalled=True)
    play(monkeypatch, fake)
    heard: list[tuple[str, int]] = []
    serve(SETTINGS, RELOADS, listening=lambda host, port: heard.append((host, port)))
    assert heard == [("127.0.0.1", 3000)]
    assert fake.loaders[0].args == (RELOADS, os.getpid())


def test_workers_that_die_are_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that gives up is started again, with a pause, until a signal ends it."""
    crashed, exited, last = (
        FakeServer(is_signalled=False),
        FakeServer(is_signalled=False, exits=True),
        FakeServer(is_signalled=True, exits=True),
    )
    play(monkeypatch, crashed, exited, last)
    serve(SETTINGS, RELOADS, listening=lambda host, port: None)
    assert [len(fake.loaders) for fake in (crashed, exited, last)] == [1, 1, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "the workers ended and are started again"
    ] * 2


def test_a_hang_up_signal_asks_for_a_newer_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGHUP loads it, then tells the server to replace its workers."""
    fake = FakeServer(is_signalled=True)
    play(monkeypatch, fake)
    monkeypatch.setattr(os, "isatty", lambda descriptor: False)
    with Reloads(WORKER, lambda: WORKER) as reloads:
        serve(SETTINGS, reloads, listening=lambda host, port: None)
        fake.signal_handler_reload(signal.SIGHUP, None)
        assert fake.main_loop_interrupt.wait(20.0)
    assert fake.reload_signal


def test_a_closed_terminal_ends_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGHUP of a terminal that is gone is an end, not a wish for a newer configuration."""
    fake = FakeServer(is_signalled=True)
    play(monkeypatch, fake)
    terminal = [True, False]
    monkeypatch.setattr(os, "isatty", lambda descriptor: terminal.pop(0))
    serve(SETTINGS, RELOADS, listening=lambda host, port: None)
    fake.interrupt_signal = False
    fake.signal_handler_reload(signal.SIGHUP, None)
    assert fake.interrupt_signal
    assert not fake.reload_signal


def test_how_granian_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One event loop a worker, its own calling convention, HTTP/1, no limit that idle connections reach."""
    given: dict[str, Any] = {}

    def note(target: str, **options: Any) -> FakeServer:
        given.update(options)
        return FakeServer(is_signalled=True)

    monkeypatch.setattr(server, "Granian", note)
    serve(SETTINGS, RELOADS, listening=lambda host, port: None)
    assert (given["address"], given["port"], given["workers"]) == ("127.0.0.1", 3000, 4)
    assert (given["interface"], given["loop"]) == (Interfaces.RSGI, Loops.uvloop)
    assert (given["runtime_mode"], given["runtime_threads"]) == (RuntimeModes.mt, 1)
    assert given["backpressure"] * 4 > 60_000
    assert given["respawn_failed_workers"]
    assert given["workers_kill_timeout"] == SETTINGS.drain_s
    assert not given["websockets"]


@pytest.mark.parametrize(("wakes_at_once", "turns"), [(False, ["turns"]), (True, [])])
def test_a_worker_is_built_from_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wakes_at_once: bool, turns: list[str]
) -> None:
    """The loader gives the application of this worker, not yet open, and has bodies read early."""
    asked: list[Any] = []
    monkeypatch.setattr(server, "start_with_bodies", lambda application, worker: asked.append(application))
    monkeypatch.setattr(server, "heed_the_first_signal", asked.append)
    monkeypatch.setattr(server, "end_with", asked.append)
    monkeypatch.setattr(server, "take_turns", lambda: asked.append("turns"))
    loaded = load_config(None, environ={})
    settings = WorkerSettings(config=loaded.to_bytes(), data_dir=str(tmp_path))
    before = signal.getsignal(signal.SIGHUP)
    try:
        gateway = load_worker(Reloads(settings, lambda: settings), os.getppid(), wakes_at_once=wakes_at_once)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert isinstance(gateway, Gateway)
    assert asked == [server.granian_signals, os.getppid(), *turns, gateway.serve_with_body]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_addresses_are_tried_before_anything_starts(host: str) -> None:
    """A free address passes, one that somebody listens on, or that is not ours, does not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as taken:
        try:
            taken.bind((host, 0))
        except OSError:
            pytest.skip("no such address here")
        port = taken.getsockname()[1]
        taken.listen()
        with pytest.raises(OSError, match=f"cannot listen on {host} port {port}: Address already in use"):
            check_address(host, port)
    assert check_address(host, port) == port
    assert 0 < check_address(host, 0) < 65_536


def test_an_address_of_another_machine() -> None:
    """An address that this machine does not have is refused."""
    with pytest.raises(OSError, match="cannot listen on 192.0.2.1 port 0: "):
        check_address("192.0.2.1", 0)
