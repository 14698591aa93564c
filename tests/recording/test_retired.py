"""Retired rings: drained, counted for good, deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tzproxy.recording.counters import read_counters
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.recorder import Recorder
from tzproxy.recording.sink import RingSink, Table

Started = Callable[..., Recorder]


def test_retired_ring_is_drained_counted_and_deleted(
    data_dir: Path, store: FakeStore, start_recorder: Started, run_until: Callable[..., None]
) -> None:
    """After a change of capacity the old ring's rows are stored, its counters kept, its file removed."""
    path = data_dir / "rings" / "worker-0.ring"
    old = RingSink(path, 4096)
    old.accept([(Table.CHAT_INFERENCE, b"old")])
    while old.accept([(Table.CHAT_INFERENCE, b"x" * 1000)]) > 0:
        pass
    accepted = old._ring.producer.accepted()[1]
    old.close()
    new = RingSink(path, 8192)
    new.accept([(Table.CHAT_INFERENCE, b"new")])
    before = read_counters(data_dir)
    recorder = start_recorder()
    retired = list((data_dir / "rings").glob("*.retired.ring"))
    assert len(retired) == 1
    run_until(recorder, lambda: recorder.is_idle)
    run_until(recorder, lambda: not retired[0].exists())
    counters = read_counters(data_dir)
    assert store.counts()[b"old"] == store.counts()[b"new"] == 1
    assert (counters.accepted, counters.lost) == (before.accepted, before.lost) == (accepted + 2, 1)
    assert (counters.stored, counters.pending) == (accepted + 1, 0)
    recorder.close()
    new.close()
    again = start_recorder()
    again.step()
    assert read_counters(data_dir).tables == counters.tables


def test_retired_ring_waits_for_the_spool(
    data_dir: Path, store: FakeStore, start_recorder: Started, run_until: Callable[..., None]
) -> None:
    """While its rows may be in the spool a retired ring's file stays."""
    path = data_dir / "rings" / "worker-0.ring"
    old = RingSink(path, 4096)
    old.accept([(Table.CHAT_INFERENCE, b"old")])
    old.close()
    new = RingSink(path, 8192)
    store.fault = lambda *_: "away"
    recorder = start_recorder(spool_interval_ms=0)
    run_until(recorder, lambda: read_counters(data_dir).spooled == 1)
    recorder._discovered_at = float("-inf")
    recorder.step()
    assert list((data_dir / "rings").glob("*.retired.ring"))
    store.fault = None
    run_until(recorder, lambda: not list((data_dir / "rings").glob("*.retired.ring")))
    assert store.counts() == {b"old": 1}
    new.close()


def test_ring_that_is_gone_stays_counted(
    data_dir: Path, start_recorder: Started, run_until: Callable[..., None]
) -> None:
    """After a ring's file has vanished (a memory file system, a reboot) the counters still reconcile."""
    path = data_dir / "rings" / "worker-0.ring"
    sink = RingSink(path, 4096)
    sink.accept([(Table.CHAT_INFERENCE, b"x")])
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    recorder.close()
    sink.close()
    path.unlink()
    start_recorder()
    counters = read_counters(data_dir)
    assert (counters.accepted, counters.stored, counters.lost, counters.pending) == (1, 1, 0, 0)
