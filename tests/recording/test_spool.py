"""Batches on disk: what was committed is there, what was not is gone, damage is passed over."""

from __future__ import annotations

import copy
import logging
from pathlib import Path

import pytest

from tzproxy.recording.batch import Batch
from tzproxy.recording.spool import Spool
from tzproxy.recording.state import Range, SpoolState


def batch_of(number: int, size: int = 50) -> Batch:
    """A batch of two tables, told apart by a number."""
    line = b"%d" % number + b"x" * size
    return Batch([Range("ring", number * 8, number * 8 + 8)], {0: (1, line), 2: (2, line + b"\n" + line)})


def drain(spool: Spool) -> list[Batch]:
    """Take all batches out."""
    batches = []
    while (found := spool.head()) is not None:
        spool.advance(*found)
        spool.clean()
        batches.append(found[0])
    return batches


def digests(batches: list[Batch]) -> list[str]:
    """What tells batches apart."""
    return [batch.digest for batch in batches]


def test_first_in_first_out_across_segments(tmp_path: Path) -> None:
    """Batches come back in order with rows and tokens intact, and drained segments are deleted."""
    state = SpoolState()
    spool = Spool(tmp_path, state, segment_bytes=1000)
    batches = [batch_of(number) for number in range(20)]
    assert all(spool.append(batch) for batch in batches)
    assert len(list(tmp_path.iterdir())) > 3
    assert (state.rows[0], state.rows[2]) == (20, 40)
    found = drain(spool)
    assert digests(found) == digests(batches)
    assert [batch.tables for batch in found] == [batch.tables for batch in batches]
    assert spool.is_empty
    assert not any(state.rows)
    assert not list(tmp_path.iterdir())


def test_appending_while_draining(tmp_path: Path) -> None:
    """The spool may be filled and emptied in any order."""
    spool = Spool(tmp_path, SpoolState(), segment_bytes=500)
    seen = []
    for number in range(30):
        assert spool.append(batch_of(number))
        if number % 3:
            found = spool.head()
            assert found is not None
            spool.advance(*found)
            spool.clean()
            seen.append(found[0])
    seen += drain(spool)
    assert digests(seen) == digests([batch_of(number) for number in range(30)])


def test_uncommitted_batches_are_cut_off(tmp_path: Path) -> None:
    """What was appended after the last commit is not there for the next life, even across segments."""
    state = SpoolState()
    spool = Spool(tmp_path, state, segment_bytes=700)
    spool.append(batch_of(0))
    committed = copy.deepcopy(state)
    for number in range(1, 9):
        spool.append(batch_of(number))
    spool.close()
    spool = Spool(tmp_path, committed, segment_bytes=700)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [committed.write_offset]
    spool.append(batch_of(9))
    assert digests(drain(spool)) == digests([batch_of(0), batch_of(9)])


def test_quota(tmp_path: Path) -> None:
    """A batch that the quota has no room for is refused and changes nothing; draining makes room."""
    state = SpoolState()
    spool = Spool(tmp_path, state, quota_bytes=2000, segment_bytes=500)
    accepted = 0
    while spool.append(batch_of(accepted)):
        accepted += 1
    assert 3 < accepted < 12
    assert spool.size_bytes() <= 2000
    before = copy.deepcopy(state)
    assert not spool.append(batch_of(99))
    assert state == before
    assert len(drain(spool)) == accepted
    assert spool.append(batch_of(100))


def test_disk_error_leaves_the_spool_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing write is undone."""
    state = SpoolState()
    spool = Spool(tmp_path, state)
    spool.append(batch_of(0))
    size = spool.size_bytes()

    def fail(_: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", fail)
        assert not spool.append(batch_of(1))
    assert spool.size_bytes() == size == next(tmp_path.iterdir()).stat().st_size
    assert spool.append(batch_of(2))
    assert digests(drain(spool)) == digests([batch_of(0), batch_of(2)])


@pytest.mark.parametrize("place", [0, 10, 30, 150])
def test_damage_costs_the_rest_of_its_segment_only(
    place: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A flipped byte loses batches loudly; other segments are read, and the missing rows stay counted."""
    state = SpoolState()
    spool = Spool(tmp_path, state, segment_bytes=600)
    for number in range(9):
        spool.append(batch_of(number))
    path = tmp_path / "0000000002.seg"
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0x40
    path.write_bytes(raw)
    in_first = sum(
        digest in digests(drain_copy(tmp_path, state)) for digest in digests([batch_of(0), batch_of(1)])
    )
    assert in_first == 2
    with caplog.at_level(logging.ERROR):
        found = drain(spool)
    assert 0 < len(found) < 9
    assert any("damaged" in record.message for record in caplog.records)
    assert state.rows[0] == 9 - len(found)
    assert spool.is_empty


def drain_copy(directory: Path, state: SpoolState) -> list[Batch]:
    """What a reader finds without changing files or `state`."""
    spool = Spool(directory, copy.deepcopy(state))
    batches = []
    while (found := spool.head()) is not None:
        spool.advance(*found)
        batches.append(found[0])
    return batches


def test_damage_in_the_segment_being_written(tmp_path: Path) -> None:
    """After damage in the newest segment the spool goes on in a new one."""
    spool = Spool(tmp_path, SpoolState())
    spool.append(batch_of(0))
    path = next(tmp_path.iterdir())
    path.write_bytes(b"?" * path.stat().st_size)
    assert spool.head() is None
    assert spool.is_empty
    spool.append(batch_of(1))
    assert digests(drain(spool)) == digests([batch_of(1)])


def test_missing_segment_is_damage(tmp_path: Path) -> None:
    """A segment that someone deleted is passed over."""
    spool = Spool(tmp_path, SpoolState(), segment_bytes=300)
    for number in range(4):
        spool.append(batch_of(number))
    (tmp_path / "0000000002.seg").unlink()
    assert len(drain(spool)) < 4
    assert spool.is_empty


def test_adopt_takes_over_a_spool_without_state(tmp_path: Path) -> None:
    """Without a remembered state all readable batches are found and counted."""
    spool = Spool(tmp_path, SpoolState(), segment_bytes=500)
    batches = [batch_of(number) for number in range(7)]
    for batch in batches:
        spool.append(batch)
    spool.close()
    state = SpoolState()
    spool = Spool(tmp_path, state, is_fresh=True)
    assert spool.adopt() == [part for batch in batches for part in batch.ranges]
    assert (state.rows[0], state.rows[2]) == (7, 14)
    assert digests(drain(spool)) == digests(batches)
