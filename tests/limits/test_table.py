"""Tests of `tzproxy.limits.table`: drawing, giving back, forgetting, and doing so in several processes."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limits.builders import Clock, bucket
from tzproxy.limits.table import WAYS, BucketTable

BUCKETS = [bucket("a", capacity=10, refill=4, seconds=10), bucket("b", capacity=100, refill=0)]


async def balance(table: BucketTable, of: object) -> int:
    """Return what a bucket holds."""
    found = await table.take([(of, 10**9)])  # type: ignore[list-item]
    assert found is not None
    return found[0]


async def test_all_or_none(table: BucketTable) -> None:
    """A bucket that holds too little keeps the others from being drawn from."""
    a, b = BUCKETS
    assert await table.take([(a, 4), (b, 40)]) is None
    assert await table.take([(a, 7), (b, 40)]) == [6, 60]
    assert await table.take([(a, 6), (b, 60)]) is None
    assert (await balance(table, a), await balance(table, b)) == (0, 0)


async def test_time_fills_it(table: BucketTable, clock: Clock) -> None:
    """By whole intervals, from the first draw on."""
    a = BUCKETS[0]
    await table.take([(a, 10)])
    for seconds, expected in [(9.9, 0), (0.2, 4), (9.7, 4), (0.2, 8), (1000, 10)]:
        clock.pass_seconds(seconds)
        assert await balance(table, a) == expected


async def test_corrections_go_below_zero_but_not_above_the_capacity(table: BucketTable, clock: Clock) -> None:
    """What was used is used; the refill pays for it."""
    a = BUCKETS[0]
    await table.take([(a, 4)])
    table.correct([(a, 12)])
    assert await balance(table, a) == -6
    assert await table.take([(a, 0)]) == [-6]
    clock.pass_seconds(20)
    assert await balance(table, a) == 2
    table.correct([(a, -100)])
    assert await balance(table, a) == 10


async def test_balances_outlive_the_process(tmp_path: Path, clock: Clock) -> None:
    """A gateway that is started again goes on counting."""
    first = BucketTable(tmp_path / "t", clock=clock)
    await first.take([(BUCKETS[0], 7)])
    await first.close()
    second = BucketTable(tmp_path / "t", clock=clock)
    assert await balance(second, BUCKETS[0]) == 3
    await second.close()


async def test_what_ends_after_the_table_keeps_its_reservation(tmp_path: Path, clock: Clock) -> None:
    """A stream that is broken off by the end of the process settles into nothing."""
    table = BucketTable(tmp_path / "t", clock=clock)
    await table.take([(BUCKETS[0], 7)])
    await table.close()
    table.correct([(BUCKETS[0], -7)])
    again = BucketTable(tmp_path / "t", clock=clock)
    assert await balance(again, BUCKETS[0]) == 3
    await again.close()


async def test_a_smaller_capacity_counts_at_once(table: BucketTable) -> None:
    """A changed configuration is obeyed."""
    await table.take([(bucket("a", capacity=10), 2)])
    assert await balance(table, bucket("a", capacity=5)) == 5


async def test_full_buckets_make_room(tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """A set of slots serves any number of buckets, as long as not too many are in use at once."""
    table = BucketTable(tmp_path / "t", clock=clock, sets=1)
    with caplog.at_level(logging.WARNING):
        for number in range(3 * WAYS):
            used = bucket(str(number), capacity=1, refill=1, seconds=10)
            assert await table.take([(used, 1)]) is None
            assert await table.take([(used, 1)]) == [0]
            clock.pass_seconds(1)
    assert caplog.records == []
    await table.close()


async def test_the_fullest_is_forgotten_when_there_is_no_room(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator is told, once."""
    table = BucketTable(tmp_path / "t", clock=clock, sets=1)
    used = [bucket(str(number), capacity=1, refill=1, seconds=100 + number) for number in range(WAYS + 2)]
    with caplog.at_level(logging.WARNING):
        for each in used:
            assert await table.take([(each, 1)]) is None
    assert [record.message[:44] for record in caplog.records] == [
        "more rate limit buckets are in use than the "
    ]
    left = [await table.take([(each, 1)]) for each in reversed(used)]
    assert left == [[0]] * WAYS + [None, None]
    await table.close()


async def test_a_hundred_at_once(table: BucketTable) -> None:
    """Of a hundred that want one of ten, ten get it."""
    taken = await asyncio.gather(*(table.take([(BUCKETS[0], 1)]) for _ in range(100)))
    assert taken.count(None) == 10


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.sampled_from([0, 3, 10, 25])
        ),
        max_size=30,
    )
)
async def test_nothing_is_lost_and_nothing_appears(
    tmp_path: Path, steps: list[tuple[int, int, int, int]]
) -> None:
    """Balances are what a model of one bucket says: reserve, settle, wait; never above the capacity."""
    clock = Clock()
    path = tmp_path / "model"
    path.unlink(missing_ok=True)
    table = BucketTable(path, clock=clock, sets=1)
    a, b = BUCKETS
    expected, endless, since = 10, 100, clock.now_us
    for reserved, used, elsewhere, seconds in steps:
        clock.pass_seconds(seconds)
        intervals = (clock.now_us - since) // a.limit.interval_us
        expected = min(10, expected + 4 * intervals)
        since = clock.now_us if expected == 10 else since + intervals * a.limit.interval_us
        answer = await table.take([(a, reserved), (b, elsewhere)])
        if reserved > expected or elsewhere > endless:
            assert answer == [expected, endless]
            continue
        assert answer is None
        table.correct([(a, used - reserved)])
        expected = min(10, expected - used)
        endless -= elsewhere
    assert await balance(table, a) == expected
    assert await balance(table, b) == endless
    await table.close()


WORKER = """
import asyncio, sys
from pathlib import Path
from tzproxy.limits.bucket import Limit
from tzproxy.limits.rules import Bucket
from tzproxy.limits.table import BucketTable

async def main():
    table = BucketTable(Path(sys.argv[1]))
    buckets = [Bucket(name, "token", Limit(1000, 0, 1), "") for name in (b"x", b"y")]
    print("ready", flush=True)
    sys.stdin.readline()
    taken = 0
    for _ in range(1000):
        taken += await table.take([(bucket, 1) for bucket in buckets]) is None
    print(taken)

asyncio.run(main())
"""


def test_processes_share_a_bucket(tmp_path: Path) -> None:
    """Four of them that want a thousand each get a thousand together."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "t")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    taken = [int(worker.communicate(timeout=60)[0]) for worker in workers]
    assert sum(taken) == 1000


HOLDER = """
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    """The kernel takes the lock from the dead."""
    table = BucketTable(tmp_path / "t")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "t")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    assert asyncio.run(table.take([(BUCKETS[0], 1)])) is None
    table.close_now()
