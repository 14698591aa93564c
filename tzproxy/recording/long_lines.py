"""Rows that are too long for a ring lie in files beside it; in the ring stands only where. Not hot.

Owns `rings/lines/`. A worker writes a file before the mark that names it goes into the ring, and the recorder
deletes it after the row is committed as stored: a death between the two leaves a file that nobody names,
which is swept away once nothing waits.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from tzproxy.recording.batch import MARK, Batch

LOGGER = logging.getLogger(__name__)

QUOTA_BYTES = 1024 * 1024 * 1024
#: Rows up to this size stay in the ring.
SHORT_BYTES = 4096
_ORPHAN_AFTER_S = 60.0
TableId = TypeVar("TableId", bound=int)


class LongLines:
    """The files of one directory of rings."""

    def __init__(self, rings_dir: Path, *, quota_bytes: int = QUOTA_BYTES) -> None:
        self._directory = rings_dir / "lines"
        self._quota_bytes = quota_bytes

    def put_aside(self, rows: Sequence[tuple[TableId, bytes]]) -> list[tuple[TableId, bytes]]:
        """Write each long row into a file; return the rows with marks in their place.

        Raises: OSError if the disk or the quota has no room; then no file is left.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        added = sum(len(line) for _, line in rows if len(line) > SHORT_BYTES)
        if self._used_bytes() + added > self._quota_bytes:
            raise OSError(f"{self._directory} has reached its quota")
        marked: list[tuple[TableId, bytes]] = []
        try:
            for table, line in rows:
                marked.append((table, line if len(line) <= SHORT_BYTES else self._write(line)))
        except OSError:
            self.take_back(marked)
            raise
        return marked

    def take_back(self, marked: Sequence[tuple[TableId, bytes]]) -> None:
        """Delete the files of rows that found no room in the ring either."""
        self._delete([line for _, line in marked])

    def expanded(self, lines: bytes) -> bytes:
        """Return rows, joined by line feeds, with what their marks name.

        A mark whose file is gone or empty (after a power failure) stays: the store refuses it, and the row is
        counted as such.
        """
        if MARK not in lines:
            return lines
        return b"\n".join([self._read(line) if _is_mark(line) else line for line in lines.split(b"\n")])

    def forget(self, batch: Batch) -> None:
        """Delete the files of a batch that is done with."""
        for _, lines in batch.tables.values():
            if MARK in lines:
                self._delete(lines.split(b"\n"))

    def sweep(self) -> None:
        """Delete files that no row names. To be called when no row waits."""
        if not self._directory.is_dir():
            return
        for path in self._directory.iterdir():
            try:
                # A younger one may be about to be named.
                if time.time() - path.stat().st_mtime > _ORPHAN_AFTER_S:
                    path.unlink()
            except FileNotFoundError:
                continue

    def _used_bytes(self) -> int:
        used = 0
        for entry in os.scandir(self._directory):
            try:
                used += entry.stat().st_size
            except FileNotFoundError:  # stored and deleted by the recorder at this moment
                continue
        return used

    def _write(self, line: bytes) -> bytes:
        name = uuid.uuid4().hex
        path = self._directory / name
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as file:
                file.write(line.replace(b"\n", b" "))
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return MARK + name.encode()

    def _read(self, mark: bytes) -> bytes:
        path = self._path(mark)
        try:
            return path.read_bytes() or mark
        except FileNotFoundError:
            LOGGER.error("%s is gone: the row that it held cannot be stored", path)
            return mark

    def _delete(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            if _is_mark(line):
                self._path(line).unlink(missing_ok=True)

    def _path(self, mark: bytes) -> Path:
        return self._directory / mark[len(MARK) :].decode()


def _is_mark(line: bytes) -> bool:
    return line.startswith(MARK)
