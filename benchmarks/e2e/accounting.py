"""CPU time and memory of processes, from the operating system (`/proc`)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def parse_stat(text: str) -> tuple[int, int, int]:
    """Return parent pid, utime and stime (in clock ticks) of a line of `/proc/<pid>/stat`."""
    # The command's name is in parentheses and may hold anything, so count from the last one.
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), int(fields[11]), int(fields[12])


def read_cpu_s(pid: int) -> float:
    """Return user and system time that a process has used, all its threads included, in seconds.

    Raises: ProcessLookupError when it is gone.
    """
    try:
        _, user, system = parse_stat(Path(f"/proc/{pid}/stat").read_text())
    except FileNotFoundError as exc:
        raise ProcessLookupError(pid) from exc
    return (user + system) / _TICKS


def read_threads(pid: int) -> dict[int, tuple[str, float]]:
    """Return name and CPU seconds of each thread of a process."""
    found: dict[int, tuple[str, float]] = {}
    for entry in Path(f"/proc/{pid}/task").iterdir():
        try:
            text = (entry / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        _, user, system = parse_stat(text)
        found[int(entry.name)] = (text[text.index("(") + 1 : text.rindex(")")], (user + system) / _TICKS)
    return found


def read_cpu(pids: Iterable[int]) -> dict[int, float]:
    """Return the CPU seconds of each process that still exists."""
    found: dict[int, float] = {}
    for pid in pids:
        try:
            found[pid] = read_cpu_s(pid)
        except ProcessLookupError:
            continue
    return found


def cpu_between(before: dict[int, float], after: dict[int, float]) -> float:
    """Sum what each process used between two readings; a process that began in between counts whole."""
    return sum(cpu_s - before.get(pid, 0.0) for pid, cpu_s in after.items())


def find_tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = parse_stat((entry / "stat").read_text())[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def read_command(pid: int) -> str:
    """Return a process's command line; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def read_resident_mb(pid: int) -> float:
    """Return a process's resident memory in megabytes; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
