"""Owns the files of an embedded store's directory: the lock, the URL file, the engine's data. Not hot.

DIR/clickhouse/       the engine's tables
DIR/clickhouse.url    how to connect; readable by the owner alone
DIR/clickhouse.lock   held by the process that has the directory open
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO, Final

import msgspec

from tzproxy.clickhouse.url import parse_clickhouse_url
from tzproxy.errors import ConfigError, StoreError

STORE_USER: Final = "tzproxy"
STORE_DATABASE: Final = "tensorzero"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the store of one directory. Its repr hides the password."""

    port: int
    """Port on the loopback interface; 0 while none is known."""
    password: str
    """The generated password."""

    def __repr__(self) -> str:
        return f"Access(port={self.port})"

    @property
    def url(self) -> str:
        """The URL any ClickHouse client takes, password included."""
        return f"http://{STORE_USER}:{self.password}@127.0.0.1:{self.port}/{STORE_DATABASE}"


class Place:
    """The directory of one store."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir: Final = data_dir
        self._lock: IO[str] | None = None

    @property
    def engine_dir(self) -> Path:
        """Where the engine keeps its tables."""
        return self.data_dir / "clickhouse"

    @property
    def url_file(self) -> Path:
        """The file that holds the URL."""
        return self.data_dir / "clickhouse.url"

    def lock(self) -> None:
        """Claim the directory for this process until it ends, however it ends.

        Raises:
            StoreError: Another process has it, or it cannot be written.
        """
        path = self.data_dir / "clickhouse.lock"
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = open(path, "a+", encoding="ascii")
        except OSError as exc:
            raise StoreError(f"The data directory {self.data_dir} cannot be used: {exc.strerror}.") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            lock.seek(0)
            holder = lock.read(20).strip() or "unknown"
            lock.close()
            raise StoreError(
                f"The data directory {self.data_dir} is in use by another process (pid {holder}): one "
                "embedded store per directory. Stop that process or choose another directory."
            ) from exc
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def unlock(self) -> None:
        """Give the claim up."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def read_access(self) -> Access | None:
        """The access that the URL file holds, from this run or an earlier one; None without a usable file."""
        try:
            url = parse_clickhouse_url(self.url_file.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError, ConfigError):
            return None
        return Access(port=url.port, password=url.password) if url.password else None

    def write_access(self, access: Access) -> None:
        """Put the URL file in place: at once, whole, and for the owner's eyes only."""
        draft = self.url_file.with_suffix(".url.new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(access.url)
        os.replace(draft, self.url_file)


def new_password() -> str:
    """A password that needs no escaping in a URL."""
    return secrets.token_urlsafe(24)
