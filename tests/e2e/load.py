"""A bounded load: a few connections that ask as fast as they are answered, and remember every answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from e2e.processes import Gateway, query_rows, wait_until

BODY = json.dumps(
    {"function_name": "hello", "input": {"messages": [{"role": "user", "content": "under load"}]}}
).encode()
PAUSE_S = 0.01
"""Between two requests of a connection, so that the load leaves the machine room to recover in."""


class Load:
    """Asks over several connections until the block ends; requests cut short count as unanswered."""

    def __init__(self, gateway: Gateway, *, connections: int = 4, seconds: float = 60.0) -> None:
        self._address = urlsplit(gateway.url)
        self._end = time.monotonic() + seconds
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(connections)]
        self.answered: list[str] = []
        self.refused: list[str] = []
        self.cut = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60.0)

    def wait_for(self, answers: int) -> None:
        """Wait until so many more answers have come."""
        wanted = len(self.answered) + answers
        wait_until(lambda: len(self.answered) >= wanted, f"{answers} more answers", within_s=45)

    def _ask(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stopping.is_set() and time.monotonic() < self._end:
            if connection is None:
                connection = http.client.HTTPConnection(
                    str(self._address.hostname), self._address.port, timeout=30
                )
            try:
                connection.request("POST", "/inference", BODY, {"Content-Type": "application/json"})
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = None
                with self._lock:
                    self.cut += 1
                self._stopping.wait(0.05)
                continue
            with self._lock:
                if response.status == 200:
                    self.answered.append(json.loads(body)["inference_id"])
                else:
                    self.refused.append(body.decode())
            self._stopping.wait(PAUSE_S)
        if connection is not None:
            connection.close()


def check_exactly_once(store_url: str, answered: list[str]) -> None:
    """Check that every answer has exactly one row in both tables, and that no row is there twice.

    Requests that were cut short may have rows as well: what is recorded before the last byte is sent stays.
    """
    assert len(answered) == len(set(answered))
    for table, column in (("ChatInference", "id"), ("ModelInference", "inference_id")):
        sql = f"SELECT toString({column}) AS id, count() AS n FROM {table} GROUP BY id"
        counts = _counts_once_complete(store_url, sql, set(answered))
        twice = [identifier for identifier, count in counts.items() if count != 1]
        assert not twice, f"{len(twice)} of {len(counts)} inferences have several rows in {table}"


def _counts_once_complete(store_url: str, sql: str, wanted: set[str]) -> dict[str, int]:
    """Return rows by inference, once all wanted ones are there."""
    counts: dict[str, int] = {}

    def is_complete() -> bool:
        counts.update({row["id"]: row["n"] for row in query_rows(store_url, sql)})
        return wanted <= counts.keys()

    wait_until(is_complete, f"rows of all {len(wanted)} answers: {sql}", within_s=60)
    return counts


def check_counters(gateway: Gateway, *, settled: bool) -> dict[str, dict[str, float]]:
    """Check that accepted = stored + lost + pending for each table; with `settled`, that nothing waits."""
    if settled:
        wait_until(
            lambda: not any(counts["pending"] for counts in gateway.counters().values()),
            "nothing to be pending",
        )
    counters = gateway.counters()
    for table, counts in counters.items():
        assert counts["accepted"] == counts["stored"] + counts["lost"] + counts["pending"], (table, counts)
        assert counts["lost"] == 0, (table, counts)
    return counters
