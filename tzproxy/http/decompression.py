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
        yield from _gzip(body)
    elif name == "zstd":
        yield from zstandard.ZstdDecompressor().read_to_iter(body, write_size=STEP_BYTES)
    else:
        decoder = brotli.Decompressor()
        for start in range(0, len(body), 1 << 14):
            yield decoder.process(body[start : start + (1 << 14)])
        if not decoder.is_finished():
            raise EOFError("the data ends early")


def _gzip(body: bytes) -> Iterator[bytes]:
    rest = body
    while rest:
        decoder = zlib.decompressobj(wbits=31)
        while not decoder.eof:
            part = decoder.decompress(rest, STEP_BYTES)
            rest = decoder.unconsumed_tail
            if not part and not rest and not decoder.eof:
                raise EOFError("the data ends early")
            yield part
        rest = decoder.unused_data
