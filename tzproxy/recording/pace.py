"""When the recorder acts: batching, polling, retries. Pure arithmetic over a clock that the caller reads."""

from __future__ import annotations

from tzproxy.recording.options import RecorderOptions

_IDLE_POLL_S = 0.025
_SYNC_POLL_S = 0.002
_SYNC_IDLE_POLL_S = 0.010
_SYNC_AWAKE_S = 1.0
_FIRST_RETRY_S = 0.05


class Pace:
    """A bucket of batches: full after a quiet time (rows go out at once), refilled by one per interval."""

    def __init__(self, options: RecorderOptions, now: float) -> None:
        self._options = options
        self._interval_s = options.flush_interval_ms / 1000
        self._credit = float(options.burst)
        self._credited_at = now
        self._active_at = now
        self._retry_at = float("-inf")
        self._first_retry_s = min(_FIRST_RETRY_S, options.longest_retry_ms / 1000)
        self._retry_s = self._first_retry_s
        self.is_away = False
        self.misses = 0

    def is_due(self, now: float, rows: int, size_bytes: int) -> bool:
        """Whether what waits should go out as a batch now."""
        if not size_bytes:
            return False
        self._active_at = now
        if self._options.flush_at_once or rows >= self._options.max_rows:
            return True
        if size_bytes >= self._options.max_batch_bytes:
            return True
        self._credit = min(self._options.burst, self._credit + (now - self._credited_at) / self._interval_s)
        self._credited_at = now
        return self._credit >= 1

    def spend(self, now: float) -> None:
        """Count a batch that went out."""
        self._credit = max(0.0, self._credit - 1)
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

    def delay_s(self, now: float, *, busy: bool, waiting: int) -> float:
        """Return how long to sleep before looking again."""
        if not busy and waiting >= self._options.max_rows and self.may_try(now):
            return 0.0
        if not self._options.flush_at_once or busy:
            return _IDLE_POLL_S
        return _SYNC_POLL_S if now - self._active_at < _SYNC_AWAKE_S else _SYNC_IDLE_POLL_S


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
