"""Rows that the store refuses, set aside where an operator finds them. Cold; files only.

Owns `rejected/`. Writing the same batch's refusals again replaces the file, so a repetition after a crash
doubles nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tzproxy.recording.batch import Batch, Piece
from tzproxy.recording.long_lines import LongLines
from tzproxy.recording.state import Refusal
from tzproxy.recording.tables import table_name

LOGGER = logging.getLogger(__name__)

_ENCODER = msgspec.json.Encoder()


class RejectedFolder:
    """Writes refused rows, one JSON object a line: table, error and the row as text."""

    def __init__(self, directory: Path, quota_bytes: int, long_lines: LongLines) -> None:
        self._directory = directory
        self._quota_bytes = quota_bytes
        self._long_lines = long_lines

    def write(self, batch: Batch, refusals: Sequence[Refusal]) -> None:
        """Set aside the rows that were given up of a batch."""
        lines = []
        for refusal in refusals:
            if not refusal.verdict:
                continue
            piece = Piece(refusal.table, refusal.low, refusal.high)
            rows = self._long_lines.expanded(batch.lines(piece)).split(b"\n")
            for row in rows:
                record = {
                    "table": table_name(refusal.table),
                    "error": refusal.verdict,
                    "row": row.decode(errors="backslashreplace"),
                }
                lines.append(_ENCODER.encode(record))
            LOGGER.error(
                "ROWS REFUSED by the store: %d of %s, set aside in %s: %s",
                len(rows),
                table_name(refusal.table),
                self._directory,
                refusal.verdict,
            )
        if lines:
            self.write_file(f"{batch.digest}.jsonl", b"\n".join(lines) + b"\n")

    def write_file(self, name: str, content: bytes) -> None:
        """Write or replace one file, unless the folder's quota has no room or the disk refuses."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            present = sum(path.stat().st_size for path in self._directory.iterdir() if path.name != name)
            if present + len(content) > self._quota_bytes:
                LOGGER.error("%s is full: refused rows are counted, but not kept", self._directory)
                return
            draft = self._directory / f".{name}.new"
            draft.write_bytes(content)
            draft.rename(self._directory / name)
        except OSError as exc:
            LOGGER.error("refused rows cannot be kept: %s", exc)
