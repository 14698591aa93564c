"""SIGHUP: a newer configuration takes over under load, and a bad one does not."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import pytest

from e2e.load import Load, check_counters, check_exactly_once
from e2e.processes import EXTRA_MODELS, Gateway, children_of, is_alive, wait_until

pytestmark = pytest.mark.e2e
NEW_FUNCTION = """
[functions.later]
type = "chat"
[functions.later.variants.main]
type = "chat_completion"
model = "short"
"""
ASK_LATER = {"function_name": "later", "input": {"messages": [{"role": "user", "content": "Hi"}]}}


def config_hash(gateway: Gateway) -> str:
    """Return what the worker that answers says it runs."""
    return str(httpx.get(f"{gateway.url}/status").json()["config_hash"])


def write(gateway: Gateway, extra: str) -> None:
    """Change the second configuration file."""
    text = extra.replace("127.0.0.1:4010", f"127.0.0.1:{gateway.mock_port}")
    (gateway.folder / "config" / "tests.toml").write_text(text)


def ask_later(gateway: Gateway) -> str | None:
    """Ask the new function; return the id of its answer, None from a worker that does not know it yet."""
    answer = httpx.post(f"{gateway.url}/inference", json=ASK_LATER)
    return str(answer.json()["inference_id"]) if answer.status_code == 200 else None


def check_snapshots(gateway: Gateway, newer: int) -> None:
    """The configuration in force and the one before are told; one that was sent is kept and found."""
    url = f"{gateway.url}/internal/config"
    current = httpx.get(url).json()
    assert int(current["hash"]) == newer
    assert "later" in current["config"]["functions"]
    assert httpx.get(f"{url}/{newer}").json()["config"] == current["config"]
    assert httpx.get(f"{url}/{newer:064x}").json() == httpx.get(f"{url}/{newer}").json()
    (earlier,) = gateway.rows(
        "SELECT hash FROM ConfigSnapshot FINAL WHERE hash != {hash:UInt256}", hash=newer
    )
    assert "later" not in httpx.get(f"{url}/{earlier['hash']}").json()["config"]["functions"]
    document = {"models": {"m": {"routing": ["p"], "providers": {"p": {"type": "dummy", "model_name": "x"}}}}}
    body = {"config": document, "tags": {"kept": "by hand"}, "extra_templates": {"t": "{{ x }}"}}
    kept = httpx.post(url, json=body).json()["hash"]
    assert httpx.get(f"{url}/{kept}").json() == {**body, "hash": kept}
    unknown = httpx.get(f"{url}/1")
    assert (unknown.status_code, unknown.json()) == (
        404,
        {"error": "Config snapshot not found for hash: 1"},
    )


def test_a_newer_configuration_takes_over_under_load(own_gateway: Gateway) -> None:
    """No request is refused or lost while it does, the new function answers, its rows name the snapshot."""
    old = own_gateway.pid_of("worker")
    with Load(own_gateway) as load:
        load.wait_for(50)
        write(own_gateway, EXTRA_MODELS + NEW_FUNCTION)
        own_gateway.signal(signal.SIGHUP)
        inference_id = wait_until(lambda: ask_later(own_gateway), "an answer of the new function")
        wait_until(lambda: not is_alive(old), "the old worker to leave")
        load.wait_for(50)
    assert load.refused == []
    (row,) = own_gateway.rows_of(inference_id)
    (noted,) = own_gateway.rows(
        "SELECT config FROM ConfigSnapshot FINAL WHERE hash = {hash:UInt256}", hash=row["snapshot_hash"]
    )
    assert "[functions.later" in noted["config"]
    check_snapshots(own_gateway, row["snapshot_hash"])
    check_exactly_once(own_gateway.store_url, load.answered)
    check_counters(own_gateway, settled=True)


def test_a_bad_configuration_keeps_the_old_one(own_gateway: Gateway) -> None:
    """The log names the problem, the gateway answers as before, and a corrected file is taken."""
    before = config_hash(own_gateway)
    write(own_gateway, EXTRA_MODELS + NEW_FUNCTION + "\n[functions.later.zz]\n")
    own_gateway.signal(signal.SIGHUP)
    wait_until(lambda: "the configuration was not reloaded" in own_gateway.log, "the refusal")
    assert "functions.later.zz" in own_gateway.log
    assert config_hash(own_gateway) == before
    write(own_gateway, EXTRA_MODELS + NEW_FUNCTION)
    own_gateway.signal(signal.SIGHUP)
    wait_until(lambda: ask_later(own_gateway), "an answer of the new function")


def test_a_worker_that_dies_after_a_reload_is_replaced_alone(tmp_path: Path) -> None:
    """A new one starts at once, the other worker serves on, and no connection is refused."""

    def workers() -> set[int]:
        running = children_of(gateway.pid).items()
        return {pid for pid, command in running if "tzproxy serve" in command and is_alive(pid)}

    def answers() -> bool:
        try:
            return httpx.get(f"{gateway.url}/status").status_code == 200
        except httpx.ConnectError:
            raise
        except httpx.TransportError:
            # It was the killed worker's.
            return False

    with Gateway(tmp_path, arguments=["--workers", "2"]) as gateway:
        first = workers()
        assert len(first) == 2
        gateway.signal(signal.SIGHUP)
        wait_until(lambda: len(workers()) == 2 and not workers() & first, "two new workers")
        killed = min(workers())
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: answers() and len(workers() - {killed}) == 2, "a third new worker")
        assert "the workers ended and are started again" not in gateway.log
