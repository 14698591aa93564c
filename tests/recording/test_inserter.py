"""The thread that talks to the store: one statement at a time, every answer classified."""

from __future__ import annotations

import threading

import pytest

from tzproxy.clickhouse.client import StatementError
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.inserter import Inserter, Outcome, Store, Verdict


def outcome_of(inserter: Inserter, wake: threading.Event, lines: bytes = b"row") -> Outcome:
    """Send one statement and wait for its outcome."""
    wake.clear()
    inserter.submit("ChatInference", lines, "token")
    assert wake.wait(20)
    outcome = inserter.take_outcome()
    assert outcome is not None
    assert inserter.take_outcome() is None
    assert not inserter.is_busy
    return outcome


def fail(exc: Exception) -> Store:
    """A store that raises."""

    class Failing(FakeStore):
        def insert_json(self, table: str, lines: bytes, *, dedup_token: str | None) -> None:
            raise exc

    return Failing()


def test_stored_and_refused(store: FakeStore) -> None:
    """Good rows are stored under their token, bad ones refused; closing closes the store."""
    wake = threading.Event()
    inserter = Inserter(lambda: store, wake)
    assert outcome_of(inserter, wake).verdict is Verdict.STORED
    assert store.lines == {"ChatInference": [b"row"]}
    assert outcome_of(inserter, wake, b"poison") == Outcome(Verdict.REFUSED, "cannot parse")
    inserter.close(10)
    assert store.is_closed


@pytest.mark.parametrize(
    ("exc", "verdict"),
    [
        (StatementError("no such table", clickhouse_code=60), Verdict.NO_TABLE),
        (StatementError("wrong password", clickhouse_code=516), Verdict.AWAY),
        (StatementError("unknown field", clickhouse_code=117), Verdict.REFUSED),
        (OSError("broken pipe"), Verdict.AWAY),
        (RuntimeError("a bug in a driver"), Verdict.AWAY),
    ],
)
def test_errors_are_classified(exc: Exception, verdict: Verdict) -> None:
    """Only errors about the rows refuse them; anything else keeps them for another attempt."""
    wake = threading.Event()
    inserter = Inserter(lambda: fail(exc), wake)
    outcome = outcome_of(inserter, wake)
    assert outcome.verdict is verdict
    assert str(exc) in outcome.reason
    inserter.close(10)


def test_store_that_cannot_be_opened_is_away(store: FakeStore) -> None:
    """Opening is tried again with each statement."""
    attempts = iter([OSError("no route"), None])

    def open_store() -> Store:
        exc = next(attempts)
        if exc is not None:
            raise exc
        return store

    wake = threading.Event()
    inserter = Inserter(open_store, wake)
    assert outcome_of(inserter, wake).verdict is Verdict.AWAY
    assert outcome_of(inserter, wake).verdict is Verdict.STORED
    inserter.close(10)
