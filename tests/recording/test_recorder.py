"""The recorder, driven by hand against a store in memory."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tzproxy.errors import StoreError
from tzproxy.recording.counters import read_counters
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.recorder import Recorder, run
from tzproxy.recording.sink import RingSink, Row, Table

StartRecorder = Callable[..., Recorder]
OpenSink = Callable[..., RingSink]
RunUntil = Callable[..., None]


def rows_of(number: int, size: int = 20) -> list[Row]:
    """The rows of one inference, told apart by a number."""
    text = b'{"n":%d,"pad":"%s"}' % (number, b"x" * size)
    return [(Table.CHAT_INFERENCE, text), (Table.MODEL_INFERENCE, text)]


def lines_of(numbers: range, size: int = 20) -> dict[bytes, int]:
    """What a table must hold: every row once."""
    return {rows_of(number, size)[0][1]: 1 for number in numbers}


def check_all_stored(store: FakeStore, data_dir: Path, numbers: range, size: int = 20) -> None:
    """Every row exactly once in both tables, and counters that say so."""
    assert store.counts("ChatInference") == lines_of(numbers, size)
    assert store.counts("ModelInference") == lines_of(numbers, size)
    counters = read_counters(data_dir)
    assert (counters.accepted, counters.stored, counters.lost, counters.pending) == (
        2 * len(numbers),
        2 * len(numbers),
        0,
        0,
    )


def test_rows_of_several_rings_travel_in_one_statement_per_table(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """What waits in all rings becomes one insert per table."""
    sinks = [open_sink("worker-0"), open_sink("worker-1")]
    for number in range(100):
        sinks[number % 2].accept(rows_of(number))
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    check_all_stored(store, data_dir, range(100))
    assert sorted((table, rows) for table, rows, _ in store.statements) == [
        ("ChatInference", 100),
        ("ModelInference", 100),
    ]


def test_feedback_is_sent_when_its_target_is_stored(
    store: FakeStore, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """However slow the store is with inferences: what it joins to feedback is there, or is never found."""
    sink = open_sink()
    stored_when_told: list[bool] = []

    def slow(table: str, lines: bytes, token: str) -> None:
        if table == "ChatInference":
            time.sleep(0.05)
        elif table.endswith("MetricFeedback"):
            stored_when_told.append(bool(store.counts("ChatInference")))

    store.fault = slow
    recorder = start_recorder()
    sink.accept([*rows_of(0), (Table.BOOLEAN_METRIC_FEEDBACK, b"{}"), (Table.FLOAT_METRIC_FEEDBACK, b"{}")])
    run_until(recorder, lambda: recorder.is_idle)
    assert stored_when_told == [True, True]
    assert len(store.statements) == 4


def test_feedback_without_inferences_waits_for_nothing(
    store: FakeStore, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """A batch of feedback alone goes out, as does one whose inferences are refused."""
    sink = open_sink()
    recorder = start_recorder()
    sink.accept([(Table.BOOLEAN_METRIC_FEEDBACK, b"{}")])
    run_until(recorder, lambda: recorder.is_idle)
    assert store.counts("BooleanMetricFeedback") == {b"{}": 1}
    sink.accept([(Table.CHAT_INFERENCE, b"poison"), (Table.FLOAT_METRIC_FEEDBACK, b"{}")])
    run_until(recorder, lambda: recorder.is_idle)
    assert store.counts("FloatMetricFeedback") == {b"{}": 1}


def test_new_rings_are_found(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """A ring made after the recorder's start is drained too."""
    recorder = start_recorder()
    recorder.step()
    open_sink().accept(rows_of(0))
    run_until(recorder, lambda: bool(store.counts("ModelInference")))
    run_until(recorder, lambda: recorder.is_idle)
    check_all_stored(store, data_dir, range(1))


def test_a_row_after_a_quiet_time_goes_out_at_once(
    store: FakeStore, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """Idle, nothing waits for a batch to fill."""
    sink = open_sink()
    recorder = start_recorder(flush_interval_ms=3_600_000)
    sink.accept(rows_of(0))
    run_until(recorder, lambda: recorder.is_idle, draining=False)
    assert store.counts("ChatInference") == lines_of(range(1))


def test_under_load_rows_collect(
    store: FakeStore, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """Once the burst is spent rows wait for the interval, or until `max_rows` wait."""
    sink = open_sink()
    recorder = start_recorder(flush_interval_ms=3_600_000, burst=1, max_rows=20)
    sink.accept(rows_of(0))
    run_until(recorder, lambda: recorder.is_idle, draining=False)
    for number in range(1, 10):
        sink.accept(rows_of(number))
    for _ in range(5):
        recorder.step()
    assert len(store.statements) == 2
    sink.accept(rows_of(10))
    run_until(recorder, lambda: recorder.is_idle, draining=False)
    assert [rows for _, rows, _ in store.statements] == [1, 1, 10, 10]


def test_a_filling_ring_does_not_wait_for_the_interval(
    store: FakeStore, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """Rows go out early, and not by way of the spool, when a ring is a quarter full."""
    sink = open_sink(capacity_bytes=1 << 14)
    recorder = start_recorder(flush_interval_ms=3_600_000, burst=1)
    sink.accept(rows_of(0))
    run_until(recorder, lambda: recorder.is_idle, draining=False)
    for number in range(1, 10):
        sink.accept(rows_of(number, 100))
    recorder.step()
    assert len(store.statements) == 2
    for number in range(10, 30):
        sink.accept(rows_of(number, 100))
    run_until(recorder, lambda: recorder.is_idle, draining=False)
    assert [rows for _, rows, _ in store.statements] == [1, 1, 29, 29]


def test_store_away_then_back(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """While the store is away rows move to the spool, far more than the ring holds; later all are stored."""
    sink = open_sink(capacity_bytes=1 << 13)
    recorder = start_recorder()
    store.fault = lambda *_: "away"
    for number in range(1000):
        assert sink.accept(rows_of(number)) > 0
        if number % 10 == 9:
            recorder.step()
            time.sleep(0.0005)
    assert read_counters(data_dir).spooled > 1000
    assert not store.counts()
    store.fault = None
    run_until(recorder, lambda: recorder.is_idle)
    check_all_stored(store, data_dir, range(1000))
    assert not list((data_dir / "spool").iterdir())


def test_answer_cut_off(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """Rows that were stored while the answer got lost are not stored again."""
    sink = open_sink()
    recorder = start_recorder(max_rows=20)
    cuts = itertools.count()
    store.fault = lambda *_: "cut" if next(cuts) % 3 != 2 else None
    for number in range(200):
        assert sink.accept(rows_of(number)) > 0
    run_until(recorder, lambda: recorder.is_idle)
    check_all_stored(store, data_dir, range(200))
    assert len(store.statements) >= 3 * 20


def test_slow_store_does_not_stop_the_draining(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """While a statement hangs, a filling ring is relieved into the spool; the hanging batch counts once."""
    gate = threading.Event()
    store.fault = lambda *_: None if gate.wait(20) else "away"
    sink = open_sink(capacity_bytes=1 << 13)
    recorder = start_recorder()
    for number in range(500):
        assert sink.accept(rows_of(number)) > 0
        recorder.step()
    assert read_counters(data_dir).spooled > 500
    gate.set()
    run_until(recorder, lambda: recorder.is_idle)
    check_all_stored(store, data_dir, range(500))


def test_poison_rows_are_set_aside(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """Rows that the store refuses are found, kept with the error and counted as lost; others are stored."""
    sink = open_sink()
    for number in range(100):
        sink.accept(rows_of(number))
        if number in (0, 57, 99):
            sink.accept([(Table.MODEL_INFERENCE, b"poison %d" % number)])
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    assert store.counts("ModelInference") == lines_of(range(100))
    kept = [
        msgspec.json.decode(line)
        for file in (data_dir / "rejected").iterdir()
        for line in file.read_bytes().splitlines()
    ]
    assert sorted(kept, key=lambda line: line["row"]) == [
        {"table": "ModelInference", "error": "cannot parse", "row": f"poison {number}"}
        for number in (0, 57, 99)
    ]
    counters = read_counters(data_dir)
    assert counters.tables["ModelInference"].rejected == counters.lost == 3
    assert counters.accepted == counters.stored + 3 == 203


def test_store_that_changes_its_mind_about_rows(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """A recorder that dies in the search for poison never sends the whole again, though it would pass."""
    sink = open_sink()
    for number in range(16):
        sink.accept(rows_of(number))
    store.fault = lambda table, lines, _: (
        "refused" if table == "ModelInference" and lines.count(b"\n") > 3 else None
    )
    recorder = start_recorder()
    run_until(recorder, lambda: bool(store.counts("ModelInference")))
    recorder.close()
    assert 0 < len(store.counts("ModelInference")) < 16
    store.fault = None
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    check_all_stored(store, data_dir, range(16))


def test_too_many_poison_rows_end_the_search(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """A batch full of poison costs a bounded number of statements and loses no row from sight."""
    sink = open_sink(capacity_bytes=1 << 18)
    for _ in range(2000):
        sink.accept([(Table.MODEL_INFERENCE, b"poison")])
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    assert len(store.statements) < 1000
    assert read_counters(data_dir).lost == 2000
    assert sum(len(file.read_bytes().splitlines()) for file in (data_dir / "rejected").iterdir()) == 2000


def test_missing_table_does_not_hold_up_the_others_for_ever(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """Rows of a table that stays missing are set aside after a while; the other tables go on."""
    store.fault = lambda table, *_: "no table" if table == "CommentFeedback" else None
    sink = open_sink()
    sink.accept([*rows_of(0), (Table.COMMENT_FEEDBACK, b"{}")])
    recorder = start_recorder(missing_table_patience_ms=30)
    run_until(recorder, lambda: recorder.is_idle)
    counters = read_counters(data_dir)
    assert counters.stored == 2
    assert counters.tables["CommentFeedback"].lost == counters.lost == 1


def test_quota_exhausted_loses_rows_in_plain_sight(
    store: FakeStore,
    data_dir: Path,
    open_sink: OpenSink,
    start_recorder: StartRecorder,
    run_until: RunUntil,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With spool and ring full, new rows are refused, counted and logged; the kept ones are stored."""
    sink = open_sink(capacity_bytes=1 << 12)
    recorder = start_recorder(spool_quota_bytes=20_000)
    store.fault = lambda *_: "away"
    accepted = []
    with caplog.at_level(logging.ERROR):
        for number in range(1000):
            if sink.accept(rows_of(number)) > 0:
                accepted.append(number)
            if number % 5 == 4:
                recorder.step()
                time.sleep(0.0002)
    assert 50 < len(accepted) < 900
    assert sum("spool is full" in record.message for record in caplog.records) >= 1
    assert 1 <= sum("ROWS LOST" in record.message for record in caplog.records) <= 3
    counters = read_counters(data_dir)
    assert counters.tables["ChatInference"].refused == 1000 - len(accepted)
    store.fault = None
    run_until(recorder, lambda: recorder.is_idle)
    assert store.counts("ChatInference") == {rows_of(number)[0][1]: 1 for number in accepted}
    counters = read_counters(data_dir)
    assert (counters.accepted, counters.lost, counters.pending) == (2000, 2000 - 2 * len(accepted), 0)
    assert counters.stored == 2 * len(accepted)


def test_lost_state_file_loses_no_row(
    store: FakeStore, data_dir: Path, open_sink: OpenSink, start_recorder: StartRecorder, run_until: RunUntil
) -> None:
    """Without its state file a recorder takes the spool over from disk and passes what the ring repeats."""
    sink = open_sink()
    recorder = start_recorder(spool_interval_ms=0)
    store.fault = lambda *_: "away"
    for number in range(20):
        sink.accept(rows_of(number))
        run_until(recorder, lambda: read_counters(data_dir).spooled == 2 * (number + 1))  # noqa: B023
    recorder.close()
    (data_dir / "recorder.state").unlink()
    store.fault = None
    for number in range(20, 30):
        sink.accept(rows_of(number))
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    check_all_stored(store, data_dir, range(30))


def test_one_recorder_per_data_directory(start_recorder: StartRecorder) -> None:
    """A second recorder refuses to start."""
    start_recorder()
    with pytest.raises(StoreError, match="another recorder"):
        start_recorder()


def test_stop_drains(store: FakeStore, data_dir: Path, open_sink: OpenSink) -> None:
    """Told to stop, the recorder stores what waits and then ends."""
    sink = open_sink()
    for number in range(50):
        sink.accept(rows_of(number))
    options = RecorderOptions(data_dir=str(data_dir), max_rows=10)
    stop = threading.Event()
    stop.set()
    run(Recorder(options, lambda: store), options, stop)
    check_all_stored(store, data_dir, range(50))
    assert store.is_closed


def test_stop_while_the_store_is_away_keeps_the_rows(
    store: FakeStore, data_dir: Path, open_sink: OpenSink
) -> None:
    """Told to stop with no store, the recorder puts the rows on disk and ends without waiting."""
    sink = open_sink()
    for number in range(50):
        sink.accept(rows_of(number))
    store.fault = lambda *_: "away"
    options = RecorderOptions(data_dir=str(data_dir), drain_ms=20_000)
    stop = threading.Event()
    stop.set()
    started_at = time.monotonic()
    run(Recorder(options, lambda: store), options, stop)
    assert time.monotonic() - started_at < 10
    counters = read_counters(data_dir)
    assert (counters.pending, counters.spooled) == (100, 100)


def test_parent_gone_ends_the_recorder(store: FakeStore, data_dir: Path, open_sink: OpenSink) -> None:
    """With another parent than the one that started it, the recorder drains and ends."""
    open_sink().accept(rows_of(0))
    options = RecorderOptions(data_dir=str(data_dir), parent_pid=1 << 30)
    run(Recorder(options, lambda: store), options, threading.Event())
    check_all_stored(store, data_dir, range(1))
