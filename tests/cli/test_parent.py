"""Tests of `tzproxy.cli.parent`: a process that ends with the one that started it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tzproxy.cli.parent import end_with

CHILD = (
    "import os, time; from tzproxy.cli.parent import end_with; end_with({parent}); "
    "print(os.getpid(), flush=True); time.sleep(60)"
)
PARENT = (
    "import os, subprocess, sys\n"
    "child = {child!r}.replace('PARENT', str(os.getpid()))\n"
    "process = subprocess.Popen([sys.executable, '-c', child], stdout=subprocess.PIPE)\n"
    "print(process.stdout.readline().decode(), end='', flush=True)\n"
    "os.kill(os.getpid(), 9)\n"
)


def is_gone(pid: int) -> bool:
    """Tell whether a process ends within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_killed_parent_takes_its_child_along() -> None:
    """Even one that had no chance to do anything about it."""
    program = PARENT.format(child=CHILD.format(parent="PARENT"))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert ended.returncode == -9, ended.stderr
    assert is_gone(int(ended.stdout))


def test_a_parent_that_has_gone_before() -> None:
    """Whoever is late learns it at once."""
    late = subprocess.run([sys.executable, "-c", CHILD.format(parent=1)], capture_output=True, timeout=30)
    assert late.returncode == -15


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel has no such thing, nothing happens."""
    monkeypatch.setattr(sys, "platform", "darwin")
    end_with(1)
