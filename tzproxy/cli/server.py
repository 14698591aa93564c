"""The HTTP server: Granian with one event loop a worker, and the workers' lives. Cold."""

from __future__ import annotations

import logging
import os
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
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.http.rsgi_start import start_with_bodies

logger = logging.getLogger(__name__)
BACKLOG = 4096
BACKPRESSURE = 65_535
"""Granian counts connections with it, most of which are idle between requests."""

HEADER_BUFFER_BYTES = 417_792
DRAIN_S = 30
CRASH_PAUSE_S = 1.0


class ServerSettings(Struct, frozen=True, kw_only=True):
    """How to serve. Units: seconds."""

    host: str
    port: int
    workers: int = 1
    drain_s: int = DRAIN_S
    log_config: dict[str, Any] = {}


def serve(settings: ServerSettings, worker: WorkerSettings, *, listening: Callable[[str, int], None]) -> None:
    """Serve until a signal ends it; workers that die are replaced.

    Calls `listening` with the address once the socket is open.
    """
    while True:
        server = _server(settings)
        server.on_startup(lambda: listening(settings.host, settings.port))
        try:
            server.serve(target_loader=partial(load_worker, worker, os.getpid()), wrap_loader=False)
        except SystemExit:
            pass
        if server.interrupt_signal:
            return
        # Granian gives up when a worker dies twice in a few seconds. A sidecar must not.
        logger.error("the workers ended and are started again")
        time.sleep(CRASH_PAUSE_S)


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


def load_worker(settings: WorkerSettings, supervisor: int) -> Gateway:
    """Build the application, in the worker's process. `supervisor` is the pid of the parent."""
    heed_the_first_signal(granian_signals)
    end_with(supervisor)
    gateway = Gateway(settings, os.environ)
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
        respawn_interval=0.1,
        workers_kill_timeout=settings.drain_s,
    )
