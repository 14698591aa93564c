"""Notices clients that leave while their statement runs, and has that statement ended. Not hot.

A client that gives up closes its connection. The engine would go on to the end, and hold one of the few
places for statements all the while.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from tzproxy.errors import StoreError

LOOK_S: Final = 0.25
_LOG: Final = logging.getLogger(__name__)


class Leavers:
    """Watches connections, on one thread that sleeps while no statement runs."""

    def __init__(self, end: Callable[[str], None]) -> None:
        """Begin without any.

        Args:
            end: ends the statement of a mark. It is called again while the statement goes on.
        """
        self._end = end
        self._watched: dict[int, tuple[socket.socket, str]] = {}
        self._some = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, connection: socket.socket, mark: str) -> Iterator[None]:
        """Watch the connection of the statement that runs inside and has this mark."""
        number = connection.fileno()
        with self._some:
            self._watched[number] = (connection, mark)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="tzproxy-leavers", daemon=True)
                self._thread.start()
            self._some.notify()
        try:
            yield
        finally:
            with self._some:
                del self._watched[number]

    def _look(self) -> None:
        while True:
            with self._some:
                self._some.wait_for(lambda: self._watched)
                left = [mark for connection, mark in self._watched.values() if has_left(connection)]
            for mark in left:
                try:
                    self._end(mark)
                except StoreError as exc:
                    _LOG.debug("the statement of a client that left goes on: %s", exc.message)
            # Most statements end before they are looked at a first time.
            time.sleep(LOOK_S)


def has_left(connection: socket.socket) -> bool:
    """Tell whether the other side has closed its end. Reads nothing, and does not wait."""
    look = select.poll()
    look.register(connection, select.POLLIN)
    if not look.poll(0):
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
