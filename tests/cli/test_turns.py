"""Tests of `tzproxy.cli.turns`: the scheduling policy of a worker's threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tzproxy.cli.turns import take_turns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the policy is Linux's")

SHOW = (
    "import os, threading\n"
    "from tzproxy.cli.turns import take_turns\n"
    "{before}\n"
    "take_turns()\n"
    "seen = [os.sched_getscheduler(0)]\n"
    "thread = threading.Thread(target=lambda: seen.append(os.sched_getscheduler(0)))\n"
    "thread.start(); thread.join()\n"
    "print(*seen)\n"
)


def policies(before: str = "") -> list[int]:
    """Return the policies of a thread that takes turns, and of one that it started then."""
    program = SHOW.format(before=before)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    return [int(policy) for policy in ended.stdout.split()]


def test_later_threads_take_turns_too() -> None:
    """What a worker starts afterwards, Granian's threads above all, inherits the policy."""
    assert policies() == [os.SCHED_BATCH, os.SCHED_BATCH]


def test_an_operators_choice_stays() -> None:
    """A gateway started to run only when nothing else does keeps doing so."""
    idle = "os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))"
    assert policies(idle) == [os.SCHED_IDLE, os.SCHED_IDLE]


@pytest.fixture
def _refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    yield


@pytest.mark.usefixtures("_refusing")
def test_a_refusal_changes_nothing() -> None:
    """A container may forbid the call; the worker runs as before."""
    before = os.sched_getscheduler(0)
    take_turns()
    assert os.sched_getscheduler(0) == before


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel has no such policy, nothing is asked."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "sched_setscheduler", lambda *_: pytest.fail("asked"))
    take_turns()
