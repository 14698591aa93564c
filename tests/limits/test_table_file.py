"""Tests of `tzproxy.limits.table_file`: made once, kept, and never taken for what it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy.limits.table_file import HEADER_WORDS, TableDamagedError, TableFile

WORDS = HEADER_WORDS + 8


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """With its folder, at its full size: a full disk must show at once."""
    path = tmp_path / "data" / "table"
    made = TableFile(path, WORDS)
    made.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_size == WORDS * 8
    assert path.stat().st_blocks * 512 >= WORDS * 8


def test_all_who_open_it_see_the_same(tmp_path: Path) -> None:
    """What one writes the other reads; the secret is one."""
    first, second = TableFile(tmp_path / "t", WORDS), TableFile(tmp_path / "t", WORDS)
    first.words[HEADER_WORDS] = -7
    assert second.words[HEADER_WORDS] == -7
    assert first.secret == second.secret != bytes(32)
    first.close()
    second.close()
    third = TableFile(tmp_path / "t", WORDS)
    assert third.words[HEADER_WORDS] == -7
    third.close()


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    """It is named, not overwritten."""
    path = tmp_path / "t"
    path.write_bytes(b"somebody's letter")
    with pytest.raises(TableDamagedError, match="is no table of rate limits"):
        TableFile(path, WORDS)
    assert path.read_bytes().startswith(b"somebody's letter")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """Is an error of the system."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        TableFile(tmp_path / "file" / "t", WORDS)
