"""Tests of `tzproxy.services.metrics`: any worker tells the figures of all."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.services import metrics
from tzproxy.services.metrics import SharedMetrics


def requests_of(shared: SharedMetrics) -> dict[str, float]:
    """Return what is told of the input tokens and the feedback."""
    return {
        sample.name + sample.labels.get("metric_name", ""): sample.value
        for family in shared.collect()
        for sample in family.samples
    }


def files_in(folder: Path) -> list[Path]:
    """Return the files of single workers."""
    return list(folder.glob("*.metrics"))


def leave_as_a_dead_worker(folder: Path) -> None:
    """Leave a file under the number of a process that has ended."""
    SharedMetrics(GatewayMetrics([]), [], folder).share()
    (file,) = files_in(folder)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    file.rename(folder / f"{ended.pid}-{file.name.partition('-')[2]}")


async def test_figures_are_shared_by_and_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's timer does it, until the end."""
    turns: asyncio.Queue[None] = asyncio.Queue()
    monkeypatch.setattr(metrics, "SHARE_EVERY_S", 0.001)
    monkeypatch.setattr(SharedMetrics, "share", lambda shared: turns.put_nowait(None))
    shared = SharedMetrics(GatewayMetrics([]), [], tmp_path)
    shared.begin()
    for _ in range(3):
        await asyncio.wait_for(turns.get(), 20.0)
    shared.close()
    seen = turns.qsize()
    await asyncio.sleep(0.01)
    assert turns.qsize() == seen


def test_whoever_is_asked_tells_the_sum(tmp_path: Path) -> None:
    """Own figures as they are, those of others as they last left them; those of the dead count on."""
    figures = [GatewayMetrics([0.1]) for _ in range(3)]
    workers = [SharedMetrics(own, [0.1], tmp_path) for own in figures]
    figures[0].count_tokens(1, None)
    figures[1].count_tokens(10, None)
    figures[2].count_feedback("m")
    for worker in workers:
        worker.close()
    assert requests_of(workers[0])["tensorzero_input_tokens_total"] == 11
    assert requests_of(workers[0])["tensorzero_requests_totalm"] == 1
    figures[1].count_tokens(100, None)
    assert requests_of(workers[1])["tensorzero_input_tokens_total"] == 111
    assert len(files_in(tmp_path)) == 3


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The worker goes on, tells its own figures, and shares once it can."""
    own = GatewayMetrics([])
    shared = SharedMetrics(own, [], tmp_path / "later")
    own.count_tokens(2, None)
    shared.begin()
    shared.close()
    assert requests_of(shared)["tensorzero_input_tokens_total"] == 2
    (tmp_path / "later").mkdir()
    shared.share()
    assert len(files_in(tmp_path / "later")) == 1


async def test_a_new_worker_clears_up_after_the_dead(tmp_path: Path) -> None:
    """When it begins it adds up what those left who have died."""
    leave_as_a_dead_worker(tmp_path)
    shared = SharedMetrics(GatewayMetrics([]), [], tmp_path)
    shared.begin()
    shared.close()
    assert len(files_in(tmp_path)) == 1
