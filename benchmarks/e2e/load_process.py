"""The load generator in a process of its own: one JSON line in per block, one JSON line out."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Self

import msgspec
import uvloop

from benchmarks.e2e.load import Load, LoadResult, LoadSpec
from benchmarks.e2e.places import ROOT


class LoadProcess:
    """Handle of the generator's process; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.e2e.load_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def run(self, spec: LoadSpec) -> LoadResult:
        """Run one block and return its result.

        Raises: RuntimeError when the generator could not run it.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(spec) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator died")
        answer = msgspec.json.decode(line, type=LoadResult | str)
        if isinstance(answer, str):
            raise RuntimeError(f"the load generator failed: {answer}")
        return answer

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main() -> None:
    """Run blocks until the input ends."""
    for line in sys.stdin.buffer:
        spec = msgspec.json.decode(line, type=LoadSpec)
        try:
            answer: LoadResult | str = uvloop.run(Load(spec).run())
        except OSError as exc:
            answer = str(exc)
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
