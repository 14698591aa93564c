"""The ClickHouse that a gateway records into: its own embedded engine, or a database on a given server.

Speaks ClickHouse's HTTP protocol itself, for counting rows only: the harness must not depend on the code
that it measures.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from benchmarks.e2e.accounting import find_tree, read_cpu
from benchmarks.e2e.places import ROOT

ROW_TABLES = ("ChatInference", "ModelInference")
_START_S = 60.0
_POLL_S = 0.05
_QUIET_SHARE = 0.05
"""A store that uses less than this share of a core counts as quiet."""


class StoreFailed(Exception):
    """The store did not start or does not answer."""


class Store:
    """One gateway's database. `pids` is empty when the server is not ours."""

    def __init__(self, url: str, pids: list[int]) -> None:
        parts = urlsplit(url)
        self.url = url
        self.pids = pids
        self._endpoint = f"{parts.scheme}://{parts.hostname}:{parts.port or 8123}/"
        self._database = parts.path.strip("/") or "default"
        auth = (parts.username, parts.password or "") if parts.username else None
        # An engine with a queue of inserts before it answers late.
        self._client = httpx.Client(auth=auth, timeout=120.0, trust_env=False)

    def query(self, sql: str, *, database: str | None = None) -> str:
        """Run a statement and return its answer.

        Raises: StoreFailed when the store refuses or does not answer.
        """
        where = f"{self._endpoint}?database={quote(database or self._database)}"
        try:
            response = self._client.post(where, content=sql.encode())
        except httpx.HTTPError as exc:
            raise StoreFailed(f"the store does not answer: {exc}") from exc
        if response.status_code != 200:
            raise StoreFailed(f"the store refused: {response.text[:300]}")
        return response.text.strip()

    def count_rows(self) -> dict[str, int]:
        """Count the rows of the tables that each inference writes one row into."""
        return {table: int(self.query(f"SELECT count() FROM {table}")) for table in ROW_TABLES}

    def wait_rows(self, expected: Mapping[str, int], deadline_s: float) -> dict[str, int]:
        """Wait until the tables hold the expected rows or the deadline passes; return what they hold then."""
        until = time.monotonic() + deadline_s
        while True:
            counts = self.count_rows()
            if time.monotonic() >= until or all(counts[table] >= expected[table] for table in expected):
                return counts
            time.sleep(_POLL_S)

    def wait_quiet(self, deadline_s: float) -> bool:
        """Wait until no merge runs and the engine idles; return whether it came to that."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            started, used = time.monotonic(), sum(read_cpu(self.pids).values())
            time.sleep(0.3)
            share = (sum(read_cpu(self.pids).values()) - used) / (time.monotonic() - started)
            if share < _QUIET_SHARE and self.query("SELECT count() FROM system.merges") == "0":
                return True
        return False

    def freeze(self) -> None:
        """Keep the store from burdening other gateways' blocks: a server that is not ours runs on."""

    def thaw(self) -> None:
        """Undo `freeze`."""

    def stop(self) -> None:
        """Give the store up."""
        self._client.close()


class EmbeddedStore(Store):
    """An engine of our own in its own process, with a fresh data directory."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True)
        self._log = (data_dir / "log.txt").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tzproxy.clickhouse.embedded", "--data-dir", str(data_dir)],
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
        )
        url_file = data_dir / "clickhouse.url"
        until = time.monotonic() + _START_S
        while not url_file.exists() or not url_file.read_text().strip():
            if self._process.poll() is not None or time.monotonic() > until:
                self._end()
                raise StoreFailed(f"the embedded store did not start; see {data_dir / 'log.txt'}")
            time.sleep(_POLL_S)
        super().__init__(url_file.read_text().strip(), find_tree(self._process.pid))

    def freeze(self) -> None:
        """Stop the engine's processes, and with them its merges."""
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the engine's processes go on."""
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """End the engine."""
        super().stop()
        self.thaw()
        self._end()

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()


class ServerStore(Store):
    """A database of our own on a server that was given; dropped at the end."""

    def __init__(self, server_url: str, database: str, pids: list[int]) -> None:
        parts = urlsplit(server_url)
        super().__init__(urlunsplit(parts._replace(path=f"/{database}")), pids)
        self._name = database
        self.query(f"CREATE DATABASE IF NOT EXISTS `{database}`", database="default")

    def stop(self) -> None:
        """Drop the database."""
        try:
            self.query(f"DROP DATABASE IF EXISTS `{self._name}`", database="default")
        except StoreFailed as exc:
            sys.stderr.write(f"benchmark: the database {self._name} is left behind: {exc}\n")
        super().stop()
