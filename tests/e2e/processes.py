"""A gateway as an operator runs it: the installed command, its processes, its data directory, its store."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import clickhouse_connect
import httpx
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[2]
COMMAND = str(Path(sys.executable).with_name("tzproxy"))
START_S = 60.0
STOP_S = 45.0
T = TypeVar("T")
MOCK_IN_CONFIG = "127.0.0.1:4010"

EXTRA_MODELS = """
[models.paced]
routing = ["builtin"]
[models.paced.providers.builtin]
type = "openai"
api_base = "http://127.0.0.1:4010/v1/"
model_name = "tokens-40+stream-50ms"
api_key_location = "none"

[models.short]
routing = ["builtin"]
[models.short.providers.builtin]
type = "openai"
api_base = "http://127.0.0.1:4010/v1/"
model_name = "tokens-20"
api_key_location = "none"

[models.refusing]
routing = ["builtin"]
[models.refusing.providers.builtin]
type = "openai"
api_base = "http://127.0.0.1:4010/v1/"
model_name = "error-429"
api_key_location = "none"
"""
"""Models that the default configuration lacks: a slow stream, a short answer, a refusal."""


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(look: Callable[[], T], what: str, *, within_s: float = START_S) -> T:
    """Return the first truthy thing that `look` returns; fail with `what` when none comes."""
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within_s:g} s in vain: {what}; last seen: {seen!r}")
        time.sleep(0.05)


def children_of(pid: int) -> dict[int, str]:
    """Return the command lines of a process's children."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "stat").read_text()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if command and int(status.rpartition(")")[2].split()[1]) == pid:
            found[int(entry.name)] = command
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Gateway:
    """One `tzproxy serve` with the default configuration, in a folder of its own, on free ports.

    The only change to the configuration is the mock's port; `EXTRA_MODELS` stand in a second file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        extra_config: str = EXTRA_MODELS,
        environ: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.mock_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.openai_url = f"{self.url}/openai/v1"
        self.data_dir = folder / ".tzproxy"
        self.log_file = folder / "gateway.log"
        self._arguments = arguments
        self._environ = {**_clean_environment(), **(environ or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._write_config(extra_config)

    def _write_config(self, extra: str) -> None:
        shutil.copytree(ROOT / "config", self.folder / "config")
        main = self.folder / "config" / "tensorzero.toml"
        text = main.read_text()
        assert MOCK_IN_CONFIG in text
        here = f"127.0.0.1:{self.mock_port}"
        main.write_text(text.replace(MOCK_IN_CONFIG, here))
        (self.folder / "config" / "tests.toml").write_text(extra.replace(MOCK_IN_CONFIG, here))

    def start(self) -> Self:
        """Start it and wait until the gateway and the mock answer."""
        command = [COMMAND, "serve", "--config-file", "config/{tensorzero,tests}.toml"]
        command += ["--bind-address", f"127.0.0.1:{self.port}", "--mock-port", str(self.mock_port)]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._arguments],
                cwd=self.folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(lambda: self._answers(f"{self.url}/status"), "the gateway to answer")
        wait_until(lambda: self._answers(f"http://127.0.0.1:{self.mock_port}/__stats"), "the mock to answer")
        return self

    def _answers(self, url: str) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the gateway ended:\n{self.log}"
        try:
            return httpx.get(url, timeout=5.0).status_code == 200
        except httpx.TransportError:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    # ---- Looking at it

    @property
    def log(self) -> str:
        """What it said so far."""
        return self.log_file.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self._process is not None
        return self._process.pid

    def pid_of(self, role: str) -> int:
        """Return the process id of the `worker`, the `recorder` or the `store`, once it runs."""
        patterns = {
            "worker": r"tzproxy serve|multiprocessing",
            "recorder": r"tzproxy\.recording",
            "store": r"tzproxy\.clickhouse\.embedded",
        }
        pattern = re.compile(patterns[role])

        def find() -> int:
            for pid, command in children_of(self.pid).items():
                if pattern.search(command) and is_alive(pid):
                    return pid
            return 0

        return wait_until(find, f"a {role} to run")

    @property
    def store_url(self) -> str:
        """The URL of its embedded store, as any client finds it."""
        return (self.data_dir / "clickhouse.url").read_text()

    def rows(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        """Query the embedded store with ClickHouse's own client."""
        return query_rows(self.store_url, sql, **parameters)

    def rows_of(self, inference_id: str, table: str = "ChatInference") -> list[dict[str, Any]]:
        """Return an inference's rows, once there are any."""
        column = "inference_id" if table == "ModelInference" else "id"
        sql = f"SELECT * FROM {table} WHERE {column} = {{id:UUID}}"
        return wait_until(lambda: self.rows(sql, id=inference_id), f"{table} of {inference_id}", within_s=30)

    def counters(self) -> dict[str, dict[str, float]]:
        """Return the recording counters of `/metrics`: table to accepted, stored, lost, pending."""
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(httpx.get(f"{self.url}/metrics").text):
            if not family.name.startswith("tzproxy_recording_rows_"):
                continue
            what = family.name.removeprefix("tzproxy_recording_rows_")
            for sample in family.samples:
                if "table" in sample.labels:
                    counts = found.setdefault(sample.labels["table"], {})
                    counts[what] = counts.get(what, 0.0) + sample.value
        return found

    # ---- Ending it

    def signal(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the supervisor, or to all its processes as a terminal's Ctrl-C does."""
        if group:
            os.killpg(self.pid, number)
        else:
            os.kill(self.pid, number)

    def wait(self, timeout_s: float = STOP_S) -> int:
        """Wait for its end; return the exit status."""
        assert self._process is not None
        return self._process.wait(timeout_s)


def query_rows(store_url: str, sql: str, **parameters: object) -> list[dict[str, Any]]:
    """Query a store by URL with ClickHouse's own client; nothing while the store is away."""
    try:
        client = clickhouse_connect.get_client(dsn=store_url)
    except clickhouse_connect.driver.exceptions.OperationalError:
        return []
    try:
        return list(client.query(sql, parameters=parameters).named_results())
    finally:
        client.close()


def _clean_environment() -> dict[str, str]:
    """Return this environment without what would change a gateway's behaviour."""
    dropped = re.compile(r"^(TENSORZERO_|TZPROXY_|OTEL_|RUST_LOG)|_API_KEY$|_proxy$", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if not dropped.search(name)}
