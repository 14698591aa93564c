"""When the recorder acts, over a clock that the test turns."""

from __future__ import annotations

from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.pace import Load, Pace, Throttle

NOTHING = Load(0, 0, 0.0)


def pace_of(**options: object) -> Pace:
    """A pace that starts at 0."""
    return Pace(RecorderOptions(data_dir="/nowhere", **options), 0.0)  # type: ignore[arg-type]


def flushes(pace: Pace, *, rows_per_s: float, until_s: float, from_s: float = 0.0) -> list[float]:
    """Rows arrive steadily and the recorder looks every 10 ms; when do batches go out?"""
    times = []
    sent = 0
    for tick in range(1, int(until_s * 100) + 1):
        now = from_s + tick / 100
        waiting = int(rows_per_s * tick / 100) - sent
        if pace.is_due(now, Load(waiting, waiting * 100, 0.0)):
            pace.spend(now, waiting)
            sent += waiting
            times.append(now)
    return times


def test_first_rows_go_out_at_once_and_a_steady_trickle_once_per_interval() -> None:
    """Sustained, there is one batch per interval, whatever came first."""
    times = flushes(pace_of(burst=3, flush_interval_ms=1000), rows_per_s=40, until_s=10)
    assert times[0] == 0.03
    assert times[2] < 0.2
    assert len(times) in (12, 13)
    assert all(0.95 < after - before < 1.05 for before, after in zip(times[3:], times[4:], strict=False))


def test_quiet_time_restores_the_burst() -> None:
    """After rest the next rows go out at once again, but never more than the burst."""
    pace = pace_of(burst=2, flush_interval_ms=1000)
    assert len(flushes(pace, rows_per_s=100, until_s=0.3)) == 2
    times = flushes(pace, rows_per_s=20, until_s=1.0, from_s=100.0)
    assert times[:2] == [100.05, 100.1]
    assert len(times) == 2


def test_a_row_now_and_then_never_waits() -> None:
    """Requests one after the other are visible at once, each after the shortest of pauses."""
    pace = pace_of()
    for now in (0.0, 0.06, 0.3, 0.5, 1.5):
        assert pace.is_due(now, Load(2, 4000, 0.0))
        pace.spend(now, 2)
        assert not pace.is_due(now + 0.04, Load(1, 100, 0.0))


def test_steady_load_soon_makes_one_batch_per_interval() -> None:
    """Each batch costs the store the same, however small: the pauses grow before the burst is used up."""
    times = flushes(pace_of(), rows_per_s=1000, until_s=5)
    assert len([at for at in times if at <= 1]) <= 4
    assert all(0.99 < after - before < 1.02 for before, after in zip(times[3:], times[4:], strict=False))


def test_many_rows_at_once_delay_later_ones_but_little() -> None:
    """A pause is at most four times as long as the one before."""
    pace = pace_of()
    pace.spend(0.0, 500)
    assert not pace.is_due(0.19, Load(1, 100, 0.0))
    assert pace.is_due(0.21, Load(1, 100, 0.0))


def test_full_batch_does_not_wait() -> None:
    """Enough rows, bytes or a ring that fills are due whatever the pause says; nothing is never due."""
    pace = pace_of(burst=1, flush_interval_ms=10_000, max_rows=10, max_batch_bytes=1000)
    pace.spend(0.0, 1)
    assert not pace.is_due(0.0, Load(9, 999, 0.37))
    assert pace.is_due(0.0, Load(10, 10, 0.0))
    assert pace.is_due(0.0, Load(1, 1000, 0.0))
    assert pace.is_due(0.0, Load(1, 1, 0.38))
    assert not pace.is_due(1e9, Load(0, 0, 0.38))


def test_synchronous_mode_never_waits_and_polls_fast_while_busy() -> None:
    """Somebody waits for every row, so each is due; polling slows down when nothing comes."""
    pace = pace_of(flush_at_once=True)
    for _ in range(20):
        assert pace.is_due(5.0, Load(1, 1, 0.0))
        pace.spend(5.0, 1)
    assert pace.delay_s(5.0, NOTHING, busy=False) <= 0.002
    assert pace.delay_s(9.0, NOTHING, busy=False) == 0.010
    assert pace.delay_s(9.0, NOTHING, busy=True) == 0.025


def test_polling_is_slow_otherwise_and_stops_for_full_batches() -> None:
    """Without hurry 40 looks a second; with a full batch waiting the next step follows at once."""
    pace = pace_of(max_rows=10)
    full = Load(10, 1000, 0.5)
    assert pace.delay_s(0.0, NOTHING, busy=False) == 0.025
    assert pace.delay_s(0.0, full, busy=False) == 0.0
    assert pace.delay_s(0.0, full, busy=True) == 0.025
    pace.missed(0.0)
    assert pace.delay_s(0.0, full, busy=False) == 0.025


def test_looks_are_rare_while_a_pause_lasts_and_the_rings_are_empty() -> None:
    """Rows that are not due yet are left alone, in a ring that fills they are watched."""
    pace = pace_of(burst=1)
    assert pace.is_due(0.0, Load(1, 1, 0.0))
    pace.spend(0.0, 1)
    assert pace.delay_s(0.0, Load(5, 500, 0.1), busy=True) == 0.1
    assert pace.delay_s(0.0, Load(5, 500, 0.2), busy=True) == 0.025
    assert 0.039 < pace.delay_s(0.96, Load(5, 500, 0.1), busy=False) < 0.041
    assert pace.delay_s(2.0, Load(5, 500, 0.1), busy=False) == 0.025


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
