"""Tests of `tzproxy.services.metrics`: any worker tells the figures of all."""

from __future__ import annotations

import asyncio
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
    assert len(list(tmp_path.iterdir())) == 3


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    """An idle worker leaves its file alone."""
    own = GatewayMetrics([])
    shared = SharedMetrics(own, [], tmp_path)
    own.count_tokens(1, 1)
    shared.share()
    (file,) = tmp_path.iterdir()
    file.unlink()
    shared.share()
    assert not list(tmp_path.iterdir())
    own.count_tokens(1, 1)
    shared.share()
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The worker goes on, tells its own figures, and shares once it can."""
    own = GatewayMetrics([])
    shared = SharedMetrics(own, [], tmp_path / "later")
    own.count_tokens(2, None)
    shared.share()
    assert requests_of(shared)["tensorzero_input_tokens_total"] == 2
    (tmp_path / "later").mkdir()
    shared.share()
    assert len(list((tmp_path / "later").iterdir())) == 1
