"""The supervisor's handle: the recorder runs, comes back after a death, drains at the end, hides secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tzproxy.recording.counters import read_counters
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.process import RecorderProcess
from tzproxy.recording.sink import RingSink, Table

pytestmark = pytest.mark.e2e

# Nothing listens on port 1: the store is away.
NO_STORE = "http://user:hidden-password@127.0.0.1:1/db"

SUPERVISOR = """
import sys, time
import msgspec
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.process import RecorderProcess
recorder = RecorderProcess(msgspec.json.decode(sys.stdin.buffer.read(), type=RecorderOptions))
recorder.start()
print(recorder.pid, flush=True)
time.sleep(600)
"""


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def options_of(data_dir: Path) -> RecorderOptions:
    """A recorder that finds no store and does not linger."""
    return RecorderOptions(
        data_dir=str(data_dir), store_url=NO_STORE, spool_interval_ms=0, longest_retry_ms=50
    )


def test_life_of_a_recorder(data_dir: Path, open_sink: Callable[..., RingSink]) -> None:
    """Started it works, killed it comes back, stopped it keeps what it could not store and exits with 0."""
    recorder = RecorderProcess(options_of(data_dir))
    assert recorder.pid is None
    assert recorder.stop() is None
    recorder = RecorderProcess(options_of(data_dir))
    recorder.start()
    with pytest.raises(RuntimeError, match="started already"):
        recorder.start()
    try:
        sink = open_sink()
        sink.accept([(Table.CHAT_INFERENCE, b"{}")])
        wait_for(lambda: read_counters(data_dir).spooled == 1)
        first = recorder.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: recorder.pid not in (None, first))
        sink.accept([(Table.CHAT_INFERENCE, b"[]")])
        wait_for(lambda: read_counters(data_dir).spooled == 2)
        assert recorder.restarts == 1
        sink.accept([(Table.CHAT_INFERENCE, b"1")])
        assert recorder.stop() == 0
    finally:
        recorder.stop()
    assert recorder.pid is None
    counters = read_counters(data_dir)
    assert (counters.spooled, counters.pending, counters.lost) == (3, 3, 0)


def test_secrets_stay_out_of_sight(data_dir: Path, open_sink: Callable[..., RingSink]) -> None:
    """Neither the command line nor the environment nor the options' repr shows the password."""
    options = options_of(data_dir)
    assert "hidden" not in repr(options)
    recorder = RecorderProcess(options)
    recorder.start()
    try:
        open_sink().accept([(Table.CHAT_INFERENCE, b"{}")])
        wait_for(lambda: read_counters(data_dir).spooled)
        for name in ("cmdline", "environ"):
            assert b"hidden-password" not in Path(f"/proc/{recorder.pid}/{name}").read_bytes()
    finally:
        recorder.stop()


def test_recorder_outlives_its_supervisor_only_to_drain(
    data_dir: Path, open_sink: Callable[..., RingSink]
) -> None:
    """When the supervisor is killed, the recorder saves what is there and ends."""
    sink = open_sink()
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    supervisor.stdin.write(msgspec.json.encode(options_of(data_dir)))
    supervisor.stdin.close()
    pid = int(supervisor.stdout.readline())
    sink.accept([(Table.CHAT_INFERENCE, b"{}")])
    wait_for(lambda: read_counters(data_dir).spooled == 1)
    supervisor.kill()
    sink.accept([(Table.CHAT_INFERENCE, b"[]")])
    supervisor.wait()
    supervisor.stdout.close()
    wait_for(lambda: not is_running(pid))
    assert read_counters(data_dir).spooled == 2
