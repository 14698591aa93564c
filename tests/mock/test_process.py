"""The mock in its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest

from tzproxy.mock import MockOptions, MockProcess, process


@pytest.mark.e2e
def test_process_serves_until_stopped() -> None:
    """The process answers with its options at its URL, and is gone after stop."""
    with MockProcess(MockOptions(tokens=3)) as mock:
        pid = mock.pid
        body = {"model": "any", "messages": []}
        answer = httpx.post(f"{mock.url}/v1/chat/completions", json=body).json()
        assert answer["usage"]["completion_tokens"] == 3
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    mock.stop()


@pytest.mark.e2e
def test_process_ends_with_its_parent() -> None:
    """Nothing keeps running when the parent dies without a stop."""
    script = (
        "import os, sys; from tzproxy.mock import MockProcess; mock = MockProcess().start(); "
        "print(mock.url, flush=True); os._exit(0)"
    )
    url = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()
    # The pipe to the parent's output is closed by the mock's end, so `run` has waited for it.
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/__stats")


@pytest.mark.e2e
def test_start_fails_when_the_address_is_not_ours() -> None:
    """A start that cannot succeed raises instead of waiting."""
    with pytest.raises(OSError, match="did not start"):
        MockProcess(MockOptions(host="192.0.2.1")).start()


@pytest.mark.e2e
def test_a_process_that_does_not_listen_to_reason_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop never hangs, even when the process is frozen."""
    monkeypatch.setattr(process, "_STOP_TIMEOUT_S", 0.2)
    mock = MockProcess().start()
    pid = mock.pid
    os.kill(pid, signal.SIGSTOP)
    mock.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.e2e
def test_a_given_port_is_taken_or_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """It listens there when the start returns; a port that somebody has is named on standard error."""
    with MockProcess() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="did not start"):
            MockProcess(port=port).start()
    assert f"cannot listen on 127.0.0.1:{port}" in capfd.readouterr().err
    with MockProcess(port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"
        assert httpx.get(f"{second.url}/__stats").status_code == 200
