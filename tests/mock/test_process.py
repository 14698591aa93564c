"""The mock in its own process."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest

from tzproxy.mock import MockOptions, MockProcess


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
    with pytest.raises(RuntimeError):
        MockProcess(MockOptions(host="192.0.2.1")).start()
