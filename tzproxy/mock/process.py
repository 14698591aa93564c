"""The mock in a process of its own, for the demo, tests and benchmarks. Not hot."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from tzproxy.mock.options import MockOptions, format_arguments

_STOP_TIMEOUT_S = 5.0


class MockProcess:
    """A running mock; a context manager, or `start()` and `stop()`.

    The process ends with its parent: it watches its standard input, which closes when the parent dies.
    """

    def __init__(self, options: MockOptions | None = None, *, port: int = 0) -> None:
        """Note how to start it; `port` 0: a free one."""
        self._options = replace(options or MockOptions(), port=port)
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    def start(self) -> Self:
        """Start the process and wait until it listens.

        Raises: OSError when it ends instead, its reason being on standard error.
        """
        command = [
            sys.executable,
            "-m",
            "tzproxy.mock",
            "--until-stdin-closes",
            *format_arguments(self._options),
        ]
        # A group of its own: Ctrl-C in a terminal is for the parent, whose requests still need it.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        if "http://" not in line:
            self.stop()
            raise OSError("the mock provider did not start")
        self._url = line.split()[-1]
        return self

    @property
    def url(self) -> str:
        """Where it listens, without a path: `http://127.0.0.1:PORT`."""
        return self._url

    @property
    def pid(self) -> int:
        """Its process id.

        Raises: RuntimeError when it is not running.
        """
        if self._process is None:
            raise RuntimeError("the mock is not running")
        return self._process.pid

    def stop(self) -> None:
        """End the process. Harmless when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
