"""What tests of rate limits share: tables with a clock of their own, and a Valkey or Redis server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from limits.builders import Clock
from tzproxy.limits.table import BucketTable


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def table(tmp_path: Path, clock: Clock) -> Iterator[BucketTable]:
    """A new table."""
    made = BucketTable(tmp_path / "rate-limits.table", clock=clock, sets=8)
    yield made
    made.close_now()
