"""A newer configuration for a running gateway: SIGHUP has it loaded, checked whole, and only then used. Cold.

Workers that run keep theirs; new ones start with the newer one and take over: each request is served by one
configuration from its first byte to its last.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from tzproxy.errors import ConfigError, StoreError
from tzproxy.http.gateway import WorkerSettings

logger = logging.getLogger(__name__)
KEPT = "the gateway goes on with the configuration it has"


class Reloads:
    """What the next worker starts with. A context manager: its thread ends with it."""

    def __init__(self, first: WorkerSettings, load: Callable[[], WorkerSettings]) -> None:
        """Begin with settings.

        Args:
            first: what the first workers start with.
            load: returns newer settings; raises ConfigError, StoreError or OSError when there are none.
        """
        self.current = first
        self._load = load
        # Unlike an event's, its lock may be asked for again by a signal that interrupts who holds it.
        self._asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="reload", daemon=True)

    def __enter__(self) -> Reloads:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        # Not joined: a store that does not answer must not hold up the end.
        self._asked.put(None)

    def request(self, respawn: Callable[[], None]) -> None:
        """Load a newer configuration soon, and call `respawn` when it is good. Safe in a signal handler."""
        self._asked.put(respawn)

    def _run(self) -> None:
        while (respawn := self._newest()) is not None:
            if self._exchange():
                respawn()

    def _newest(self) -> Callable[[], None] | None:
        """Wait until somebody asks; those who asked meanwhile are served together. None: it is the end."""
        asked = self._asked.get()
        while asked is not None and not self._asked.empty():
            asked = self._asked.get()
        return asked

    def _exchange(self) -> bool:
        try:
            self.current = self._load()
        except ConfigError as exc:
            for problem in exc.problems:
                logger.error(problem)
            logger.error("the configuration was not reloaded, %d problem(s); %s", len(exc.problems), KEPT)
            return False
        except (StoreError, OSError) as exc:
            logger.error("the configuration was not reloaded: %s; %s", exc, KEPT)
            return False
        except Exception:
            # The thread's border: after a bug, too, the next signal must find somebody listening.
            logger.exception("the configuration was not reloaded; %s", KEPT)
            return False
        return True
