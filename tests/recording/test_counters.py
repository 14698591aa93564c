"""Counters: what any process can read at any time adds up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tzproxy.recording.counters import read_counters
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.recorder import Recorder
from tzproxy.recording.sink import RingSink, Table


def test_nothing_there_counts_nothing(tmp_path: Path) -> None:
    """A data directory that does not exist has zero rows and no recorder."""
    counters = read_counters(tmp_path / "none")
    assert (counters.accepted, counters.tables, counters.recorder_age_s) == (0, {}, None)


def test_rows_are_pending_without_a_recorder(data_dir: Path, open_sink: Callable[..., RingSink]) -> None:
    """Accepted and refused rows are counted from the rings alone."""
    sink = open_sink(capacity_bytes=64)
    for _ in range(5):
        sink.accept([(Table.COMMENT_FEEDBACK, b"123")])
    counters = read_counters(str(data_dir))
    table = counters.tables["CommentFeedback"]
    assert (table.accepted, table.pending, table.lost, table.refused, table.stored) == (5, 2, 3, 3, 0)
    assert counters.recorder_age_s is None
    assert read_counters(data_dir, rings_dir=data_dir / "rings") == counters


def test_accepted_is_always_stored_and_lost_and_pending(
    data_dir: Path,
    store: FakeStore,
    open_sink: Callable[..., RingSink],
    start_recorder: Callable[..., Recorder],
) -> None:
    """At every moment of a troubled life the counters reconcile, table by table."""
    sinks = [open_sink("worker-0", 2048), open_sink("worker-1", 4096)]
    recorder = start_recorder(max_rows=5, spool_interval_ms=0, spool_quota_bytes=5000)
    faults = iter(["away", None, "cut", "away", "away", None] * 1000)
    store.fault = lambda *_: next(faults)
    pending = 0
    for number in range(600):
        rows = [
            (Table(number % 3), b"%d" % number),
            (Table.COMMENT_FEEDBACK, b"poison" if number % 97 == 5 else b"{}"),
        ]
        sinks[number % 2].accept(rows)
        if number % 4 == 0:
            recorder.wake.wait(recorder.step() / 20)
            recorder.wake.clear()
        counters = read_counters(data_dir)
        pending = max(pending, counters.pending)
        assert counters.accepted == 2 * (number + 1)
        for table in counters.tables.values():
            assert table.accepted == table.stored + table.lost + table.pending
            assert table.lost == table.refused + table.rejected + table.damaged
            assert min(table.stored, table.lost, table.pending) >= 0
    assert pending > 20
    assert counters.recorder_age_s is not None
    assert counters.recorder_age_s < 60
