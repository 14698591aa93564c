"""Rows too long for a ring: beside it until they are stored, and only as long."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tzproxy.recording.batch import Batch
from tzproxy.recording.counters import read_counters
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.long_lines import LongLines
from tzproxy.recording.recorder import Recorder
from tzproxy.recording.sink import LOST, RingSink, Table
from tzproxy.recording.state import Range

LONG = b'{"text":"' + b"x" * 40_000 + b'"}'
ROWS = [(Table.CHAT_INFERENCE, b'{"short":1}'), (Table.MODEL_INFERENCE, LONG)]


def files_in(data_dir: Path) -> list[Path]:
    """The rows that lie beside the rings."""
    return list((data_dir / "rings" / "lines").iterdir())


def test_long_row_is_stored_and_its_file_goes(
    data_dir: Path,
    open_sink: Callable[..., RingSink],
    start_recorder: Callable[..., Recorder],
    run_until: Callable[..., None],
    store: FakeStore,
) -> None:
    """A row longer than the ring arrives whole, in a statement of its own; nothing is left of it."""
    sink = open_sink(capacity_bytes=1 << 15)
    assert all(sink.accept(rows) > 0 for rows in (ROWS, [(Table.MODEL_INFERENCE, b"{}")], ROWS))
    assert [path.stat().st_mode & 0o777 for path in files_in(data_dir)] == [0o600, 0o600]
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    assert store.counts("ModelInference") == {LONG: 2, b"{}": 1}
    assert [rows for table, rows, _ in store.statements if table == "ModelInference"] == [1, 1, 1]
    assert files_in(data_dir) == []
    assert (read_counters(data_dir).accepted, read_counters(data_dir).stored) == (5, 5)


def test_refused_long_row_is_set_aside_whole(
    data_dir: Path,
    open_sink: Callable[..., RingSink],
    start_recorder: Callable[..., Recorder],
    run_until: Callable[..., None],
) -> None:
    """What the store refuses lies among the rejected, its text and not its mark."""
    open_sink(capacity_bytes=1 << 15).accept([(Table.MODEL_INFERENCE, b"poison" + LONG)])
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    (rejected,) = (data_dir / "rejected").iterdir()
    assert b"x" * 40_000 in rejected.read_bytes()
    assert files_in(data_dir) == []


@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_row_whose_file_is_lost_is_refused(
    damage: str,
    data_dir: Path,
    open_sink: Callable[..., RingSink],
    start_recorder: Callable[..., Recorder],
    run_until: Callable[..., None],
    store: FakeStore,
) -> None:
    """The mark is sent in its place, which no store takes for a row: it does not vanish unseen."""
    open_sink(capacity_bytes=1 << 15).accept(ROWS)
    (file,) = files_in(data_dir)
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"")
    store.fault = lambda table, lines, token: "refused" if lines.startswith(b"\0") else None
    recorder = start_recorder()
    run_until(recorder, lambda: recorder.is_idle)
    counters = read_counters(data_dir)
    assert (counters.stored, counters.lost, counters.pending) == (1, 1, 0)


def test_without_room_nothing_stays(data_dir: Path, open_sink: Callable[..., RingSink]) -> None:
    """Rows that find no room on the disk or in the ring are counted as lost, and no file is left of them."""
    sink = open_sink(capacity_bytes=1 << 15)
    sink._long_lines = LongLines(data_dir / "rings", quota_bytes=50_000)
    assert sink.accept([*ROWS, *ROWS]) == LOST
    assert files_in(data_dir) == []
    while sink.accept([(Table.COMMENT_FEEDBACK, b"x" * 1000)]) != LOST:
        pass
    while sink.accept([(Table.COMMENT_FEEDBACK, b"")]) != LOST:
        pass
    assert sink.accept(ROWS) == LOST
    assert files_in(data_dir) == []
    assert read_counters(data_dir).tables["ModelInference"].lost == 3


def test_a_file_that_goes_meanwhile_costs_no_row(
    data_dir: Path, open_sink: Callable[..., RingSink], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorder may delete a stored row's file while a worker adds up how much room is left."""
    sink = open_sink(capacity_bytes=1 << 15)
    sink.accept(ROWS)

    def listed(directory: Path) -> list[os.DirEntry[str]]:
        with os_scandir(directory) as entries:
            found = list(entries)
        for path in [Path(entry.path) for entry in found]:
            path.unlink()
        return found

    os_scandir = os.scandir
    monkeypatch.setattr("tzproxy.recording.long_lines.os.scandir", listed)
    assert sink.accept(ROWS) > 0


def test_too_many_rows_for_the_ring_are_lost_loudly(
    open_sink: Callable[..., RingSink], caplog: pytest.LogCaptureFixture
) -> None:
    """Where even the marks are too long for the ring, the rows are refused."""
    sink = open_sink(capacity_bytes=256)
    assert sink.accept([(Table.MODEL_INFERENCE, LONG)] * 5) == LOST
    assert "ROWS LOST" in caplog.text


def test_orphans_are_swept_once_they_are_old(tmp_path: Path) -> None:
    """A file that nobody names goes when it is a minute old."""
    lines = LongLines(tmp_path)
    lines.sweep()
    lines.put_aside([(Table.MODEL_INFERENCE, LONG), (Table.MODEL_INFERENCE, LONG)])
    old, new = (tmp_path / "lines").iterdir()
    os.utime(old, (time.time() - 61, time.time() - 61))
    lines.sweep()
    assert list((tmp_path / "lines").iterdir()) == [new]


def test_line_feeds_become_spaces(tmp_path: Path) -> None:
    """As in the ring: a row is one line. Short rows stay as they are."""
    lines = LongLines(tmp_path)
    ((_, mark), short) = lines.put_aside(
        [(Table.MODEL_INFERENCE, b"a\n" * 4000), (Table.MODEL_INFERENCE, b"{}")]
    )
    assert short == (Table.MODEL_INFERENCE, b"{}")
    assert lines.expanded(b"{}\n" + mark + b"\n{}") == b"{}\n" + b"a " * 4000 + b"\n{}"
    batch = Batch([Range("r", 0, 8)], {2: (2, b"{}\n" + mark)})
    lines.forget(batch)
    assert list((tmp_path / "lines").iterdir()) == []
