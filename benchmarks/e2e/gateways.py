"""The gateways under test: how each is configured, started, asked and accounted for."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from benchmarks.e2e.accounting import find_tree, read_command
from benchmarks.e2e.places import ROOT
from benchmarks.e2e.store import Store

_START_S = 60.0
_STOP_S = 20.0
OBSERVABILITY = {
    "off": "enabled = false",
    "async": "enabled = true",
    "batch": "enabled = true\nasync_writes = false\nbatch_writes = { enabled = true }",
}
"""The original's modes by our short names; `async` is its default."""

_CONFIG_HEAD = """\
[gateway.observability]
{observability}
"""
_CONFIG_FUNCTION = """
[models.{function}]
routing = ["mock"]

[models.{function}.providers.mock]
type = "openai"
api_base = "{mock_url}/v1/"
model_name = "{mock_model}"
api_key_location = "none"

[functions.{function}]
type = "chat"

[functions.{function}.variants.main]
type = "chat_completion"
model = "{function}"
"""


class GatewayFailed(Exception):
    """A gateway did not start."""


class Gateway(Protocol):
    """What the harness needs of a gateway."""

    name: str
    url: str
    """Base URL without a path."""
    store: Store | None
    most_requests: int
    """A block must not have more; 0: no limit."""

    def processes(self) -> dict[int, str]:
        """Return its processes with the role of each; the store's and the mock's are none of them."""

    def stop(self) -> None:
        """End it."""


def build_config(mode: str, mock_url: str, functions: Mapping[str, str]) -> str:
    """Build the configuration that all gateways of one mode share: a model at the mock per function."""
    parts = [_CONFIG_HEAD.format(observability=OBSERVABILITY[mode])]
    parts += [
        _CONFIG_FUNCTION.format(function=function, mock_url=mock_url, mock_model=mock_model)
        for function, mock_model in functions.items()
    ]
    return "".join(parts)


def take_free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(store: Store | None) -> dict[str, str]:
    names = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    if store is not None:
        environment["TENSORZERO_CLICKHOUSE_URL"] = store.url
    return environment


class _Process:
    """A child process with its log file, ended by SIGTERM."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.log_path = folder / "log.txt"
        self._log = self.log_path.open("wb")
        self.popen = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def require_running(self) -> None:
        """Raise: GatewayFailed when the process has ended."""
        if self.popen.poll() is not None:
            raise GatewayFailed(f"ended with {self.popen.returncode}; its log ends with:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])

    def stop(self) -> None:
        """End it and what is left of its process group."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.popen.pid, signal.SIGKILL)
                self.popen.wait()
        self._log.close()


class TzproxyGateway:
    """`tzproxy serve` with all that it starts."""

    most_requests = 0

    def __init__(self, name: str, config: str, folder: Path, store: Store | None) -> None:
        folder.mkdir(parents=True)
        config_file = folder / "tensorzero.toml"
        config_file.write_text(config)
        port = take_free_port()
        self.name, self.store = name, store
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "tzproxy.cli.main", "serve"]
        script = Path(sys.executable).with_name("tzproxy")
        if script.exists():
            command = [str(script), "serve"]
        command += ["--config-file", str(config_file), "--bind-address", f"127.0.0.1:{port}"]
        command += ["--data-dir", str(folder / "data")]
        self._process = _Process(command, folder, _environment(store))
        try:
            self._wait_ready()
        except GatewayFailed:
            self.stop()
            raise

    def _wait_ready(self) -> None:
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            self._process.require_running()
            try:
                if httpx.get(f"{self.url}/status", timeout=2.0, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise GatewayFailed(f"not ready in time; its log ends with:\n{self._process.log_tail()}")

    def processes(self) -> dict[int, str]:
        """Return supervisor, workers and recorder; an embedded store is left out."""
        root = self._process.popen.pid
        return {
            pid: role
            for pid in find_tree(root)
            if (role := "supervisor" if pid == root else tell_role(read_command(pid)))
        }

    def stop(self) -> None:
        """End it with SIGTERM, as an operator would."""
        self._process.stop()


def tell_role(command: str) -> str:
    """Tell the role of a process of tzproxy by its command line; empty for the store and the gone."""
    if not command or "clickhouse.embedded" in command:
        return ""
    if "recorder" in command:
        return "recorder"
    return "tracker" if "resource_tracker" in command else "worker"


class OriginalGateway:
    """The gateway of the `tensorzero` wheel in a process of its own."""

    most_requests = 0

    def __init__(self, name: str, config: str, folder: Path, store: Store | None) -> None:
        folder.mkdir(parents=True)
        config_file = folder / "tensorzero.toml"
        config_file.write_text(config)
        self.name, self.store = name, store
        command = [sys.executable, "-m", "benchmarks.e2e.original_runner", str(config_file)]
        self._process = _Process(command + ([store.url] if store else []), folder, _environment(store))
        try:
            self.url = self._wait_url()
        except GatewayFailed:
            self.stop()
            raise

    def _wait_url(self) -> str:
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            for line in self._process.log_path.read_text(errors="replace").splitlines():
                if line.startswith("listening on "):
                    parts = urlsplit(line.split()[-1])
                    return f"{parts.scheme}://{parts.netloc}"
            self._process.require_running()
            time.sleep(0.05)
        raise GatewayFailed(f"not ready in time; its log ends with:\n{self._process.log_tail()}")

    def processes(self) -> dict[int, str]:
        """Return its one process."""
        return {self._process.popen.pid: "gateway"}

    def stop(self) -> None:
        """End it."""
        self._process.stop()


class RunningGateway:
    """A gateway that somebody else started; its model must be at a mock of ours or answer with the marker."""

    most_requests = 0

    def __init__(self, name: str, url: str, pids: list[int], store: Store | None) -> None:
        self.name, self.url, self.store = name, url.rstrip("/"), store
        self._pids = pids

    def processes(self) -> dict[int, str]:
        """Return the given processes and their descendants."""
        return {
            child: role
            for pid in self._pids
            for child in find_tree(pid)
            if (role := tell_role(read_command(child)))
        }

    def stop(self) -> None:
        """Leave it running."""
