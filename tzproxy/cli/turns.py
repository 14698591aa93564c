"""A worker whose threads take turns instead of interrupting each other. Cold.

A request goes back and forth between Granian's threads and the event loop's. When one of them wakes another,
the kernel may stop whichever runs to start the woken one, which then waits for the interpreter that the
stopped one holds. Under the policy for batches a woken thread begins when a processor is free. Where others
keep all processors busy it waits for that, some milliseconds each time; `--wake-at-once` is for such
machines.

Source: sched(7), SCHED_BATCH.
"""

from __future__ import annotations

import logging
import os
import sys

logger = logging.getLogger(__name__)


def take_turns() -> None:
    """Put this thread, and those it will start, under the policy for batches. On Linux only.

    A policy that the operator has chosen stays. Where the kernel or a container's rules refuse, nothing
    changes.
    """
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError as exc:
        logger.debug("the worker's threads keep their scheduling policy: %s", exc)
