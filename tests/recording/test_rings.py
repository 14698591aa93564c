"""Ring files: made whole, held by one, retired when they must not go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy._speedups.ring import HEADER_BYTES, RingCorruptError
from tzproxy.recording import rings
from tzproxy.recording.rings import (
    RingBusyError,
    is_held,
    open_consumer,
    open_producer,
    open_worker_ring,
    read_boot_id,
)

ALL = 1 << 40


def test_new_ring_is_private_and_has_its_disk_space(tmp_path: Path) -> None:
    """The file is the owner's alone, of full size, and really allocated."""
    ring = open_producer(tmp_path / "rings" / "worker-0.ring", 100_001)
    status = ring.path.stat()
    assert (status.st_mode & 0o777, status.st_size) == (0o600, HEADER_BYTES + 100_008)
    assert status.st_blocks * 512 >= status.st_size
    assert (tmp_path / "rings").stat().st_mode & 0o777 == 0o700
    ring.close()


def test_ring_is_held_by_one_and_goes_on_after_it(tmp_path: Path) -> None:
    """While a producer lives nobody else may write; its successor continues behind its records."""
    path = tmp_path / "worker-0.ring"
    first = open_producer(path, 4096)
    end = first.producer.append([(0, b"first")])
    assert is_held(path)
    with pytest.raises(RingBusyError):
        open_producer(path, 4096)
    ring_id = first.producer.ring_id
    first.close()
    first.close()
    assert not is_held(path)
    second = open_producer(path, 4096)
    assert second.producer.ring_id == ring_id
    assert second.producer.cursor == end
    second.producer.append([(0, b"second")])
    assert open_consumer(path).peek(0, 0, ALL, ALL)[2] == {0: (2, b"first\nsecond")}
    second.close()
    assert not is_held(tmp_path / "none.ring")


def test_workers_take_the_first_free_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Living workers have rings of their own; a dead one's ring is taken over; the number has a limit."""
    monkeypatch.setattr(rings, "MAX_WORKERS", 3)
    held = [open_worker_ring(tmp_path, 4096) for _ in range(3)]
    assert [ring.path.name for ring in held] == ["worker-0.ring", "worker-1.ring", "worker-2.ring"]
    with pytest.raises(RingBusyError):
        open_worker_ring(tmp_path, 4096)
    held[1].close()
    held[1] = open_worker_ring(tmp_path, 4096)
    assert held[1].path.name == "worker-1.ring"
    for ring in held:
        ring.close()


def test_other_capacity_retires_the_ring(tmp_path: Path) -> None:
    """A changed capacity makes a new ring; the old one keeps its records under another name."""
    path = tmp_path / "worker-0.ring"
    old = open_producer(path, 4096)
    old.producer.append([(1, b"kept")])
    old_id = old.producer.ring_id
    old.close()
    new = open_producer(path, 8192)
    assert new.producer.ring_id != old_id
    retired = tmp_path / f"worker-0.{old_id.hex()}.retired.ring"
    assert open_consumer(retired).peek(0, 0, ALL, ALL)[2] == {1: (1, b"kept")}
    new.close()


def test_reboot_retires_the_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reboot positions are never used again: the ring gets a new id."""
    path = tmp_path / "worker-0.ring"
    old = open_producer(path, 4096)
    old_id = old.producer.ring_id
    old.close()
    assert len(read_boot_id()) == 16
    monkeypatch.setattr(rings, "read_boot_id", lambda: b"another boot id!")
    new = open_producer(path, 4096)
    assert new.producer.ring_id != old_id
    assert len(list(tmp_path.glob("*.retired.ring"))) == 1
    new.close()


@pytest.mark.parametrize("content", [b"", b"not a ring", b"x" * (HEADER_BYTES + 4096)])
def test_damaged_file_is_set_aside(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is no ring is kept under another name, loudly, and a new ring is made."""
    path = tmp_path / "worker-0.ring"
    path.write_bytes(content)
    ring = open_producer(path, 4096)
    assert ring.producer.append([(0, b"x")]) > 0
    aside = list(tmp_path.glob("*.bad-*"))
    assert [file.read_bytes() for file in aside] == [content]
    assert "set aside" in caplog.text
    ring.close()


def test_consumer_refuses_what_is_no_ring(tmp_path: Path) -> None:
    """Reading never trusts a file by its name."""
    path = tmp_path / "worker-0.ring"
    path.write_bytes(b"short")
    with pytest.raises(RingCorruptError):
        open_consumer(path)


def test_failed_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without disk space there is an error now and no half-made file."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        open_producer(tmp_path / "worker-0.ring", 4096)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
