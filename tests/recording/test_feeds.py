"""Rings as the recorder reads them: found, read ahead, taken, given back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tzproxy.recording.feeds import Feeds
from tzproxy.recording.sink import RingSink, Table
from tzproxy.recording.state import Range, RecorderState

OpenSink = Callable[..., RingSink]
ALL = 1 << 40


@pytest.fixture
def state() -> RecorderState:
    """A blank state."""
    return RecorderState()


@pytest.fixture
def feeds(data_dir: Path, state: RecorderState) -> Feeds:
    """Feeds over the data directory's rings."""
    return Feeds(data_dir / "rings", state)


def fill(sink: RingSink, count: int, mark: bytes = b"x") -> None:
    """Append records of one row."""
    for number in range(count):
        assert sink.accept([(Table.JSON_INFERENCE, b"%s%d" % (mark, number))]) > 0


def test_reading_ahead_moves_nothing_for_the_producer(
    feeds: Feeds, state: RecorderState, open_sink: OpenSink
) -> None:
    """Read rows are not read twice, and the room comes back only with `take` and `release`."""
    sink = open_sink()
    fill(sink, 5)
    feeds.discover()
    assert feeds.load().rows == 5
    assert feeds.waiting_bytes() > 0
    batch = feeds.collect(ALL, ALL)
    assert batch is not None
    assert batch.tables == {1: (5, b"x0\nx1\nx2\nx3\nx4")}
    assert feeds.collect(ALL, ALL) is None
    assert (feeds.load().rows, sink._ring.producer.acked) == (0, 0)
    assert feeds.fill() > 0
    feeds.take(batch)
    feeds.release()
    assert sink._ring.producer.acked == sink._ring.producer.cursor
    assert state.rings[batch.ranges[0].ring_id].taken[1] == 5
    assert (feeds.fill(), sink._ring.producer.stored) == (0.0, 0)
    feeds.mark_stored(batch.ranges)
    assert sink._ring.producer.stored == sink._ring.producer.cursor


def test_rewind_and_reread_give_the_same_batch(feeds: Feeds, open_sink: OpenSink) -> None:
    """The same ranges are the same batch; other starts are refused."""
    fill(open_sink("worker-0"), 4, b"a")
    fill(open_sink("worker-1"), 6, b"b")
    feeds.discover()
    batch = feeds.collect(7, ALL)
    assert batch is not None
    assert batch.total_rows == 7
    feeds.rewind()
    assert feeds.load().rows == 10
    again = feeds.reread(batch.ranges)
    assert again is not None
    assert (again.digest, again.tables) == (batch.digest, batch.tables)
    assert feeds.reread(batch.ranges) is None
    feeds.rewind()
    assert feeds.reread([Range("unknown", 0, 8)]) is None
    first = batch.ranges[0]
    assert feeds.reread([Range(first.ring_id, first.start, first.end - 8)]) is None


def test_limits_are_shared_by_all_rings(feeds: Feeds, open_sink: OpenSink) -> None:
    """The fullest ring comes first; the others get what the limits leave."""
    fill(open_sink("worker-0"), 2, b"a")
    fill(open_sink("worker-1"), 5, b"b")
    feeds.discover()
    batch = feeds.collect(6, ALL)
    assert batch is not None
    assert batch.tables[1][1] == b"b0\nb1\nb2\nb3\nb4\na0"


def test_state_of_an_earlier_life_is_kept(
    feeds: Feeds, data_dir: Path, state: RecorderState, open_sink: OpenSink
) -> None:
    """New feeds go on at the committed position, even if the ring was not told of it any more."""
    sink = open_sink()
    fill(sink, 3)
    feeds.discover()
    batch = feeds.collect(2, ALL)
    assert batch is not None
    feeds.take(batch)
    again = Feeds(data_dir / "rings", state)
    again.discover()
    assert sink._ring.producer.acked == batch.ranges[0].end
    assert again.load().rows == 1


def test_ring_that_knows_more_than_the_state(data_dir: Path, open_sink: OpenSink) -> None:
    """What a ring has given away without our remembering counts as stored, the rest as waiting."""
    sink = open_sink()
    fill(sink, 5)
    first = Feeds(data_dir / "rings", RecorderState())
    first.discover()
    batch = first.collect(3, ALL)
    assert batch is not None
    first.take(batch)
    first.release()
    state = RecorderState()
    again = Feeds(data_dir / "rings", state)
    again.discover()
    assert (state.stored[1], again.load().rows) == (3, 2)


def test_foreign_files_are_left_alone(
    feeds: Feeds, data_dir: Path, open_sink: OpenSink, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy of a ring or a broken file is reported and not read."""
    sink = open_sink()
    fill(sink, 1)
    feeds.discover()
    shutil.copy(sink.path, data_dir / "rings" / "copy.ring")
    (data_dir / "rings" / "broken.ring").write_bytes(b"x" * 10_000)
    (data_dir / "rings" / "notes.txt").write_bytes(b"x")
    feeds.discover()
    feeds.discover()
    assert len(feeds.by_id) == 1
    assert caplog.text.count("copy.ring") == 1
    assert caplog.text.count("broken.ring") == 1


def test_deleted_ring_is_read_to_its_end(feeds: Feeds, open_sink: OpenSink) -> None:
    """A ring whose file was deleted still yields its rows, and is then forgotten."""
    sink = open_sink()
    fill(sink, 2)
    feeds.discover()
    sink.path.unlink()
    feeds.discover()
    batch = feeds.collect(ALL, ALL)
    assert batch is not None
    assert batch.total_rows == 2
    feeds.take(batch)
    feeds.discover()
    assert not feeds.by_id
