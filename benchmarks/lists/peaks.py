"""Peaks of resident memory, from the operating system (`/proc`)."""

from __future__ import annotations

import re
from pathlib import Path

_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def reset_peak(pid: int) -> None:
    """Let the kernel forget a process's peak."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def read_peak_mb(pid: int) -> float:
    """Return the most memory that a process held since the last reset, in megabytes."""
    found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    return 0.0 if found is None else int(found[1]) * 1024 / 1e6


class Peaks:
    """Watches the processes of a gateway and of its store from now on."""

    def __init__(self, gateway: list[int], store: list[int]) -> None:
        self._gateway, self._store = gateway, store
        for pid in (*gateway, *store):
            reset_peak(pid)
        self._before = sum(map(read_peak_mb, gateway))

    def read(self) -> tuple[float, float]:
        """Return by how much the gateway grew, and what the store held, in megabytes."""
        grown = sum(map(read_peak_mb, self._gateway)) - self._before
        return grown, sum(map(read_peak_mb, self._store))
