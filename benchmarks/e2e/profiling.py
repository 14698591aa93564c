"""Where a tzproxy worker spends its time under load: py-spy if it is there, else perf."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_RATE = 250
_TOP = 30
_OURS = re.compile(r"\(tzproxy/(?!cli/)")
_WAITS = ("syscall (libc", "epoll_pwait", "epoll_wait", "poll (libc", "futex", "select (libc", "nanosleep")
"""What a sleeping thread is in; `syscall` is how Rust's runtime waits for a futex."""


def find_profiler(wanted: str) -> str | None:
    """Return the path of the wanted profiler; `auto` takes py-spy, or else perf."""
    names = ("py-spy", "perf") if wanted == "auto" else (wanted,)
    for name in names:
        beside = Path(sys.executable).with_name(name)
        found = str(beside) if beside.exists() else shutil.which(name)
        if found:
            return found
    return None


def format_threads(
    before: dict[int, tuple[str, float]], after: dict[int, tuple[str, float]], answers: int
) -> str:
    """Format what each thread of the worker used a request; only this shows threads without Python frames."""
    used = sorted(
        ((cpu_s - before.get(tid, ("", 0.0))[1], name) for tid, (name, cpu_s) in after.items()), reverse=True
    )
    lines = [f"{1e6 * cpu_s / max(1, answers):8.1f}  {name}" for cpu_s, name in used if cpu_s > 0]
    return "== threads, us of CPU a request (the profiler slows it down)\n" + "\n".join(lines)


def start_profiler(profiler: str, pid: int, output: Path, duration_s: int) -> subprocess.Popen[bytes]:
    """Start to record a process for some seconds."""
    if Path(profiler).name == "perf":
        command = [profiler, "record", "-F", str(_RATE), "-p", str(pid), "-o", str(output)]
        command += ["--", "sleep", str(duration_s)]
    else:
        command = [profiler, "record", "--pid", str(pid), "--duration", str(duration_s), "--rate", str(_RATE)]
        command += ["--native", "--format", "raw", "--output", str(output)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def format_profile(profiler: str, output: Path) -> str:
    """Format what was recorded."""
    if Path(profiler).name == "perf":
        command = [profiler, "report", "--stdio", "--no-children", "-g", "none", "-i", str(output)]
        command += ["--sort", "comm,dso,symbol", "--percent-limit", "0.5"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return summarize_stacks(output.read_text().splitlines())


def summarize_stacks(lines: Iterable[str]) -> str:
    """Summarise collapsed stacks (`outer;inner COUNT` a line): time in each frame itself, and below it.

    The second list holds the gateway's own functions only: start-up frames are below everything.
    """
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    total = idle = 0
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if not stack or not count.isdigit():
            continue
        frames = stack.split(";")
        if frames[-1].startswith(_WAITS):
            idle += int(count)
            continue
        total += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            below[frame] += int(count)
    if not total:
        return "nothing was recorded"
    parts = [f"{total} busy samples at {_RATE} Hz, {idle} of waiting threads left out"]
    for title, counter in (("in the frame itself", own), ("in the frame and below", below)):
        parts.append(f"\n== {title}, % of samples")
        shown = [entry for entry in counter.most_common() if counter is own or _OURS.search(entry[0])]
        parts += [f"{100 * count / total:6.1f}  {frame}" for frame, count in shown[:_TOP]]
    return "\n".join(parts)
