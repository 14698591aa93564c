"""A store in memory that treats the recorder as ClickHouse does, with faults on demand. For tests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from tzproxy.clickhouse.client import StatementError
from tzproxy.errors import StoreUnavailableError

#: Called with table, lines and token; "away": nothing stored and no answer, "cut": stored but no answer,
#: "no table": refused for the table's sake, "refused": for the rows' sake, None: no fault.
Fault = Callable[[str, bytes, str], str | None]

#: A row that holds this makes its whole statement fail, as bad JSON does.
POISON = b"poison"


class FakeStore:
    """Keeps rows per table; a token seen before is acknowledged and stores nothing."""

    def __init__(self, fault: Fault | None = None) -> None:
        self.fault = fault
        self.lines: dict[str, list[bytes]] = {}
        #: (table, rows, token) of every statement that arrived
        self.statements: list[tuple[str, int, str]] = []
        self.is_closed = False
        self._tokens: set[str] = set()
        self._lock = threading.Lock()

    def insert_json(self, table: str, lines: bytes, *, dedup_token: str | None) -> None:
        """Store rows, one a line, all or none.

        Raises: StoreUnavailableError, StatementError as `fault` and the rows demand.
        """
        rows = lines.split(b"\n")
        token = dedup_token or f"statement-{len(self.statements)}"
        fault = self.fault(table, lines, token) if self.fault else None
        with self._lock:
            self.statements.append((table, len(rows), token))
            if fault == "away":
                raise StoreUnavailableError("the store is away")
            if fault == "no table":
                raise StatementError(f"no table {table}", clickhouse_code=60)
            if fault == "refused" or POISON in lines:
                raise StatementError("cannot parse", clickhouse_code=27)
            if token not in self._tokens:
                self._tokens.add(token)
                self.lines.setdefault(table, []).extend(rows)
        if fault == "cut":
            raise StoreUnavailableError("the connection was cut")

    def close(self) -> None:
        """Note that it was closed."""
        self.is_closed = True

    def counts(self, table: str | None = None) -> Counter[bytes]:
        """Return how often each row is stored, in one table or in all."""
        with self._lock:
            return Counter(
                line for name, lines in self.lines.items() if table in (None, name) for line in lines
            )
