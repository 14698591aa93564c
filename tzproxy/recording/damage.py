"""What happens to a ring whose bytes contradict themselves: counted, kept, passed. Cold."""

from __future__ import annotations

import logging

from tzproxy.recording.feeds import Feed
from tzproxy.recording.rejected import RejectedFolder
from tzproxy.recording.state import RecorderState
from tzproxy.recording.tables import table_name

LOGGER = logging.getLogger(__name__)


def pass_damage(feed: Feed, state: RecorderState, rejected: RejectedFolder) -> None:
    """Give up what a damaged ring still holds, up to where its producer stands now. The caller commits.

    How many rows that costs is exact: the producer counts what it accepts, the recorder what it has taken.
    """
    cursor, _, accepted = feed.consumer.accepted()
    lost = [max(0, rows - taken) for rows, taken in zip(accepted, feed.state.taken, strict=True)]
    name = f"{feed.ring_id}-{feed.read}-{cursor}.ring-bytes"
    rejected.write_file(name, feed.consumer.raw(feed.read, cursor))
    LOGGER.error(
        "ROWS LOST: the ring %s is damaged between %d and %d: %s (bytes kept as %s)",
        feed.path,
        feed.read,
        cursor,
        {table_name(table): rows for table, rows in enumerate(lost) if rows},
        name,
    )
    state.damaged = [old + new for old, new in zip(state.damaged, lost, strict=True)]
    feed.state.taken = [old + new for old, new in zip(feed.state.taken, lost, strict=True)]
    feed.state.acked = feed.read = cursor
    feed.read_rows = sum(feed.state.taken)
    feed.is_damaged = False
