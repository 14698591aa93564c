"""Where the workers of one gateway leave their figures: a file for each, and one for all the dead. Cold.

A worker's file outlives it, so that no counter falls; the next worker that starts adds it to the sum of the
dead and removes it. So there are never more files than a few for each worker that lives.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from tzproxy.inference.metrics import GatewayMetrics, MetricsState

SUFFIX = ".metrics"
DEAD = "dead"
LOCK = "lock"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(MetricsState)


class DeadFigures(Struct, frozen=True, array_like=True):
    """The sum over dead workers. `files`: those it holds already, should they not be removed yet."""

    files: list[str]
    figures: MetricsState


_DEAD_DECODER = msgspec.msgpack.Decoder(DeadFigures)


class MetricsFolder:
    """One worker's view of the folder."""

    def __init__(self, folder: Path) -> None:
        """Use a folder that the workers of this gateway, and nobody else, write to."""
        self._folder = folder
        self._own = folder / f"{os.getpid()}-{uuid.uuid4().hex}{SUFFIX}"
        self._last = b""

    def leave(self, figures: MetricsState) -> None:
        """Leave this worker's figures for the others, if they have changed.

        Raises:
            OSError: when they cannot be written; the next call tries again.
        """
        data = _ENCODER.encode(figures)
        if data == self._last:
            return
        _replace(self._own, data)
        self._last = data

    def others(self) -> list[MetricsState]:
        """Return the figures of all other workers, living and dead.

        Raises:
            OSError: when they cannot be read.
        """
        with self._locked(fcntl.LOCK_SH):
            dead = self._dead()
            files = [file for file in self._files() if file.name not in dead.files]
            return [dead.figures, *(_DECODER.decode(file.read_bytes()) for file in files)]

    def fold(self, total: GatewayMetrics) -> None:
        """Put the figures of all workers that have died into one file.

        Args:
            total: without figures yet; takes the sum.

        Raises:
            OSError: when that cannot be done; the sum of all is then the same as before.
        """
        with self._locked(fcntl.LOCK_EX):
            dead = self._dead()
            files = [file for file in self._files() if not _is_alive(file)]
            total.add(dead.figures)
            for file in files:
                if file.name not in dead.files:
                    total.add(_DECODER.decode(file.read_bytes()))
            if files:
                now = DeadFigures([file.name for file in files], total.state())
                _replace(self._folder / DEAD, _ENCODER.encode(now))
            for file in files:
                file.unlink()

    def _files(self) -> list[Path]:
        return sorted(file for file in self._folder.glob(f"*{SUFFIX}") if file != self._own)

    def _dead(self) -> DeadFigures:
        try:
            data = (self._folder / DEAD).read_bytes()
        except FileNotFoundError:
            return DeadFigures([], MetricsState([], []))
        return _DEAD_DECODER.decode(data)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)


def _replace(file: Path, data: bytes) -> None:
    part = file.with_suffix(".part")
    part.write_bytes(data)
    os.replace(part, file)


def _is_alive(file: Path) -> bool:
    try:
        os.kill(int(file.name.partition("-")[0]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's process has taken the number: the file stays one of those that are added up.
        return True
    return True
