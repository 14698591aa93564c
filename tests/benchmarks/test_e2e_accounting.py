"""The accounting of CPU."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.e2e.accounting import (
    cpu_between,
    find_tree,
    parse_stat,
    read_command,
    read_cpu,
    read_resident_mb,
)


def test_parses_names_with_spaces_and_parentheses() -> None:
    """A process's name cannot shift the fields."""
    tail = " ".join(str(number) for number in range(20))
    assert parse_stat(f"12 (a) b (c)) S {tail}") == (0, 10, 11)


def test_new_processes_count_whole_and_gone_ones_not_at_all() -> None:
    """The difference of two readings takes in what began between them."""
    assert cpu_between({1: 2.0, 2: 5.0}, {1: 3.0, 3: 0.5}) == 1.5


def test_finds_children_and_reads_them() -> None:
    """The tree of a process holds its children; their figures can be read while they live."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(find_tree(os.getpid()))
        assert read_cpu([child.pid]).keys() == {child.pid}
        assert read_resident_mb(os.getpid()) > 1
        child.kill()
    assert read_cpu([child.pid]) == {}
    assert read_command(child.pid) == ""
