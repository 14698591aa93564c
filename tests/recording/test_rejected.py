"""The folder of refused rows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tzproxy.recording.batch import Batch
from tzproxy.recording.long_lines import LongLines
from tzproxy.recording.rejected import RejectedFolder
from tzproxy.recording.state import Range, Refusal

BATCH = Batch([Range("r", 0, 8)], {0: (3, b'{"a":1}\n\xff\xfe\n{"c":3}')})


def test_rows_given_up_are_kept_with_the_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rows are readable whatever their bytes; what was only halved is not listed; twice is harmless."""
    folder = RejectedFolder(tmp_path / "rejected", 10_000, LongLines(tmp_path))
    refusals = [Refusal(0, 0, 3), Refusal(0, 1, 3, "bad rows")]
    for _ in range(2):
        folder.write(BATCH, refusals)
    files = list((tmp_path / "rejected").iterdir())
    assert [file.name for file in files] == [f"{BATCH.digest}.jsonl"]
    assert [msgspec.json.decode(line) for line in files[0].read_bytes().splitlines()] == [
        {"table": "ChatInference", "error": "bad rows", "row": "\\xff\\xfe"},
        {"table": "ChatInference", "error": "bad rows", "row": '{"c":3}'},
    ]
    assert "ROWS REFUSED" in caplog.text


def test_nothing_refused_makes_no_folder(tmp_path: Path) -> None:
    """A clean batch leaves no trace."""
    RejectedFolder(tmp_path / "rejected", 10_000, LongLines(tmp_path)).write(BATCH, [Refusal(0, 0, 3)])
    assert not (tmp_path / "rejected").exists()


def test_quota_and_disk_errors_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A full folder or disk keeps nothing more, says so, and stops nobody."""
    folder = RejectedFolder(tmp_path / "rejected", 10, LongLines(tmp_path))
    folder.write_file("a", b"123456")
    folder.write_file("b", b"123456")
    assert [file.name for file in (tmp_path / "rejected").iterdir()] == ["a"]
    assert "is full" in caplog.text
    (tmp_path / "file").write_bytes(b"")
    RejectedFolder(tmp_path / "file", 10, LongLines(tmp_path)).write_file("a", b"1")
    assert "cannot be kept" in caplog.text
