"""The HTTP server: Granian with one event loop a worker, and the workers' lives. Cold."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import granian._signals as granian_signals
import granian.server.mp as granian_worker
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from msgspec import Struct

from tzproxy.cli.first_signal import heed_the_first_signal
from tzproxy.cli.parent import end_with
from tzproxy.cli.reload import Reloads
from tzproxy.cli.respawns import respawn_always
from tzproxy.cli.turns import take_turns
from tzproxy.http.gateway import Gateway
from tzproxy.http.rsgi_start import start_with_bodies

logger = logging.getLogger(__name__)
BACKLOG = 4096
BACKPRESSURE = 65_535
"""Granian counts connections with it, most of which are idle between requests."""

HEADER_BUFFER_BYTES = 417_792
DRAIN_S = 30
CRASH_PAUSE_S = 1.0
TAKE_OVER_S = 2.0
"""How long a worker that is to be replaced goes on serving while its successor starts."""


class ServerSettings(Struct, frozen=True, kw_only=True):
    """How to serve. Units: seconds. `wakes_at_once`: the workers' threads wait for no free processor."""

    host: str
    port: int
    workers: int = 1
    wakes_at_once: bool = False
    drain_s: int = DRAIN_S
    log_config: dict[str, Any] = {}


def serve(settings: ServerSettings, reloads: Reloads, *, listening: Callable[[str, int], None]) -> None:
    """Serve until a signal ends it; workers that die are replaced, and SIGHUP asks `reloads` for new ones.

    Calls `listening` with the address once the socket is open.
    """
    has_terminal = os.isatty(0)
    while True:
        server = _server(settings)
        respawn_always(server)
        server.on_startup(lambda: listening(settings.host, settings.port))
        server.signal_handler_reload = partial(_hang_up, server, reloads, has_terminal)
        try:
            loader = partial(load_worker, reloads, os.getpid(), wakes_at_once=settings.wakes_at_once)
            server.serve(target_loader=loader, wrap_loader=False)
        except SystemExit:
            pass
        if server.interrupt_signal:
            return
        # A Granian that gives up on its workers. A sidecar must not.
        logger.error("the workers ended and are started again")
        time.sleep(CRASH_PAUSE_S)


def _hang_up(server: Any, reloads: Reloads, has_terminal: bool, *_: object) -> None:
    # A terminal that is closed sends the same signal; then nobody is left to serve.
    if has_terminal and not os.isatty(0):
        server.signal_handler_interrupt()
        return

    def respawn() -> None:
        server.reload_signal = True
        server.main_loop_interrupt.set()

    reloads.request(respawn)


def check_address(host: str, port: int) -> int:
    """Find out whether the address is free, before anything else is started, and return the port.

    For port 0 a free one is chosen: Granian's workers would each take another.

    Raises:
        OSError: saying which address it is and what is wrong with it.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise OSError(exc.errno, f"cannot listen on {host} port {port}: {exc.strerror}") from exc
        return int(probe.getsockname()[1])


def load_worker(reloads: Reloads, supervisor: int, *, wakes_at_once: bool = False) -> Gateway:
    """Build the application, in the worker's process. `supervisor` is the pid of the parent."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    heed_the_first_signal(granian_signals)
    end_with(supervisor)
    if not wakes_at_once:
        # PERF: a sixth less CPU a request under load (wrk, 16 connections: 42 us against 50).
        take_turns()
    gateway = Gateway(reloads.current, os.environ)
    start_with_bodies(gateway.serve_with_body, granian_worker)
    return gateway


def _server(settings: ServerSettings) -> Any:
    return Granian(
        "tzproxy",
        address=settings.host,
        port=settings.port,
        # PERF: RSGI takes about 30 % less CPU a request than ASGI (benchmarks.e2e, throughput-16).
        interface=Interfaces.RSGI,
        workers=settings.workers,
        runtime_threads=1,
        runtime_mode=RuntimeModes.mt,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=HEADER_BUFFER_BYTES),
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKPRESSURE // max(1, settings.workers),
        log_dictconfig=settings.log_config,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=TAKE_OVER_S,
        workers_kill_timeout=settings.drain_s,
    )
