"""The supervisor's hard days: its own death, and addresses that are taken."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from e2e.load import Load, check_counters, check_exactly_once
from e2e.processes import COMMAND, Gateway, is_alive, wait_until

pytestmark = pytest.mark.e2e
REFUSED_S = 20.0


def start_in(folder: Path, address: str) -> subprocess.Popen[str]:
    """Start a gateway without configuration at an address."""
    return subprocess.Popen(
        [COMMAND, "serve", "--default-config", "--bind-address", address],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> tuple[int | None, str]:
    """Return status and log of a gateway that should end by itself; None when it does not."""
    try:
        _, log = process.communicate(timeout=REFUSED_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        _, log = process.communicate()
        return None, log
    return process.returncode, log


def test_a_killed_supervisor_takes_all_processes_along(own_gateway: Gateway) -> None:
    """After `kill -9` of the supervisor nothing runs on, and the next start stores what was answered."""
    processes = [own_gateway.pid_of(role) for role in ("worker", "recorder", "store")]
    try:
        with Load(own_gateway) as load:
            load.wait_for(100)
            os.kill(own_gateway.pid, signal.SIGKILL)
            own_gateway.wait()
            wait_until(
                lambda: not [pid for pid in processes if is_alive(pid)], "all to have ended", within_s=15
            )
    finally:
        for pid in processes:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
    own_gateway.start()
    check_exactly_once(own_gateway.store_url, load.answered)
    check_counters(own_gateway, settled=True)


def test_the_address_of_another_gateway_is_refused(gateway: Gateway, tmp_path: Path) -> None:
    """A gateway does not start at an address where another one listens."""
    status, log = end_of(start_in(tmp_path, f"127.0.0.1:{gateway.port}"))
    assert status == 1
    assert str(gateway.port) in log


def test_a_taken_address_is_refused_in_one_line(tmp_path: Path) -> None:
    """A port that another program has is named in one line of the log, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, log = end_of(start_in(tmp_path, f"127.0.0.1:{port}"))
    assert status == 1
    assert str(port) in log
    assert "Traceback" not in log


def test_port_0_is_a_free_port_that_the_log_names(tmp_path: Path) -> None:
    """With port 0 the gateway takes a free port, says which, and answers there."""
    process = start_in(tmp_path, "127.0.0.1:0")
    try:
        url = announced_url(process)
        wait_until(lambda: answers(url), "an answer there")
    finally:
        process.terminate()
        process.communicate()


def announced_url(process: subprocess.Popen[str]) -> str:
    """Return the URL that a starting gateway names in its log."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"listening on (http://\S+:(\d+))", line):
            assert found[2] != "0"
            return found[1]
    raise AssertionError("the gateway ended")


def answers(url: str) -> bool:
    """Tell whether a gateway answers."""
    try:
        return httpx.get(f"{url}/status", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
