"""Batches: the same ranges give the same tokens, and pieces cover every row once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tzproxy.recording.batch import Batch, Piece, halves, join_tables
from tzproxy.recording.state import Range, Refusal

TABLES = {0: (3, b"a\nb\nc"), 2: (1, b"z")}


def test_tokens_depend_on_ranges_and_piece_only() -> None:
    """Tokens repeat for a repeated batch, differ for another range, table or piece."""
    one = Batch([Range("r", 0, 8), Range("s", 8, 16)], TABLES)
    again = Batch([Range("r", 0, 8), Range("s", 8, 16)], dict(reversed(TABLES.items())))
    other = Batch([Range("r", 0, 8), Range("s", 8, 24)], TABLES)
    pieces = [*one.pieces(), Piece(0, 0, 1), Piece(0, 1, 3)]
    assert [one.token(piece) for piece in pieces] == [again.token(piece) for piece in pieces]
    tokens = [batch.token(piece) for batch in (one, other) for piece in pieces]
    assert len(set(tokens)) == len(tokens)
    assert one.token(Piece(0, 0, 3)) == f"{one.digest}-ChatInference"


def test_counts_and_lines() -> None:
    """Counts are per table; a piece has exactly its lines."""
    batch = Batch([Range("r", 0, 8)], TABLES)
    assert (batch.total_rows, batch.counts()[0], batch.counts()[2], sum(batch.counts())) == (4, 3, 1, 4)
    assert batch.lines(Piece(0, 0, 3)) == b"a\nb\nc"
    assert batch.lines(Piece(0, 1, 3)) == b"b\nc"
    assert batch.lines(Piece(2, 0, 1)) == b"z"


def test_join_tables() -> None:
    """Rows of several ranges are joined table by table, in order."""
    assert join_tables([TABLES]) == TABLES
    joined = join_tables([{0: (1, b"a")}, {1: (1, b"x")}, {0: (2, b"b\nc")}])
    assert joined == {0: (3, b"a\nb\nc"), 1: (1, b"x")}


@given(st.integers(1, 200), st.sets(st.integers(0, 199), max_size=6))
def test_search_for_poison_covers_every_row_once(rows: int, poison: set[int]) -> None:
    """Halving what is refused sends each good row once, and a repetition from the journal sends the same."""
    poison = {row for row in poison if row < rows}
    batch = Batch([Range("r", 0, 8)], {1: (rows, b"\n".join(b"%d" % row for row in range(rows)))})
    refusals: list[Refusal] = []
    todo = batch.pieces()
    sent = []
    while todo:
        piece = todo.pop()
        if not poison & set(range(piece.low, piece.high)):
            sent.append(piece)
        elif piece.high - piece.low == 1:
            refusals.append(Refusal(1, piece.low, piece.high, "bad"))
        else:
            refusals.append(Refusal(1, piece.low, piece.high))
            todo.extend(halves(piece))
    lines = b"\n".join(batch.lines(piece) for piece in sent).split(b"\n") if sent else []
    assert sorted(map(int, lines)) == sorted(set(range(rows)) - poison)
    assert sorted(batch.pieces(refusals), key=lambda piece: piece.low) == sorted(
        sent, key=lambda piece: piece.low
    )
