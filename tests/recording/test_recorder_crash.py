"""The recorder dies at every single step that touches disk, ring or store: still every row exactly once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tzproxy.recording import recorder as recorder_module
from tzproxy.recording.counters import read_counters
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.feeds import Feeds
from tzproxy.recording.inserter import Inserter
from tzproxy.recording.long_lines import LongLines
from tzproxy.recording.recorder import Recorder
from tzproxy.recording.rejected import RejectedFolder
from tzproxy.recording.sink import RingSink, Table
from tzproxy.recording.spool import Spool
from tzproxy.recording.state import StateFile

STEPS = [
    (StateFile, "commit"),
    (Spool, "append"),
    (Spool, "advance"),
    (Spool, "clean"),
    (Feeds, "take"),
    (Feeds, "release"),
    (Feeds, "mark_stored"),
    (RejectedFolder, "write"),
    (LongLines, "expanded"),
    (LongLines, "forget"),
    (Inserter, "submit"),
    (Inserter, "take_outcomes"),
]
RECORDS = 40


class Death(BaseException):
    """Stands for kill -9: nothing catches it."""


class Executioner:
    """Counts the steps of a recorder, before and after each, and strikes at a chosen one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.strike_at = -1
        self.count = 0
        for owner, name in STEPS:
            monkeypatch.setattr(owner, name, self._wrap(getattr(owner, name)))

    def _wrap(self, method: Callable[..., Any]) -> Callable[..., Any]:
        # Called at every step, and only a real outcome is an event.
        polls = method.__name__ == "take_outcomes"

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if not polls:
                self._tick()
            result = method(*args, **kwargs)
            if not polls or result:
                self._tick()
            return result

        return wrapped

    def _tick(self) -> None:
        self.count += 1
        if self.count == self.strike_at:
            raise Death


@pytest.fixture
def executioner(monkeypatch: pytest.MonkeyPatch) -> Executioner:
    """Strikes when told to; the search for poison is cut short to keep the number of steps small."""
    monkeypatch.setattr(recorder_module, "_MAX_REFUSALS", 12)
    # The machine does not die here, only the process: waiting for the disk would prove nothing.
    monkeypatch.setattr(os, "fdatasync", lambda _: None)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return Executioner(monkeypatch)


def fault_script(away: bool) -> Callable[[str, bytes, str], str | None]:
    """A store that is away, or cuts its answers, for the first statements."""
    script: Iterator[str | None] = itertools.chain(
        ["cut", None, "away", "cut", "cut"] if not away else ["cut", *["away"] * 6], itertools.repeat(None)
    )
    return lambda *_: next(script)


def play(
    data_dir: Path,
    store: FakeStore,
    start_recorder: Callable[..., Recorder],
    run_until: Callable[..., None],
    executioner: Executioner,
) -> None:
    """Records come while the recorder works, dies once, and comes back."""
    sink = RingSink(data_dir / "rings" / "worker-0.ring", 1 << 13)
    numbers = iter(range(RECORDS))
    recorder: Recorder | None = None
    died = False

    def feed() -> None:
        for number in itertools.islice(numbers, 4):
            rows = [
                (Table.CHAT_INFERENCE, b"chat-%03d" % number),
                # Some are too long for the ring.
                (Table.MODEL_INFERENCE, (b"model-%03d" % number).ljust(5000 if number % 8 == 5 else 0)),
            ]
            if number == 13:
                rows.append((Table.MODEL_INFERENCE, b"poison".ljust(5000)))
            assert sink.accept(rows) > 0

    def is_done() -> bool:
        feed()
        assert recorder is not None
        return sink._ring.producer.accepted()[1] == RECORDS and recorder.is_idle

    while True:
        try:
            recorder = start_recorder(max_rows=16, spool_interval_ms=0, spool_segment_bytes=900)
            run_until(recorder, is_done)
            # What comes after the last answer (deleting a segment, say) counts as well.
            recorder.step(draining=True)
            break
        except Death:
            assert not died
            died = True
            if recorder is not None:
                recorder.close()
    sink.close()


@pytest.mark.slow
@pytest.mark.parametrize("away", [False, True])
def test_death_at_every_step(
    away: bool,
    tmp_path: Path,
    start_recorder: Callable[..., Recorder],
    run_until: Callable[..., None],
    executioner: Executioner,
    monkeypatch: pytest.MonkeyPatch,
    store: FakeStore,
) -> None:
    """Whichever step is the last, rows are stored once, the poison is set aside, the counters agree."""
    total = 1
    at = 0
    while at <= total:
        data_dir = tmp_path / f"run-{at}"
        executioner.count, executioner.strike_at = 0, at
        store.lines.clear()
        store._tokens.clear()
        store.fault = fault_script(away)
        recorder = lambda **options: start_recorder(data_dir=str(data_dir), **options)  # noqa: E731, B023
        play(data_dir, store, recorder, run_until, executioner)
        total = max(total, executioner.count)
        assert store.counts("ChatInference") == {b"chat-%03d" % number: 1 for number in range(RECORDS)}, at
        models = {line.rstrip(): count for line, count in store.counts("ModelInference").items()}
        assert models == {b"model-%03d" % number: 1 for number in range(RECORDS)}, at
        counters = read_counters(data_dir)
        found = (counters.accepted, counters.stored, counters.lost, counters.pending)
        assert found == (2 * RECORDS + 1, 2 * RECORDS, 1, 0), at
        rejected = [
            line for file in (data_dir / "rejected").iterdir() for line in file.read_bytes().splitlines()
        ]
        assert len(rejected) == 1, at
        at += 1
    assert total > 100
