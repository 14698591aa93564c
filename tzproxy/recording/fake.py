"""A store in memory with ClickHouse's deduplication by token, and faults on demand."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from tzproxy.clickhouse.client import StatementError
from tzproxy.errors import StoreUnavailableError

Fault = Callable[[str, bytes, str], str | None]


class FakeStore:
    """Keeps rows per table; a token seen before is acknowledged and stores nothing.

    `fault(table, lines, token)` may return "away" (nothing stored, no answer), "cut" (stored, no answer) or
    "no table"; a row with `POISON` in it refuses its statement.
    """

    POISON = b"poison"

    def __init__(self) -> None:
        self.lines: dict[str, list[bytes]] = {}
        self.tokens: set[str] = set()
        self.statements: list[tuple[str, int, str]] = []
        self.fault: Fault | None = None
        self.gate: threading.Event | None = None
        self.closed = False

    def insert_json(self, table: str, lines: bytes, *, dedup_token: str | None) -> None:
        """Store rows as ClickHouse would."""
        assert dedup_token is not None
        if self.gate is not None:
            self.gate.wait(20)
        rows = lines.split(b"\n")
        self.statements.append((table, len(rows), dedup_token))
        fault = self.fault(table, lines, dedup_token) if self.fault else None
        if fault == "away":
            raise StoreUnavailableError("the store is away")
        if fault == "no table":
            raise StatementError("no such table", clickhouse_code=60)
        if self.POISON in lines:
            raise StatementError("cannot parse", clickhouse_code=27)
        if dedup_token not in self.tokens:
            self.tokens.add(dedup_token)
            self.lines.setdefault(table, []).extend(rows)
        if fault == "cut":
            raise StoreUnavailableError("the connection was cut")

    def close(self) -> None:
        """Nothing to close."""
        self.closed = True

    def counts(self) -> Counter[bytes]:
        """How often each row is stored."""
        return Counter(line for lines in self.lines.values() for line in lines)
