"""An event loop's thread that does not interrupt the threads it works with. Cold.

A request goes back and forth between Granian's threads and the event loop's. When the loop's thread is woken,
the kernel may stop the one that woke it, which still holds the interpreter: the woken one can only wait for it.
Under the policy for batches it begins when a processor is free instead.

Granian's own threads keep the ordinary policy. Under the other one a request that comes while all processors
are busy would wait for them several times over.

Source: sched(7), SCHED_BATCH.
"""

from __future__ import annotations

import logging
import os
import sys

logger = logging.getLogger(__name__)


def give_way() -> None:
    """Put this thread under the policy for batches. On Linux only; threads that it starts later inherit it.

    A policy that the operator has chosen stays. Where the kernel or a container's rules refuse, nothing
    changes.
    """
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError as exc:
        logger.debug("the event loop's thread keeps its scheduling policy: %s", exc)
