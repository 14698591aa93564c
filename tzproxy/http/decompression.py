"""Compressed request bodies: gzip, br and zstd, within the body limit.

The limit bounds the output while it is made, so a small body cannot unfold into the whole memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import brotli
import zstandard

from tzproxy.errors import RequestError, TzproxyError

LIMIT_BYTES = 104_857_600
TOO_LARGE = "Failed to buffer the request body: length limit exceeded (413 Payload Too Large)"
STEP_BYTES = 1 << 20
ZSTD_PIECE_BYTES = 512
"""The library cannot bound its output, so its input is: a block of 4 bytes unfolds to 128 KiB at most.

Source: RFC 8878, sections 3.1.1.2.2 and 3.1.1.2.3."""

ENDS_EARLY = "the data ends early"


class EncodingError(TzproxyError):
    """The body is compressed in a way that the gateway does not know."""

    status = 415
    code = "unsupported_encoding"


def decompressed(body: bytes, encoding: str) -> bytes:
    """Undo a `Content-Encoding`.

    Raises:
        RequestError: for broken data or output above the limit.
        EncodingError: for an encoding that is not supported.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "br", "zstd"):
        raise EncodingError(f"Unsupported Content-Encoding: {name}")
    parts: list[bytes] = []
    size = 0
    try:
        for part in _parts(body, name):
            size += len(part)
            if size > LIMIT_BYTES:
                raise RequestError(TOO_LARGE)
            parts.append(part)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as exc:
        raise RequestError(f"Failed to decompress the request body ({name}): {exc}") from exc
    return b"".join(parts)


def _parts(body: bytes, name: str) -> Iterator[bytes]:
    if name == "gzip":
        return _gzip(body)
    return _zstd(body) if name == "zstd" else _brotli(body)


def _gzip(body: bytes) -> Iterator[bytes]:
    rest = body
    while rest:
        decoder = zlib.decompressobj(wbits=31)
        while not decoder.eof:
            part = decoder.decompress(rest, STEP_BYTES)
            rest = decoder.unconsumed_tail
            if not part and not rest and not decoder.eof:
                raise EOFError(ENDS_EARLY)
            yield part
        rest = decoder.unused_data


def _brotli(body: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    yield decoder.process(body, output_buffer_limit=STEP_BYTES)
    while not decoder.is_finished():
        part = decoder.process(b"", output_buffer_limit=STEP_BYTES)
        if not part and decoder.can_accept_more_data():
            raise EOFError(ENDS_EARLY)
        yield part


def _zstd(body: bytes) -> Iterator[bytes]:
    decoder = None
    at = 0
    while at < len(body):
        if decoder is None:
            decoder = zstandard.ZstdDecompressor().decompressobj()
        piece = body[at : at + ZSTD_PIECE_BYTES]
        yield decoder.decompress(piece)
        at += len(piece)
        if decoder.eof:
            # A body may consist of several frames.
            at -= len(decoder.unused_data)
            decoder = None
    if decoder is not None:
        raise EOFError(ENDS_EARLY)
