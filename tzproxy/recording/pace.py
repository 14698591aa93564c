"""When the recorder acts: batching, polling, retries. Pure arithmetic over a clock that the caller reads."""

from __future__ import annotations

import msgspec

from tzproxy.recording.options import RecorderOptions

_IDLE_POLL_S = 0.025
#: While rows wait for their pause to end and the rings are as empty as this, there is nothing to look at.
_CALM_POLL_S = 0.1
_CALM_FILL = 0.125
_SYNC_POLL_S = 0.002
_SYNC_IDLE_POLL_S = 0.010
_SYNC_AWAKE_S = 1.0
_FIRST_RETRY_S = 0.05
#: What a batch costs the store hardly depends on its rows: ten new parts, and their merges. So after one with
#: many rows, which more will follow, the pause is long; but never much longer than the one before, so that
#: a few requests at the same time do not delay what comes after them.
_PAUSE_PER_ROW_S = 0.02
_LEAST_PAUSE_S = 0.05
_PAUSE_GROWTH = 4
#: A ring fuller than this does not wait for a pause to end. A large batch is cheaper for each row, but while
#: it is stored its rows still fill the ring, and new ones come.
_RIPE_FILL = 0.375


class Load(msgspec.Struct, frozen=True):
    """What waits in the rings."""

    rows: int
    size_bytes: int
    #: How full the fullest ring is, 0 to 1; rows under way are still in it.
    fill: float


class Pace:
    """A pause after each batch, and a bucket of batches: full after a quiet time, one more per interval.

    A row that comes after a quiet time goes out at once. Under a steady load of more than 50 rows a second
    the pause grows to the interval; below that the bucket alone holds batches back.
    """

    def __init__(self, options: RecorderOptions, now: float) -> None:
        self._options = options
        self._interval_s = options.flush_interval_ms / 1000
        self._credit = float(options.burst)
        self._credited_at = now
        self._pause_s = self._least_pause_s = min(_LEAST_PAUSE_S, self._interval_s)
        self._paused_until = float("-inf")
        self._active_at = now
        self._retry_at = float("-inf")
        self._first_retry_s = min(_FIRST_RETRY_S, options.longest_retry_ms / 1000)
        self._retry_s = self._first_retry_s
        self.is_away = False
        self.misses = 0

    def is_due(self, now: float, load: Load) -> bool:
        """Whether what waits should go out as a batch now."""
        if not load.size_bytes:
            return False
        self._active_at = now
        if self._options.flush_at_once or load.rows >= self._options.max_rows:
            return True
        if load.size_bytes >= self._options.max_batch_bytes or load.fill > _RIPE_FILL:
            return True
        self._credit = min(self._options.burst, self._credit + (now - self._credited_at) / self._interval_s)
        self._credited_at = now
        return self._credit >= 1 and now >= self._paused_until

    def spend(self, now: float, rows: int) -> None:
        """Count a batch that went out."""
        self._credit = max(0.0, self._credit - 1)
        longest_s = min(self._pause_s * _PAUSE_GROWTH, self._interval_s)
        self._pause_s = min(max(rows * _PAUSE_PER_ROW_S, self._least_pause_s), longest_s)
        self._paused_until = now + self._pause_s
        self._active_at = now

    def may_try(self, now: float) -> bool:
        """Whether the store may be tried now."""
        return now >= self._retry_at

    def missed(self, now: float) -> None:
        """The store was away: wait, twice as long each time (statements sent side by side miss once)."""
        if self.is_away and not self.may_try(now):
            return
        self.is_away = True
        self.misses += 1
        self._retry_at = now + self._retry_s
        self._retry_s = min(self._retry_s * 2, self._options.longest_retry_ms / 1000)

    def found(self) -> None:
        """The store answered."""
        self.is_away = False
        self.try_now()

    def try_now(self) -> None:
        """Forget earlier misses."""
        self.misses = 0
        self._retry_at = float("-inf")
        self._retry_s = self._first_retry_s

    def delay_s(self, now: float, load: Load, *, busy: bool) -> float:
        """Return how long to sleep before looking again; `busy`: a batch is under way."""
        if not busy and load.rows >= self._options.max_rows and self.may_try(now):
            return 0.0
        if not self._options.flush_at_once:
            if not load.rows or load.fill > _CALM_FILL:
                return _IDLE_POLL_S
            return min(max(self._due_at() - now, _IDLE_POLL_S), _CALM_POLL_S)
        if busy:
            return _IDLE_POLL_S
        return _SYNC_POLL_S if now - self._active_at < _SYNC_AWAKE_S else _SYNC_IDLE_POLL_S

    def _due_at(self) -> float:
        """When rows that wait become due."""
        credited_at = self._credited_at + (1 - self._credit) * self._interval_s
        return max(credited_at, self._paused_until)


class Throttle:
    """Lets through one message per interval."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._passed_at = float("-inf")

    def passes(self, now: float) -> bool:
        """Whether the message may be logged now."""
        if now - self._passed_at < self._interval_s:
            return False
        self._passed_at = now
        return True
