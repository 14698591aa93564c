"""The end of rings that no producer will write again: counted for good, then deleted. Cold."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tzproxy.recording.feeds import Feeds
from tzproxy.recording.rings import is_held
from tzproxy.recording.state import RecorderState, StateFile
from tzproxy.recording.tables import no_rows

LOGGER = logging.getLogger(__name__)


def fold_retired(feeds: Feeds, file: StateFile) -> None:
    """Take drained retired rings over into the state's own counters and delete their files."""
    state = file.state
    spooled = set() if not any(state.spool.rows) else set(feeds.by_id)
    for feed in list(feeds.by_id.values()):
        drained = feed.read == feed.state.acked >= feed.consumer.cursor
        if not feed.is_retired or not drained or feed.ring_id in spooled or is_held(feed.path):
            continue
        # After a reboot the file may know less than was taken from it.
        accepted = [max(pair) for pair in zip(feed.consumer.accepted()[2], feed.state.taken, strict=True)]
        refused = feed.consumer.refused()[1]
        _fold(state, feed.ring_id, accepted, refused)
        state.folded.append(feed.ring_id)
        # Committed first: a recorder killed here finds the id in `folded` and only deletes.
        file.commit(durable=True)
        feeds.forget(feed)
        feed.path.unlink(missing_ok=True)
        LOGGER.info("the retired ring %s is drained and deleted", feed.path.name)


def fold_missing(feeds: Feeds, state: RecorderState) -> None:
    """Take rings whose file is gone over into the state's own counters (when a recorder starts).

    What such a ring may still have held nobody can count: a reboot empties a memory file system, say.
    """
    for ring_id in [ring_id for ring_id in state.rings if ring_id not in feeds.by_id]:
        LOGGER.warning("the ring %s is gone; what was taken from it stays counted", ring_id)
        _fold(state, ring_id, state.rings[ring_id].taken, no_rows())
    # Files of these were deleted when the rings were looked for.
    state.folded.clear()


def _fold(state: RecorderState, ring_id: str, accepted: Sequence[int], refused: Sequence[int]) -> None:
    state.retired_accepted = [old + new for old, new in zip(state.retired_accepted, accepted, strict=True)]
    state.retired_refused = [old + new for old, new in zip(state.retired_refused, refused, strict=True)]
    del state.rings[ring_id]
