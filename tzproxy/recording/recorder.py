"""The recorder process: drains the rings into the store, keeps the spool, counts. Cold.

`Recorder` decides and commits, in one thread and without waiting; `Inserter` talks to the store in another.
Every change of position is one commit of `RecorderState`: before it the old batch is repeated with the same
tokens, after it never again. Run as `python -m tzproxy.recording.recorder`, options as JSON on standard
input.
"""

from __future__ import annotations

import fcntl
import logging
import logging.config
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from tzproxy.clickhouse.client import StoreClient
from tzproxy.errors import StoreError
from tzproxy.recording.batch import Batch, Piece, halves
from tzproxy.recording.damage import pass_damage
from tzproxy.recording.feeds import Feeds
from tzproxy.recording.inserter import Inserter, Outcome, Store, Verdict
from tzproxy.recording.long_lines import LongLines
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.pace import Pace, Throttle
from tzproxy.recording.rejected import RejectedFolder
from tzproxy.recording.retired import fold_missing, fold_retired
from tzproxy.recording.spool import Spool
from tzproxy.recording.state import Refusal, StateFile
from tzproxy.recording.tables import LOOKING_BACK, TARGET_TABLES, no_rows, table_name

LOGGER = logging.getLogger("tzproxy.recording.recorder")

#: A ring fuller than this is relieved into the spool while the store is slow or away, down to the second.
_PRESSED = 0.625
_RELIEVED = 0.25
_DISCOVER_S = 0.5
#: Statements spent on finding the rows at fault in one batch; then what is still in doubt is given up whole.
_MAX_REFUSALS = 256
_MAX_VERDICT_CHARS = 300
#: A recorder that is to end tries the store so often in a row; then rows stay in the spool for the next.
_DRAIN_MISSES = 3


class Recorder:
    """Moves rows from rings to the store, exactly once. `step` does what is due and returns at once."""

    def __init__(
        self,
        options: RecorderOptions,
        open_store: Callable[[], Store],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._clock = clock
        self.wake = threading.Event()
        self._lock_fd = _lock(Path(options.data_dir))
        self._file = StateFile(options.state_path)
        self.state = self._file.state
        self._spool = Spool(
            options.spool_path,
            self.state.spool,
            quota_bytes=options.spool_quota_bytes,
            segment_bytes=options.spool_segment_bytes,
            is_fresh=not self._file.found,
        )
        self._long_lines = LongLines(options.rings_path)
        self._rejected = RejectedFolder(options.rejected_path, options.rejected_quota_bytes, self._long_lines)
        self._feeds = Feeds(options.rings_path, self.state)
        self._inserter = Inserter(open_store, self.wake)
        self._pace = Pace(options, clock())
        self._away_log = Throttle(1.0)
        self._quota_log = Throttle(1.0)
        #: The batch being sent; `_place` is the spool position behind it, None if it is still in the rings.
        self._batch: Batch | None = None
        self._place: tuple[int, int] | None = None
        self._todo: list[Piece] = []
        #: Pieces under way that other pieces look back at.
        self._targets_out = 0
        self._missing_since: dict[int, float] = {}
        self._discovered_at = float("-inf")
        self._spooled_at = float("-inf")
        try:
            self._recover()
        except BaseException:
            self.close()
            raise

    @property
    def is_idle(self) -> bool:
        """Whether every row is stored (or refused)."""
        return self._batch is None and self._spool.is_empty and not self._feeds.waiting_bytes()

    @property
    def misses(self) -> int:
        """Attempts in a row that found the store away, since the last answer or `try_now`."""
        return self._pace.misses

    def try_now(self) -> None:
        """Forget how often the store was away: the next step tries it."""
        self._pace.try_now()

    def step(self, *, draining: bool = False) -> float:
        """Do what is due; return the seconds until the next step (`wake` is set if there is news earlier)."""
        now = self._clock()
        if now - self._discovered_at >= _DISCOVER_S:
            self._discovered_at = now
            self._feeds.discover()
            fold_retired(self._feeds, self._file)
            if self.is_idle:
                self._long_lines.sweep()
        for piece, outcome in self._inserter.take_outcomes():
            self._targets_out -= piece.table in TARGET_TABLES
            self._settle(piece, outcome, now)
        self._relieve(now, draining=draining)
        self._send(now, draining=draining)
        self._resync_damaged()
        self._feeds.beat(time.monotonic_ns())
        return self._pace.delay_s(now, self._feeds.load(), busy=self._inserter.under_way > 0)

    def close(self) -> None:
        """End the inserter, close the files. Rows not stored stay in rings and spool."""
        if self._lock_fd < 0:
            return
        self._inserter.close(timeout_s=1.0)
        self._feeds.close()
        self._spool.close()
        self._file.close()
        os.close(self._lock_fd)
        self._lock_fd = -1

    # ---- sending

    def _send(self, now: float, *, draining: bool) -> None:
        while self._inserter.has_room and self._pace.may_try(now):
            if self._batch is None and not self._begin(now, draining=draining):
                return
            assert self._batch is not None
            if self._todo:
                if self._targets_out and self._todo[-1].table in LOOKING_BACK:
                    # Its target may be in this batch and would not be found (`pieces` puts targets first).
                    return
                piece = self._todo.pop()
                self._targets_out += piece.table in TARGET_TABLES
                lines = self._long_lines.expanded(self._batch.lines(piece))
                self._inserter.submit(piece, lines, self._batch.token(piece))
            elif self._inserter.under_way:
                return
            else:
                self._finish()

    def _begin(self, now: float, *, draining: bool) -> bool:
        """Choose the next batch: journalled, spooled or new; False if none is due."""
        if self.state.sending:
            self._batch = self._reread()
            self._place = None
        elif not self._spool.is_empty:
            found = self._spool.head()
            if found is None:
                self._count_spool_damage()
                return False
            self._batch, self._place = found
        elif draining or self._pace.is_due(now, self._feeds.load()):
            self._batch = self._feeds.collect(self._options.max_rows, self._options.max_batch_bytes)
            self._place = None
            if self._batch is not None:
                self.state.sending = list(self._batch.ranges)
                self._file.commit()
                self._pace.spend(now, self._batch.total_rows)
        if self._batch is None:
            return False
        self._todo = self._batch.pieces(self.state.refusals)[::-1]
        return True

    def _settle(self, piece: Piece, outcome: Outcome, now: float) -> None:
        """Take the store's answer about a piece that was sent."""
        match outcome.verdict:
            case Verdict.STORED:
                if self._pace.is_away:
                    LOGGER.warning("the store is back")
                self._pace.found()
                self._missing_since.pop(piece.table, None)
            case Verdict.REFUSED:
                self._pace.found()
                self._refuse(piece, outcome.reason)
            case Verdict.NO_TABLE if self._has_lost_patience(piece.table, now):
                self._pace.found()
                self._give_up(piece, outcome.reason)
            case Verdict.NO_TABLE | Verdict.AWAY:
                self._todo.append(piece)
                self._pace.missed(now)
                if self._away_log.passes(now):
                    LOGGER.error("the store takes no rows, they are kept and sent again: %s", outcome.reason)

    def _refuse(self, piece: Piece, reason: str) -> None:
        if piece.high - piece.low == 1 or len(self.state.refusals) >= _MAX_REFUSALS:
            self._give_up(piece, reason)
            return
        self._todo.extend(halves(piece))
        # Committed before the halves go out: if the whole piece passed after a restart, they would double it.
        self.state.refusals.append(Refusal(piece.table, piece.low, piece.high))
        self._file.commit()

    def _give_up(self, piece: Piece, reason: str) -> None:
        verdict = reason[:_MAX_VERDICT_CHARS] or "refused"
        self.state.refusals.append(Refusal(piece.table, piece.low, piece.high, verdict))
        self._file.commit()

    def _has_lost_patience(self, table: int, now: float) -> bool:
        since = self._missing_since.setdefault(table, now)
        return (now - since) * 1000 >= self._options.missing_table_patience_ms

    def _finish(self) -> None:
        """Commit the batch as stored, rejected rows apart."""
        batch, state = self._batch, self.state
        assert batch is not None
        self._rejected.write(batch, state.refusals)
        stored = batch.counts()
        for refusal in state.refusals:
            if refusal.verdict:
                stored[refusal.table] -= refusal.high - refusal.low
                state.rejected[refusal.table] += refusal.high - refusal.low
        state.stored = [old + new for old, new in zip(state.stored, stored, strict=True)]
        state.refusals = []
        state.sending = []
        if self._place is None:
            self._feeds.take(batch)
        else:
            self._spool.advance(batch, self._place)
        # The spool's segments are deleted next: no power failure may bring back a state that needs them.
        self._file.commit(durable=self._place is not None)
        self._feeds.release()
        self._feeds.mark_stored(batch.ranges)
        self._long_lines.forget(batch)
        if self._place is not None:
            self._spool.clean()
        self._batch = None
        if self._spool.is_empty:
            self._count_spool_damage()

    # ---- the spool

    def _relieve(self, now: float, *, draining: bool) -> None:
        """While the store is slow or away, move rows from the rings to the spool."""
        pressed = self._feeds.fill() >= _PRESSED
        away = self._pace.is_away
        if self._batch is not None and self._place is None and (away or pressed):
            self._move(self._batch, now)
        if self._spool.is_empty or not (self._batch is None or self._place):
            return
        due = away and (draining or (now - self._spooled_at) * 1000 >= self._options.spool_interval_ms)
        if not due and self._feeds.fill() < _PRESSED:
            return
        self._spooled_at = now
        while due or self._feeds.fill() > _RELIEVED:
            batch = self._feeds.collect(self._options.max_rows, self._options.max_batch_bytes)
            if batch is None:
                return
            if not self._move(batch, now):
                self._feeds.rewind()
                return

    def _move(self, batch: Batch, now: float) -> bool:
        """Put a batch into the spool and give its room in the rings back."""
        if not self._spool.append(batch):
            if self._quota_log.passes(now):
                LOGGER.error("the spool is full: when the rings are full too, rows will be LOST")
            return False
        self._feeds.take(batch)
        if batch is self._batch:
            self.state.sending = []
            self._place = (self.state.spool.write_segment, self.state.spool.write_offset)
        self._file.commit(durable=True)
        self._feeds.release()
        return True

    def _count_spool_damage(self) -> None:
        """With nothing left in the spool, what it should still hold has been lost to damage."""
        missing = self.state.spool.rows
        if any(missing):
            lost = {table_name(table): rows for table, rows in enumerate(missing) if rows}
            LOGGER.error("ROWS LOST: the spool was damaged on disk: %s", lost)
            self.state.damaged = [old + new for old, new in zip(self.state.damaged, missing, strict=True)]
            self.state.spool.rows = no_rows()
            self._file.commit()
        self._feeds.mark_all_stored()

    # ---- after a crash, and damage

    def _recover(self) -> None:
        """Make rings, spool and state agree after whatever ended the recorder before."""
        self._feeds.discover()
        self._discovered_at = self._clock()
        if not self._file.found:
            adopted = self._spool.adopt()
            for part in adopted:
                feed = self._feeds.by_id.get(part.ring_id)
                if feed is not None and part.end > feed.state.acked:
                    self._feeds.pass_over(feed, part.end)
            taken = [
                sum(ring.taken[table] for ring in self.state.rings.values())
                for table in range(len(no_rows()))
            ]
            self.state.stored = [
                max(0, rows - spooled) for rows, spooled in zip(taken, self.state.spool.rows, strict=True)
            ]
        fold_missing(self._feeds, self.state)
        self._file.commit()
        self._feeds.release()
        if self._spool.is_empty and not self.state.sending:
            self._feeds.mark_all_stored()

    def _reread(self) -> Batch | None:
        batch = self._feeds.reread(self.state.sending)
        if batch is None:
            LOGGER.error("the batch that was being sent cannot be read again; its rows may be stored twice")
            self._feeds.rewind()
            self.state.sending = []
            self.state.refusals = []
            self._file.commit()
        return batch

    def _resync_damaged(self) -> None:
        for feed in self._feeds.by_id.values():
            if feed.is_damaged and feed.read == feed.state.acked:
                pass_damage(feed, self.state, self._rejected)
                self._file.commit()
                self._feeds.release()
                if self._spool.is_empty:
                    feed.consumer.mark_stored(feed.state.acked)


def run(recorder: Recorder, options: RecorderOptions, stop: threading.Event) -> None:
    """Step until `stop` is set or the parent is gone, then drain up to the deadline."""
    while not stop.is_set() and options.parent_pid in (0, os.getppid()):
        delay_s = recorder.step()
        if delay_s > 0:
            recorder.wake.wait(delay_s)
        recorder.wake.clear()
    deadline = time.monotonic() + options.drain_ms / 1000
    recorder.try_now()
    while time.monotonic() < deadline:
        delay_s = recorder.step(draining=True)
        if recorder.is_idle or recorder.misses >= _DRAIN_MISSES:
            break
        recorder.wake.wait(min(delay_s, 0.005))
        recorder.wake.clear()
    recorder.close()


def main() -> int:
    """Run the recorder with the options on standard input."""
    options = msgspec.json.decode(sys.stdin.buffer.read(), type=RecorderOptions)
    if options.log_config:
        logging.config.dictConfig(options.log_config)
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s recorder: %(message)s")
    os.nice(options.niceness)
    stop = threading.Event()
    recorder = Recorder(options, lambda: StoreClient(options.store_url, timeout_s=60.0))

    def end(_signal: int, _frame: object) -> None:
        stop.set()
        recorder.wake.set()

    signal.signal(signal.SIGTERM, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    LOGGER.info("recording from %s", options.rings_path)
    run(recorder, options, stop)
    return 0


def _lock(data_dir: Path) -> int:
    """Take the lock of a data directory: one recorder at a time."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(data_dir / "recorder.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(fd)
        raise StoreError(f"another recorder works in {data_dir}") from exc
    return fd


if __name__ == "__main__":
    sys.exit(main())
