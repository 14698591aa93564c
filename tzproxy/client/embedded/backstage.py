"""The processes beside embedded gateways: embedded store and recorder. Gateways of one process share them.

Programs in the same folder share a data directory. The first one runs its store and its recorder; others use
both, and take over when the first one ends. Rings and spool are apart for each store, as rows must be.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded.place import Place
from tzproxy.config import LoadedConfig, Secret
from tzproxy.errors import StoreError
from tzproxy.recording.counters import read_counters
from tzproxy.services.children import STORE_START_S, Children
from tzproxy.services.observing import Observing, recorder_options

logger = logging.getLogger(__name__)
LOOK_INTERVAL_S = 0.5
LAST_ROWS_S = 15.0
LAST_LOOK_S = 0.05
LOG_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s tzproxy recorder: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}
"""The recorder of a program says nothing on its terminal unless something is wrong."""


class Backstage:
    """Store and recorder of one data directory; or those of another process that got there first."""

    def __init__(self, data_dir: Path, loaded: LoadedConfig, mode: Observing) -> None:
        """Start what nobody runs yet.

        Raises:
            StoreError: when the store cannot be started, and nobody runs one.
        """
        self._data_dir = data_dir
        self._is_external = mode.url is not None
        self._has_store = self._is_external
        place = data_dir / "clients" / _name_of(mode.url)
        self._store_role = _Role(data_dir / "clients" / "store.lock")
        self._recorder_role = _Role(place / "client.lock")
        self._children = Children()
        self._ending = threading.Event()
        self._watch: threading.Thread | None = None
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.store_url = mode.url.reveal() if mode.url is not None else self._find_store()
            self.options = replace(
                recorder_options(loaded, place, self.store_url, mode), log_config=LOG_CONFIG
            )
            self._has_recorder = self._start_recorder()
        except BaseException:
            self._children.__exit__(None, None, None)
            self.forget()
            raise
        if not (self._has_store and self._has_recorder):
            self._watch = threading.Thread(target=self._take_over, name="tzproxy-backstage", daemon=True)
            self._watch.start()

    def _find_store(self) -> str:
        """Start the store of the directory, or wait until the one that another process starts there answers.

        Raises:
            StoreError: when it cannot be started, or does not answer in time.
        """
        deadline = time.monotonic() + STORE_START_S
        while True:
            if self._store_role.take() and _is_free(self._data_dir / "clickhouse.lock"):
                url = self._children.start_store(self._data_dir)
                self._has_store = True
                return url
            access = Place(self._data_dir).read_access()
            if access is not None and _answers(access.url):
                return access.url
            if time.monotonic() > deadline:
                raise StoreError(f"The store of {self._data_dir} is another process's, and does not answer.")
            time.sleep(LAST_LOOK_S)

    def _start_recorder(self) -> bool:
        rings = self.options.rings_path
        rings.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = Path(self.options.data_dir) / "recorder.lock"
        # That of a program that was killed may still be at work.
        if not self._recorder_role.take() or not _is_free(lock):
            return False
        self._children.start_recorder(self.options)
        return True

    def _take_over(self) -> None:
        while not self._ending.wait(LOOK_INTERVAL_S) and not (self._has_store and self._has_recorder):
            self._look()

    def _look(self) -> None:
        """Start what nobody runs any more."""
        try:
            if not self._has_store:
                # At the same port, with the same password: clients of the old one find the new one.
                self._find_store()
            if not self._has_recorder:
                self._has_recorder = self._start_recorder()
        except (StoreError, OSError) as exc:
            logger.warning("cannot take store or recorder over yet: %s", exc)

    def wait_settled(self) -> None:
        """Return once everything that is needed runs here."""
        if self._watch is not None:
            self._watch.join()

    def close(self) -> None:
        """End what was started here: the recorder stores what is left, then the store ends.

        Where another process runs the recorder, wait for that one to store it; where it has ended, take over.
        """
        self._ending.set()
        self.wait_settled()
        deadline = time.monotonic() + LAST_ROWS_S
        while self._is_waited_for() and time.monotonic() < deadline:
            self._look()
            if not self._has_recorder:
                time.sleep(LAST_LOOK_S)
        self._children.__exit__(None, None, None)
        self.forget()

    def forget(self) -> None:
        """Let go of what a fork has copied: the roles are the parent's."""
        self._store_role.give_up()
        self._recorder_role.give_up()

    def _is_waited_for(self) -> bool:
        """Whether rows wait for a recorder that another process runs, or ran."""
        return not self._has_recorder and read_counters(Path(self.options.data_dir)).pending > 0


class Backstages:
    """Those of this process, and how many gateways use each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[tuple[str, str], tuple[Backstage, int]] = {}

    def enter(self, data_dir: Path, loaded: LoadedConfig, mode: Observing) -> Backstage:
        """Return the one for a directory and a store. Raises as `Backstage`."""
        key = _key(data_dir, mode)
        with self._lock:
            found, users = self._used.get(key, (None, 0))
            backstage = found or Backstage(data_dir, loaded, mode)
            self._used[key] = (backstage, users + 1)
            return backstage

    def leave(self, backstage: Backstage) -> None:
        """Say that a gateway does not use it any more; the last one ends it."""
        with self._lock:
            key = next((key for key, (one, _) in self._used.items() if one is backstage), None)
            if key is None:
                return
            users = self._used[key][1] - 1
            if users:
                self._used[key] = (backstage, users)
                return
            del self._used[key]
            backstage.close()

    def forget(self) -> None:
        """Forget all: in a process made by a fork they are the parent's."""
        for backstage, _ in self._used.values():
            backstage.forget()
        self._lock = threading.Lock()
        self._used = {}


BACKSTAGES = Backstages()
os.register_at_fork(after_in_child=BACKSTAGES.forget)


def _key(data_dir: Path, mode: Observing) -> tuple[str, str]:
    return str(data_dir), "" if mode.url is None else mode.url.reveal()


def _name_of(url: Secret | None) -> str:
    return "embedded" if url is None else hashlib.sha256(url.reveal().encode()).hexdigest()[:16]


class _Role:
    """What one process of several does for all, until it ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def take(self) -> bool:
        """Take it, unless another process has it; say whether it is this one's."""
        if self._fd >= 0:
            return True
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def give_up(self) -> None:
        """Leave it to others."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _answers(url: str) -> bool:
    client = StoreClient(url, connect_timeout_s=1.0, timeout_s=5.0)
    try:
        client.ping(timeout_s=0.5)
    except StoreError:
        return False
    finally:
        client.close()
    return True


def _is_free(lock: Path) -> bool:
    """Whether no living process holds this lock."""
    role = _Role(lock)
    is_free = role.take()
    role.give_up()
    return is_free
