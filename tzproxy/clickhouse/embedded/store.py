"""Owns the handle by which a supervisor runs the embedded store. Loads no engine itself. Not hot."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final

from tzproxy.clickhouse.embedded.engine import EngineLimits
from tzproxy.clickhouse.embedded.place import Place
from tzproxy.clickhouse.embedded.service import StoreService
from tzproxy.errors import StoreError, StoreUnavailableError

_LOG: Final = logging.getLogger(__name__)
_KEPT_LINES: Final = 20


def is_engine_installed() -> bool:
    """Whether the extra `tzproxy[embedded]` is there; imports nothing."""
    return find_spec("chdb") is not None


class EmbeddedStore:
    """The embedded store of one directory.

    Example:
        >>> store = EmbeddedStore(Path("data"))
        >>> url = store.start()        # doctest: +SKIP
        >>> store.stop()               # doctest: +SKIP
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        limits: EngineLimits | None = None,
        nice: int = 10,
        in_process: bool = False,
    ) -> None:
        """Describe a store; nothing starts yet.

        With `in_process` the engine runs inside this process, which tests want and a gateway never does: it
        takes memory and the interpreter's lock, and a process can open only one directory.
        """
        self.place: Final = Place(data_dir)
        self.limits: Final = limits or EngineLimits()
        self._port = port
        self._nice = nice
        self._in_process = in_process
        self._service: StoreService | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._output: _Output | None = None

    def __enter__(self) -> EmbeddedStore:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The store's URL, password included.

        Raises:
            StoreUnavailableError: It has never been started.
        """
        access = self.place.read_access()
        if access is None:
            raise StoreUnavailableError(f"There is no embedded store in {self.place.data_dir}.")
        return access.url

    @property
    def pid(self) -> int | None:
        """Process id of a running store in its own process."""
        return self._process.pid if self._process is not None and self.alive() else None

    def start(self, timeout_s: float = 60.0) -> str:
        """Start the store, or find it running, and return its URL once it serves.

        Raises:
            StoreError: The directory is in use, or the engine is not installed.
            StoreUnavailableError: It did not get ready in time.
        """
        if self.alive():
            return self.url
        # One that died has left its pipes.
        self._kill()
        if self._in_process:
            self._service = StoreService(self.place.data_dir, port=self._port, limits=self.limits)
            return self._service.access.url
        self._process = subprocess.Popen(
            self._command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C in a terminal is for the supervisor, which has rows to write before it stops the store.
            start_new_session=True,
        )
        self._output = _Output(self._process)
        if not self._output.ready.wait(timeout_s):
            self._kill()
            raise StoreUnavailableError(f"The embedded store was not ready after {timeout_s:g} seconds.")
        if not self._output.is_ready:
            status = self._process.wait()
            self._kill()
            raise StoreError(f"The embedded store did not start (exit status {status}): {self._output.tail}")
        return self.url

    def alive(self) -> bool:
        """Whether the store runs."""
        if self._service is not None:
            return True
        return self._process is not None and self._process.poll() is None

    def stop(self, timeout_s: float = 20.0) -> None:
        """Let running statements end and stop the store; kill it if it takes longer than that."""
        if self._service is not None:
            self._service.stop(timeout_s=timeout_s)
            self._service = None
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pass
        self._kill()

    def restart(self, timeout_s: float = 60.0) -> str:
        """Stop the store if it runs, start it, and return its URL: the same one if its port is free."""
        self.stop()
        return self.start(timeout_s)

    def _command(self) -> list[str]:
        limits = self.limits
        return [
            sys.executable,
            "-m",
            "tzproxy.clickhouse.embedded",
            f"--data-dir={self.place.data_dir}",
            f"--port={self._port}",
            f"--nice={self._nice}",
            f"--max-memory-mb={limits.max_memory_bytes >> 20}",
            f"--max-threads={limits.max_threads}",
            f"--background-threads={limits.background_threads}",
            "--follow-stdin",
        ]

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._output is not None:
            self._output.join()
        if process.stdin is not None:
            process.stdin.close()


class _Output:
    """Reads what the process says, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.ready: Final = threading.Event()
        self.is_ready = False
        self._lines: list[str] = []
        self._threads = [
            threading.Thread(target=self._read_stdout, args=(process,), daemon=True),
            threading.Thread(target=self._read_stderr, args=(process,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def tail(self) -> str:
        """The last lines of its log."""
        self._threads[1].join(5.0)
        return "\n".join(self._lines) or "it said nothing"

    def join(self) -> None:
        for thread in self._threads:
            thread.join(5.0)

    def _read_stdout(self, process: subprocess.Popen[bytes]) -> None:
        with process.stdout or sys.stdin.buffer as lines:
            for line in lines:
                if line.startswith(b"ready"):
                    self.is_ready = True
                    self.ready.set()
        self.ready.set()

    def _read_stderr(self, process: subprocess.Popen[bytes]) -> None:
        with process.stderr or sys.stdin.buffer as lines:
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip()
                _LOG.warning("embedded store: %s", text)
                self._lines.append(text)
                del self._lines[:-_KEPT_LINES]
