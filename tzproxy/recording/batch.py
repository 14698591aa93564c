"""One batch: the unit that is stored exactly once. Pure data, no files and no network.

A batch is fixed by ranges of rings. The same ranges always give the same rows in the same order, hence the
same deduplication tokens: sending a batch again, whole or in pieces, stores nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from tzproxy.recording.state import Range, Refusal
from tzproxy.recording.tables import no_rows, table_name

#: Rows of one table: how many, and their lines joined by line feeds.
TableRows = tuple[int, bytes]

#: Begins a line that only names the row (`tzproxy.recording.long_lines`); no JSON holds such a byte.
MARK = b"\0"


class Piece(msgspec.Struct, frozen=True):
    """Rows `low` to `high` of one table, sent as one statement."""

    table: int
    low: int
    high: int


class Batch:
    """Rows of several tables from given ranges of rings."""

    def __init__(
        self,
        ranges: Sequence[Range],
        tables: Mapping[int, TableRows],
        taken: Sequence[Mapping[int, int]] = (),
    ) -> None:
        self.ranges = tuple(ranges)
        #: Rows per table of each range; empty for a batch out of the spool, which no ring counts any more.
        self.taken = tuple(taken)
        self.tables = dict(sorted(tables.items()))
        text = ";".join(f"{part.ring_id}:{part.start}-{part.end}" for part in ranges)
        self.digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        self._rows: dict[int, list[bytes]] = {}

    @property
    def total_rows(self) -> int:
        """Rows of all tables."""
        return sum(rows for rows, _ in self.tables.values())

    def counts(self) -> list[int]:
        """Return the rows per table id."""
        counts = no_rows()
        for table, (rows, _) in self.tables.items():
            counts[table] = rows
        return counts

    def pieces(self, refusals: Iterable[Refusal] = ()) -> list[Piece]:
        """Return what must be sent: tables whole, but halves of what was refused and nothing given up.

        A row that is only named here is long: it goes alone.
        """
        refused = {(item.table, item.low, item.high): item.verdict for item in refusals}
        todo = [piece for table in reversed(self.tables) for piece in self._runs(table)]
        pieces = []
        while todo:
            piece = todo.pop()
            verdict = refused.get((piece.table, piece.low, piece.high))
            if verdict is None:
                pieces.append(piece)
            elif not verdict:
                todo.extend(halves(piece))
        return pieces

    def lines(self, piece: Piece) -> bytes:
        """Return the piece's rows joined by line feeds."""
        rows, lines = self.tables[piece.table]
        if piece.low == 0 and piece.high == rows:
            return lines
        return b"\n".join(self._split(piece.table)[piece.low : piece.high])

    def token(self, piece: Piece) -> str:
        """Return the piece's deduplication token."""
        name = f"{self.digest}-{table_name(piece.table)}"
        if piece.low == 0 and piece.high == self.tables[piece.table][0]:
            return name
        return f"{name}-{piece.low}-{piece.high}"

    def _runs(self, table: int) -> list[Piece]:
        """Cut a table before and after each marked row; the last run comes first (for a stack)."""
        rows, lines = self.tables[table]
        if MARK not in lines:
            return [Piece(table, 0, rows)]
        marked = [number for number, line in enumerate(self._split(table)) if line.startswith(MARK)]
        cuts = sorted({0, rows, *marked, *(number + 1 for number in marked)})
        return [Piece(table, low, high) for low, high in pairwise(cuts)][::-1]

    def _split(self, table: int) -> list[bytes]:
        if table not in self._rows:
            self._rows[table] = self.tables[table][1].split(b"\n")
        return self._rows[table]


def halves(piece: Piece) -> list[Piece]:
    """Return the two halves of a piece of at least two rows, the second first (for a stack)."""
    middle = (piece.low + piece.high) // 2
    return [Piece(piece.table, middle, piece.high), Piece(piece.table, piece.low, middle)]


def join_tables(parts: Sequence[Mapping[int, TableRows]]) -> dict[int, TableRows]:
    """Join the rows of several ranges, table by table, in the order given."""
    if len(parts) == 1:
        return dict(parts[0])
    joined: dict[int, list[TableRows]] = {}
    for part in parts:
        for table, rows in part.items():
            joined.setdefault(table, []).append(rows)
    return {
        table: (sum(rows for rows, _ in items), b"\n".join(lines for _, lines in items))
        for table, items in joined.items()
    }
