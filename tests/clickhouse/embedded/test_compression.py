"""Decoding of request bodies."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest

from tzproxy.clickhouse.embedded.compression import decode_chunks
from tzproxy.clickhouse.embedded.engine import EngineError

_TEXT = b"some rows \x00\xff" * 5000


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _encodings() -> dict[str, bytes]:
    found = {"gzip": gzip.compress(_TEXT), "deflate": zlib.compress(_TEXT), "identity": _TEXT, "": _TEXT}
    try:
        import lz4.frame as lz4  # noqa: PLC0415

        found["lz4"] = lz4.compress(_TEXT[:30_000]) + lz4.compress(_TEXT[30_000:])
    except ImportError:
        pass
    try:
        from backports import zstd  # noqa: PLC0415

        found["zstd"] = zstd.compress(_TEXT[:30_000]) + zstd.compress(_TEXT[30_000:])
    except ImportError:
        pass
    return found


@pytest.mark.parametrize(("encoding", "encoded"), _encodings().items())
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_bodies_come_out_as_they_went_in(encoding: str, encoded: bytes, size: int) -> None:
    """Each encoding is undone, however the body is cut, also where it consists of several frames."""
    if size == 1:
        encoded = encoded if len(encoded) < 10_000 else encoded
    assert b"".join(decode_chunks(_pieces(encoded, size), encoding)) == _TEXT


@pytest.mark.parametrize("encoding", [name for name in _encodings() if name not in {"identity", ""}])
def test_damaged_bodies_are_refused(encoding: str) -> None:
    """Bytes that are not encoded so, and a body that ends early, are errors and no data."""
    with pytest.raises(EngineError, match=f"not valid {encoding}"):
        list(decode_chunks(iter([b"no such thing, but long enough to notice" * 3]), encoding))
    encoded = _encodings()[encoding]
    with pytest.raises(EngineError, match="ends too early"):
        list(decode_chunks(iter([encoded[:-5]]), encoding))


def test_unknown_encodings_are_refused() -> None:
    """An encoding nobody knows is named in the error."""
    with pytest.raises(EngineError, match="Unknown HTTP content encoding: snail"):
        decode_chunks(iter([b""]), "snail")
