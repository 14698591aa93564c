"""The end of rings that no producer will write again: counted for good, then deleted. Cold."""

from __future__ import annotations

import logging

from tzproxy.recording.feeds import Feeds
from tzproxy.recording.rings import is_held
from tzproxy.recording.state import StateFile

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
        state.retired_accepted = [
            old + new for old, new in zip(state.retired_accepted, accepted, strict=True)
        ]
        state.retired_refused = [old + new for old, new in zip(state.retired_refused, refused, strict=True)]
        state.retired_taken = [
            old + new for old, new in zip(state.retired_taken, feed.state.taken, strict=True)
        ]
        state.folded.append(feed.ring_id)
        del state.rings[feed.ring_id]
        # Committed first: a recorder killed here finds the id in `folded` and only deletes.
        file.commit(durable=True)
        feeds.forget(feed)
        feed.path.unlink(missing_ok=True)
        LOGGER.info("the retired ring %s is drained and deleted", feed.path.name)
