"""Damaged rings: loud, exact, and not the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tzproxy.recording.counters import read_counters
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.recorder import Recorder
from tzproxy.recording.sink import RingSink, Table

StartRecorder = Callable[..., Recorder]
OpenSink = Callable[..., RingSink]
RunUntil = Callable[..., None]


def line(number: int) -> bytes:
    """A row told apart by a number."""
    return b"row-%02d" % number


def accept(sink: RingSink, number: int) -> int:
    """Record one inference."""
    return sink.accept([(Table.CHAT_INFERENCE, line(number)), (Table.MODEL_INFERENCE, line(number))])


def damage(sink: RingSink, position: int) -> None:
    """Change one byte of the record at `position`."""
    with sink.path.open("r+b") as file:
        file.seek(4096 + position + 22)
        file.write(b"!")


def test_damaged_ring_is_counted_and_passed(
    store: FakeStore,
    data_dir: Path,
    open_sink: OpenSink,
    start_recorder: StartRecorder,
    run_until: RunUntil,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Damage costs the records behind it, loudly and with exact counts; what comes later is stored again."""
    sink = open_sink()
    ends = [accept(sink, number) for number in range(10)]
    damage(sink, ends[6])
    recorder = start_recorder()
    with caplog.at_level(logging.ERROR):
        run_until(recorder, lambda: recorder.is_idle)
    assert any("ROWS LOST" in record.message for record in caplog.records)
    counters = read_counters(data_dir)
    assert (counters.stored, counters.lost, counters.pending) == (14, 6, 0)
    assert counters.tables["ChatInference"].damaged == 3
    assert len(list((data_dir / "rejected").glob("*.ring-bytes"))) == 1
    assert sink._ring.producer.stored == sink._ring.producer.cursor
    accept(sink, 10)
    run_until(recorder, lambda: recorder.is_idle)
    assert store.counts("ChatInference") == {line(number): 1 for number in (*range(7), 10)}


def test_damage_while_the_store_is_away(
    store: FakeStore,
    data_dir: Path,
    open_sink: OpenSink,
    start_recorder: StartRecorder,
    run_until: RunUntil,
) -> None:
    """A damaged ring goes on before the store is back, and spooled rows are not called stored."""
    sink = open_sink()
    store.fault = lambda *_: "away"
    recorder = start_recorder(spool_interval_ms=0)
    accept(sink, 0)
    run_until(recorder, lambda: read_counters(data_dir).spooled == 2)
    damage(sink, accept(sink, 1) and sink._ring.producer.acked)
    deadline = time.monotonic() + 20
    while read_counters(data_dir).lost != 2:
        assert time.monotonic() < deadline
        recorder.step()
    accept(sink, 2)
    run_until(recorder, lambda: read_counters(data_dir).spooled == 4)
    assert sink._ring.producer.stored == 0
    store.fault = None
    run_until(recorder, lambda: recorder.is_idle)
    assert store.counts("ChatInference") == {line(number): 1 for number in (0, 2)}
    assert sink._ring.producer.stored == sink._ring.producer.cursor
