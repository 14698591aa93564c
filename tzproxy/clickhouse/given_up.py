"""Ends statements in the server that nobody waits for any more. Not hot.

The thread that sent one waits for its answer. Killed, it is answered at once, with an error that nobody sees.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from typing import Any, Final

from tzproxy.clickhouse.client import StoreClient
from tzproxy.errors import StoreError

PAUSE_S: Final = 0.25
KILL: Final = "KILL QUERY WHERE query_id IN {ids:Array(String)} ASYNC"
_LOG: Final = logging.getLogger(__name__)


class GivenUp:
    """The statements of one client that were given up and still run. One thread while there are any."""

    def __init__(self, client: StoreClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._running: dict[str, Future[Any]] = {}
        self._thread: threading.Thread | None = None

    def add(self, statement: Future[Any], query_id: str) -> None:
        """Have a statement ended, unless it has come to its end or never began."""
        if statement.done():
            return
        with self._lock:
            self._running[query_id] = statement
            if self._thread is None:
                self._thread = threading.Thread(target=self._end, name="tzproxy-given-up", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Return when none is left that is being ended."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _end(self) -> None:
        # Again and again: the server may not have begun with it, or takes its time.
        while ids := self._left():
            try:
                self._client.command(KILL, {"ids": ids})
            except StoreError as exc:
                _LOG.debug("statements that were given up go on: %s", exc.message)
                self._forget(ids)
            time.sleep(PAUSE_S)

    def _left(self) -> list[str]:
        with self._lock:
            self._running = {name: one for name, one in self._running.items() if not one.done()}
            if not self._running:
                self._thread = None
            return list(self._running)

    def _forget(self, ids: list[str]) -> None:
        with self._lock:
            for name in ids:
                del self._running[name]
