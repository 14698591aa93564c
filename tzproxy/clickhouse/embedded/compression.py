"""Owns the decoding of compressed request bodies. Not hot.

Answers are never compressed: they do not leave the machine, and HTTP leaves the choice to the server.

Which of lz4, zstd and brotli work depends on what is installed, and the client has the same installation: it
offers only what it can do itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Final, Protocol

from tzproxy.clickhouse.embedded.engine import EngineError


class _Decoder(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


def decode_chunks(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Undo a Content-Encoding.

    Raises:
        EngineError: The encoding is unknown here, or the bytes are not encoded so.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return iter(chunks)
    make = _DECODERS.get(name)
    decoder = make() if make is not None else None
    if decoder is None:
        raise EngineError(
            f"Code: 48. DB::Exception: Unknown HTTP content encoding: {name}. (NOT_IMPLEMENTED)",
            clickhouse_code=48,
        )
    return _decode(chunks, decoder, name)


def _decode(chunks: Iterable[bytes], decoder: _Decoder, name: str) -> Iterator[bytes]:
    for chunk in chunks:
        try:
            data = decoder.decompress(chunk)
        except Exception as exc:
            # Every library has an error class of its own.
            raise EngineError(
                f"Code: 354. DB::Exception: The body is not valid {name}: {exc}. (ZLIB_INFLATE_FAILED)",
                clickhouse_code=354,
            ) from exc
        if data:
            yield data
    # A decoder that knows its end says whether it came.
    if not getattr(decoder, "eof", True):
        raise EngineError(
            f"Code: 354. DB::Exception: The {name} body ends too early. (ZLIB_INFLATE_FAILED)",
            clickhouse_code=354,
        )


def _optional(make: Callable[[Any], _Decoder], *modules: str) -> Callable[[], _Decoder | None]:
    def build() -> _Decoder | None:
        for name in modules:
            try:
                return make(import_module(name))
            except ImportError:
                continue
        return None

    return build


_DECODERS: Final[dict[str, Callable[[], _Decoder | None]]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "x-gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": lambda: zlib.decompressobj(),
    "lz4": _optional(lambda lz4: _Frames(lz4.LZ4FrameDecompressor), "lz4.frame"),
    "zstd": _optional(lambda zstd: _Frames(zstd.ZstdDecompressor), "compression.zstd", "backports.zstd"),
    "br": _optional(lambda brotli: _Brotli(brotli.Decompressor()), "brotli"),
}


class _Frames:
    """A body of several frames in a row, which is how clickhouse-connect compresses block by block."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._frame: Any = None

    @property
    def eof(self) -> bool:
        return self._frame is None

    def decompress(self, data: bytes, /) -> bytes:
        out = []
        while data:
            if self._frame is None:
                self._frame = self._make()
            out.append(self._frame.decompress(data))
            if not self._frame.eof:
                break
            data = self._frame.unused_data or b""
            self._frame = None
        return b"".join(out)


class _Brotli:
    """The one library that calls it `process`."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished())

    def decompress(self, data: bytes, /) -> bytes:
        return bytes(self._decoder.process(data))
