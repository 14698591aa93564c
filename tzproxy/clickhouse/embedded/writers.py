"""Keeps the engine's connections from one INSERT to the next. Knows no chdb and no HTTP. Not hot.

A recorder sends the same statement with the same settings over and over; only the token differs. Opening a
connection for each and preparing it takes about 1 ms, of the 12 ms that the smallest insert takes in all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

TOKEN_SETTING: Final = "insert_deduplication_token"
"""The one setting that may differ between two users of a connection: it is set anew for each."""

_Key = tuple[str, frozenset[tuple[str, str]]]


class Connection(Protocol):
    """The part of `tzproxy.clickhouse.embedded.engine.Session` that is needed here."""

    def use(self, database: str) -> None:
        """Make a database current."""

    def set(self, settings: Mapping[str, str]) -> None:
        """Apply settings."""

    def close(self) -> None:
        """Let go of it."""


C = TypeVar("C", bound=Connection)


class Writers(Generic[C]):
    """Connections that nobody uses at the moment, each with its database and settings."""

    def __init__(self, open_one: Callable[[], C], most: int) -> None:
        """Begin without any; `most` are kept."""
        self._open = open_one
        self._most = most
        self._lock = threading.Lock()
        #: The one that was used last comes last.
        self._idle: list[tuple[_Key, C]] = []

    @contextmanager
    def connection(self, database: str, settings: Mapping[str, str]) -> Iterator[C]:
        """A connection with this database and these settings and no others, for one INSERT."""
        fixed = {name: value for name, value in settings.items() if name != TOKEN_SETTING}
        key = (database, frozenset(fixed.items()))
        connection = self._taken(key)
        is_new = connection is None
        if connection is None:
            connection = self._open()
        try:
            if is_new:
                connection.use(database)
                connection.set(fixed)
            connection.set({TOKEN_SETTING: settings.get(TOKEN_SETTING, "")})
            yield connection
        except BaseException:
            # Nobody knows what state it is in.
            connection.close()
            raise
        self._put_back(key, connection)

    def close(self) -> None:
        """Let go of all."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _taken(self, key: _Key) -> C | None:
        with self._lock:
            for number in range(len(self._idle) - 1, -1, -1):
                if self._idle[number][0] == key:
                    return self._idle.pop(number)[1]
        return None

    def _put_back(self, key: _Key, connection: C) -> None:
        with self._lock:
            self._idle.append((key, connection))
            surplus = self._idle.pop(0)[1] if len(self._idle) > self._most else None
        if surplus is not None:
            surplus.close()
