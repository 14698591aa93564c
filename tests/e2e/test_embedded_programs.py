"""Programs with a gateway inside: what becomes of their rows when they are killed, or run side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.processes import query_rows
from tzproxy.clickhouse.embedded.store import EmbeddedStore

pytestmark = pytest.mark.e2e
TOML = """
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "dummy::good"
"""
PROGRAM = """
import sys
from tzproxy import TensorZeroGateway
client = TensorZeroGateway.build_embedded(config_file="tensorzero.toml")
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        answer = client.inference(function_name="f", input={"messages": [{"role": "user", "content": "x"}]})
        print(answer.inference_id, flush=True)
"""
"""Infers as often as each line says; ends, without closing, when its input ends."""


class Program:
    """A program that runs, or with `waits=False` one that is only being started."""

    def __init__(self, folder: Path, *, waits: bool = True) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM],
            cwd=folder,
            env={**os.environ, "TZPROXY_ENABLE_DUMMY_PROVIDER": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if waits:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Return once it has built its client."""
        assert self._line() == "ready", self.end()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def infer(self, count: int) -> list[str]:
        """Have it infer; return the ids."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return [self._line() for _ in range(count)]

    def end(self) -> tuple[int, str]:
        """Let it end; return its exit status and what it complained about."""
        complaints = self.process.communicate(timeout=60)[1]
        return self.process.returncode, complaints

    def kill(self) -> None:
        """Kill it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=60)


@contextmanager
def store_of(folder: Path) -> Iterator[str]:
    """Run the store of a directory again, and give its URL."""
    store = EmbeddedStore(folder / ".tzproxy")
    try:
        yield store.start()
    finally:
        store.stop()


def stored(folder: Path) -> list[str]:
    """Return the ids of all stored inferences."""
    with store_of(folder) as url:
        return [str(row["id"]) for row in query_rows(url, "SELECT id FROM ChatInference")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a configuration."""
    (tmp_path / "tensorzero.toml").write_text(TOML)
    return tmp_path


def test_rows_of_a_killed_program(folder: Path) -> None:
    """They are stored in the end, each once: at once by what outlives it, or by the next program."""
    first = Program(folder)
    ids = first.infer(200)
    first.kill()
    assert Program(folder).end() == (0, "")
    assert sorted(stored(folder)) == sorted(ids)


def test_programs_that_start_together(folder: Path) -> None:
    """One of them runs the store, the others use it."""
    programs = [Program(folder, waits=False) for _ in range(3)]
    ids = []
    for program in programs:
        program.wait_ready()
        ids += program.infer(5)
    for program in programs:
        assert program.end()[0] == 0
    assert Program(folder).end()[0] == 0
    assert sorted(stored(folder)) == sorted(ids)


def test_programs_side_by_side(folder: Path) -> None:
    """They share the store; those left go on when one ends, and all rows are stored, each once."""
    first, second = Program(folder), Program(folder)
    ids = first.infer(20) + second.infer(20)
    assert first.end() == (0, "")
    ids += second.infer(20)
    third = Program(folder)
    ids += third.infer(20)
    assert second.end()[0] == 0
    ids += third.infer(20)
    assert third.end()[0] == 0
    assert Program(folder).end() == (0, "")
    assert sorted(stored(folder)) == sorted(ids)
