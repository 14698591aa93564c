"""Rate limits as operators get them: several workers, restarts, and Valkey that is there or is not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.processes import COMMAND, EXTRA_MODELS, Gateway, children_of, wait_until
from limits.server import ValkeyServer

pytestmark = pytest.mark.e2e
RULES = (
    "[[rate_limiting.rules]]\npriority = 0\nmodel_inferences_per_day = 10\n"
    'scope = [{ tag_key = "user", tag_value = "tensorzero::each" }]\n'
    "[[rate_limiting.rules]]\nalways = true\ntokens_per_day = { capacity = 1000, refill_rate = 0 }\n"
    'scope = [{ tag_key = "budget", tag_value = "tensorzero::total" }]\n'
)
CONFIG = EXTRA_MODELS + RULES
WORKERS = ("--workers", "3")


def ask(**request: Any) -> dict[str, Any]:
    """Make a request for a short answer."""
    return {"model_name": "short", "input": {"messages": [{"role": "user", "content": "Hi"}]}, **request}


def statuses(*urls: str, count: int, **request: Any) -> Counter[int]:
    """Send requests at once to gateways in turn, each over a connection of its own; count the statuses."""

    async def send_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            return await asyncio.gather(
                *(
                    client.post(f"{urls[number % len(urls)]}/inference", json=ask(**request))
                    for number in range(count)
                )
            )

    return Counter(reply.status_code for reply in asyncio.run(send_all()))


def test_workers_share_their_limits(tmp_path: Path) -> None:
    """Ten of sixty pass on three workers, also after one was killed, and none after a restart."""
    with Gateway(tmp_path, extra_config=CONFIG, arguments=WORKERS) as gateway:
        assert statuses(gateway.url, count=60, tags={"user": "a"}) == {200: 10, 429: 50}
        os.kill(gateway.pid_of("worker"), signal.SIGKILL)
        wait_until(lambda: gateway._answers(f"{gateway.url}/status"), "the gateway to answer")
        reply = httpx.post(f"{gateway.url}/inference", json=ask(tags={"user": "a"}))
        assert (reply.status_code, reply.json()["error"].splitlines()[-1]) == (429, "Available: 0")
        assert statuses(gateway.url, count=12, tags={"user": "b"}) == {200: 10, 429: 2}
        gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0
        gateway.start()
        assert statuses(gateway.url, count=3, tags={"user": "a"}) == {429: 3}
        assert statuses(gateway.url, count=3, tags={"user": "c"}) == {200: 3}


def test_streams_take_what_they_used(tmp_path: Path) -> None:
    """Once they are at their end; one whose client leaves takes its estimate."""
    params = {"chat_completion": {"max_tokens": 400}}
    paced = ask(model_name="paced", tags={"budget": "x"}, params=params, stream=True)
    with Gateway(tmp_path, extra_config=CONFIG, arguments=WORKERS) as gateway:
        with httpx.stream("POST", f"{gateway.url}/inference", json=paced, timeout=60) as reply:
            assert reply.status_code == 200
            next(reply.iter_lines())

        def left() -> int:
            body = ask(tags={"budget": "x"}, params={"chat_completion": {"max_tokens": 10**6}})
            told = httpx.post(f"{gateway.url}/inference", json=body).json()["error"]
            return int(told.rpartition("Available: ")[2])

        assert left() == 1000 - 401
        whole = httpx.post(f"{gateway.url}/inference", json=paced, timeout=60)
        assert whole.text.endswith("data: [DONE]\n\n")
        used = 1000 - 401 - left()
        assert 40 <= used < 401


def test_gateways_share_valkey(tmp_path: Path, valkey: ValkeyServer) -> None:
    """Two of them let pass what one may; without the server nothing passes, and none starts."""
    environ = {"TENSORZERO_VALKEY_URL": valkey.url}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        Gateway(tmp_path / "one", extra_config=CONFIG, environ=environ, arguments=WORKERS) as one,
        Gateway(tmp_path / "two", extra_config=CONFIG, environ=environ) as two,
    ):
        passed = statuses(one.url, two.url, count=40, tags={"user": "a"})
        assert passed == {200: 10, 429: 30}
        valkey.stop()
        reply = httpx.post(f"{two.url}/inference", json=ask(tags={"user": "b"}), timeout=60)
        assert reply.status_code == 502
        assert "Valkey query failed: " in reply.json()["error"]
        assert httpx.post(f"{two.url}/inference", json=ask(), timeout=60).status_code == 200
        valkey.start()
        assert statuses(two.url, count=2, tags={"user": "b"}) == {200: 2}
    valkey.stop()
    refused = subprocess.run(
        [COMMAND, "serve", "--config-file", "config/*.toml", "--bind-address", "127.0.0.1:0"],
        cwd=tmp_path / "two",
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 1
    assert "Failed to connect to Valkey" in refused.stdout + refused.stderr


def test_a_reload_keeps_what_was_used(tmp_path: Path) -> None:
    """New workers go on with the buckets of the old ones, under the new limits."""
    with Gateway(tmp_path, extra_config=CONFIG) as gateway:
        assert statuses(gateway.url, count=8, tags={"user": "a"}) == {200: 8}
        file = tmp_path / "config" / "tests.toml"
        file.write_text(
            file.read_text().replace("model_inferences_per_day = 10", "model_inferences_per_day = 5")
        )
        before = set(children_of(gateway.pid))
        gateway.signal(signal.SIGHUP)
        wait_until(lambda: "new workers take over" in gateway.log, "the new configuration")
        wait_until(lambda: set(children_of(gateway.pid)) - before, "a new worker")

        def refused() -> bool:
            fresh = httpx.post(f"{gateway.url}/inference", json=ask(tags={"user": "z"}))
            reply = httpx.post(f"{gateway.url}/inference", json=ask(tags={"user": "z"}))
            return (fresh.status_code, reply.status_code) == (429, 429)

        wait_until(refused, "the limit of five")
