"""The file behind the table of buckets: made, checked and mapped when a worker starts. Cold."""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
from pathlib import Path

from tzproxy.errors import TzproxyError

MAGIC = 0x31_74_69_6D_69_6C_7A_74  # "tzlimit1"
SECRET_BYTES = 32
WORD_BYTES = 8
HEADER_WORDS = 512


class TableDamagedError(TzproxyError):
    """The file is no table, or one of another version."""

    code = "rate_limit_table"


class TableFile:
    """A mapped file of 64-bit words behind a header. `fd` is for locking it."""

    __slots__ = ("_map", "fd", "secret", "words")

    def __init__(self, path: Path, size_words: int) -> None:
        """Map the file, and make it if it is not there.

        Raises:
            OSError: when it cannot be made or mapped.
            TableDamagedError: when it is something else.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._open(path, WORD_BYTES * size_words)
        except BaseException:
            os.close(self.fd)
            raise

    def _open(self, path: Path, size_bytes: int) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        try:
            # Not sparse: a full disk must be an error here, not a signal when a slot is first written.
            os.posix_fallocate(self.fd, 0, size_bytes)
            self._map = mmap.mmap(self.fd, size_bytes)
            self.words = memoryview(self._map).cast("q")
            if self.words[0] == 0:
                self._map[WORD_BYTES : WORD_BYTES + SECRET_BYTES] = secrets.token_bytes(SECRET_BYTES)
                self.words[0] = MAGIC
            elif self.words[0] != MAGIC:
                self._unmap()
                raise TableDamagedError(f"{path} is no table of rate limits; delete it to begin anew")
            self.secret = self._map[WORD_BYTES : WORD_BYTES + SECRET_BYTES]
        finally:
            fcntl.flock(self.fd, fcntl.LOCK_UN)

    def _unmap(self) -> None:
        self.words.release()
        self._map.close()

    def close(self) -> None:
        """Let go of it; what was written stays."""
        self._unmap()
        os.close(self.fd)
