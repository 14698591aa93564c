"""The thread that talks to the store: one statement at a time, every answer classified."""

from __future__ import annotations

import threading

import pytest

from tzproxy.clickhouse.client import StatementError
from tzproxy.recording.batch import Piece
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.inserter import Inserter, Outcome, Store, Verdict

PIECE = Piece(0, 0, 1)


def outcome_of(inserter: Inserter, wake: threading.Event, lines: bytes = b"row") -> Outcome:
    """Send one statement and wait for its outcome."""
    wake.clear()
    inserter.submit(PIECE, lines, "token")
    assert inserter.under_way == 1
    assert wake.wait(20)
    outcomes = inserter.take_outcomes()
    assert [piece for piece, _ in outcomes] == [PIECE]
    assert not inserter.take_outcomes()
    assert not inserter.under_way
    return outcomes[0][1]


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


def test_statements_run_side_by_side(store: FakeStore) -> None:
    """As many statements as there are threads run at the same time."""
    barrier = threading.Barrier(3, timeout=20)

    def meet(*_: object) -> None:
        barrier.wait()

    store.fault = meet
    wake = threading.Event()
    inserter = Inserter(lambda: store, wake, threads=3)
    for table in range(3):
        assert inserter.has_room
        inserter.submit(Piece(table, 0, 1), b"row", f"token-{table}")
    assert not inserter.has_room
    outcomes: list[tuple[Piece, Outcome]] = []
    while len(outcomes) < 3:
        assert wake.wait(20)
        wake.clear()
        outcomes += inserter.take_outcomes()
    assert {(piece.table, outcome.verdict) for piece, outcome in outcomes} == {
        (table, Verdict.STORED) for table in range(3)
    }
    inserter.close(10)


def test_hanging_statement_does_not_hold_up_the_end(store: FakeStore) -> None:
    """Closing leaves a thread behind that waits for the store, and then does not close the store under it."""
    gate = threading.Event()

    def hang(*_: object) -> None:
        gate.wait(20)

    store.fault = hang
    inserter = Inserter(lambda: store, threading.Event())
    inserter.submit(PIECE, b"row", "token")
    inserter.close(0.05)
    assert not store.is_closed
    gate.set()
