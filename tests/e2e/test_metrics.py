"""`/metrics` of a gateway of several workers: one sum, whoever answers, whoever is replaced."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from e2e.load import Load
from e2e.processes import Gateway, children_of, is_alive, wait_until

pytestmark = pytest.mark.e2e


def inferences_of(gateway: Gateway) -> float:
    """Return how many inferences a scrape tells of, 0 when nobody listens; each asks on its own."""
    try:
        text = httpx.get(f"{gateway.url}/metrics").text
    except httpx.TransportError:
        return 0
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "tensorzero_inferences_total"
    )


def test_any_worker_tells_the_sum(tmp_path: Path) -> None:
    """After a load on two workers every scrape tells all of it, also once the workers have been replaced."""
    with Gateway(tmp_path, arguments=["--workers", "2"]) as gateway:
        with Load(gateway, connections=8) as load:
            load.wait_for(200)
        answered = len(load.answered)
        wait_until(lambda: {inferences_of(gateway) for _ in range(10)} == {answered}, "one sum")
        workers = [pid for pid, command in children_of(gateway.pid).items() if "serve" in command]
        gateway.signal(signal.SIGHUP)
        wait_until(lambda: not any(map(is_alive, workers)), "new workers")
        assert {inferences_of(gateway) for _ in range(10)} == {answered}
        os.kill(gateway.pid_of("worker"), signal.SIGKILL)
        wait_until(lambda: {inferences_of(gateway) for _ in range(10)} == {answered}, "the sum again")
