"""Tests of `tzproxy.clickhouse.row_stream`: rows are cut out of pieces wherever these end."""

from __future__ import annotations

import io

import pytest
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from tzproxy.clickhouse.row_stream import PIECE_BYTES, RowStream
from tzproxy.errors import StoreUnavailableError


def stream_of(content: bytes) -> RowStream:
    """Read rows from bytes as if they came from a connection."""
    return RowStream(HTTPResponse(io.BytesIO(content), preload_content=False))


def all_rows(stream: RowStream) -> list[list[bytes]]:
    """Read to the end."""
    return list(iter(stream.read, []))


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_rows_across_pieces(ending: bytes) -> None:
    """Every row comes whole and once: one longer than a piece, one cut by it, one without an ending."""
    rows = [b"a" * 10, b"b" * (3 * PIECE_BYTES), *[b"%d" % number * 1000 for number in range(300)], b"e"]
    stream = stream_of(b"\n".join(rows) + ending)
    parts = all_rows(stream)
    assert [row for part in parts for row in part] == rows
    assert len(parts) > 2
    assert stream.read() == []
    stream.close()


def test_no_rows() -> None:
    """An empty answer has no rows."""
    assert stream_of(b"").read() == []


def test_a_broken_connection() -> None:
    """A connection that breaks is the store's failure, not the end of the rows."""

    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            raise ProtocolError("cut")

    stream = RowStream(HTTPResponse(Broken(), preload_content=False))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailableError, match="cut"):
        stream.read()
    stream.close()
