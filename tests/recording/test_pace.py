"""When the recorder acts, over a clock that the test turns."""

from __future__ import annotations

from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.pace import Pace, Throttle


def pace_of(**options: object) -> Pace:
    """A pace that starts at 0."""
    return Pace(RecorderOptions(data_dir="/nowhere", **options), 0.0)  # type: ignore[arg-type]


def flushes(pace: Pace, *, every_s: float, until_s: float) -> list[float]:
    """Rows arrive all the time; when do batches go out?"""
    times = []
    for tick in range(int(until_s / every_s)):
        now = tick * every_s
        if pace.is_due(now, 1, 100):
            pace.spend(now)
            times.append(now)
    return times


def test_first_rows_go_out_at_once_and_a_steady_trickle_once_per_interval() -> None:
    """Sustained, there is one batch per interval, whatever came first."""
    times = flushes(pace_of(burst=3, flush_interval_ms=1000), every_s=0.01, until_s=10)
    assert times[:3] == [0.0, 0.01, 0.02]
    assert len(times) in (12, 13)
    assert all(0.95 < after - before < 1.05 for before, after in zip(times[3:], times[4:], strict=False))


def test_quiet_time_restores_the_burst() -> None:
    """After rest the next rows go out at once again, but never more than the burst."""
    pace = pace_of(burst=2, flush_interval_ms=1000)
    assert len(flushes(pace, every_s=0.01, until_s=0.1)) == 2
    assert pace.is_due(100.0, 1, 1)
    pace.spend(100.0)
    assert pace.is_due(100.01, 1, 1)
    pace.spend(100.01)
    assert not pace.is_due(100.02, 1, 1)


def test_full_batch_does_not_wait() -> None:
    """Enough rows or bytes are due whatever the interval says; nothing is never due."""
    pace = pace_of(burst=1, flush_interval_ms=10_000, max_rows=10, max_batch_bytes=1000)
    pace.spend(0.0)
    assert not pace.is_due(0.0, 9, 999)
    assert pace.is_due(0.0, 10, 10)
    assert pace.is_due(0.0, 1, 1000)
    assert not pace.is_due(1e9, 0, 0)


def test_synchronous_mode_never_waits_and_polls_fast_while_busy() -> None:
    """Somebody waits for every row, so each is due; polling slows down when nothing comes."""
    pace = pace_of(flush_at_once=True)
    for _ in range(20):
        assert pace.is_due(5.0, 1, 1)
        pace.spend(5.0)
    assert pace.delay_s(5.0, busy=False, waiting=0) <= 0.002
    assert pace.delay_s(9.0, busy=False, waiting=0) == 0.010


def test_polling_is_slow_otherwise_and_stops_for_full_batches() -> None:
    """Without hurry 40 looks a second; with a full batch waiting the next step follows at once."""
    pace = pace_of(max_rows=10)
    assert pace.delay_s(0.0, busy=False, waiting=0) == 0.025
    assert pace.delay_s(0.0, busy=False, waiting=10) == 0.0
    assert pace.delay_s(0.0, busy=True, waiting=10) == 0.025
    pace.missed(0.0)
    assert pace.delay_s(0.0, busy=False, waiting=10) == 0.025


def test_retries_back_off_and_recover() -> None:
    """Each miss doubles the pause up to the limit; an answer forgets them."""
    pace = pace_of(longest_retry_ms=300)
    now, pauses = 0.0, []
    for _ in range(5):
        pace.missed(now)
        pace.missed(now)
        assert pace.is_away
        assert not pace.may_try(now)
        pause = next(step for step in range(1, 1000) if pace.may_try(now + step / 1000))
        pauses.append(pause)
        now += pause / 1000
    assert pauses[0] in (50, 51)
    assert pauses[-1] in (300, 301)
    assert pace.misses == 5
    pace.try_now()
    assert (pace.is_away, pace.misses, pace.may_try(now)) == (True, 0, True)
    pace.found()
    assert not pace.is_away


def test_throttle() -> None:
    """One message per interval passes."""
    throttle = Throttle(1.0)
    assert [throttle.passes(now) for now in (0.0, 0.5, 0.99, 1.0, 1.5, 5.0)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
