"""Tests of `tzproxy.http.decompression`: what compressed bodies unfold to, and where that stops."""

from __future__ import annotations

import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from in_process import CHAT, MODEL, StartGateway, completion, native
from tzproxy.errors import RequestError
from tzproxy.http import asgi, decompression
from tzproxy.http.decompression import TOO_LARGE, EncodingError, decompressed

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("name", COMPRESS)
@given(body=st.binary(max_size=2000))
def test_every_encoding_gives_the_body_back(name: str, body: bytes) -> None:
    """What was compressed is what is read."""
    assert decompressed(COMPRESS[name](body), name) == body


@pytest.mark.parametrize("name", COMPRESS)
def test_large_bodies_come_in_steps(name: str) -> None:
    """A body of many steps, compressible or not, is whole."""
    body = os.urandom(1_500_000) + bytes(3_000_000)
    assert decompressed(COMPRESS[name](body), name) == body


@pytest.mark.parametrize("name", ["", "identity", " Identity "])
def test_plain_bodies_are_not_touched(name: str) -> None:
    """No encoding is no work."""
    body = b"plain"
    assert decompressed(body, name) is body


def test_names_are_read_without_case_and_space() -> None:
    """Header values may be written in any case."""
    assert decompressed(gzip.compress(b"a"), " GZip ") == b"a"


@pytest.mark.parametrize("name", ["deflate", "x-gzip", "compress", "gzip, br", "zz"])
def test_other_encodings_are_refused(name: str) -> None:
    """Anything else is a 415."""
    with pytest.raises(EncodingError) as caught:
        decompressed(b"a", name)
    assert caught.value.status == 415
    assert caught.value.message == f"Unsupported Content-Encoding: {name}"


@pytest.mark.parametrize("name", COMPRESS)
def test_broken_data_is_the_clients_mistake(name: str) -> None:
    """Garbage and bodies that end early are a 400, however much of them could be read."""
    whole = COMPRESS[name](os.urandom(5000) + bytes(5000))
    for body in (b"garbage", whole[:-1], whole[: len(whole) // 2], whole[:3], whole + b"trailing"):
        with pytest.raises(RequestError) as caught:
            decompressed(body, name)
        assert caught.value.status == 400
        assert caught.value.message.startswith(f"Failed to decompress the request body ({name})"), body[:10]


def test_gzip_may_have_several_members() -> None:
    """Concatenated members are one body."""
    assert decompressed(gzip.compress(b"a") + gzip.compress(b"b"), "gzip") == b"ab"


def test_zstd_may_have_several_frames() -> None:
    """Concatenated frames are one body; frames may leave their size open."""
    streaming = zstandard.ZstdCompressor().compressobj()
    open_ended = streaming.compress(b"b" * 5000) + streaming.flush()
    assert decompressed(zstandard.compress(b"a") + open_ended, "zstd") == b"a" + b"b" * 5000


@pytest.mark.parametrize("name", COMPRESS)
def test_the_limit_is_for_what_comes_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of exactly the limit passes, one byte more does not."""
    monkeypatch.setattr(decompression, "LIMIT_BYTES", 1000)
    assert decompressed(COMPRESS[name](bytes(1000)), name) == bytes(1000)
    with pytest.raises(RequestError) as caught:
        decompressed(COMPRESS[name](bytes(1001)), name)
    assert (caught.value.status, caught.value.message) == (400, TOO_LARGE)


def bomb(name: str, size: int) -> bytes:
    """Compress that many zeros without holding them."""
    block = bytes(1 << 20)
    if name == "gzip":
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        return b"".join([*(packer.compress(block) for _ in range(size >> 20)), packer.flush()])
    if name == "zstd":
        stream = zstandard.ZstdCompressor(level=3).compressobj()
        return b"".join([*(stream.compress(block) for _ in range(size >> 20)), stream.flush()])
    encoder = brotli.Compressor(quality=5, lgwin=24)
    return b"".join([*(encoder.process(block) for _ in range(size >> 20)), encoder.finish()])


@pytest.mark.parametrize("name", COMPRESS)
def test_bombs_do_not_go_off(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small body that would fill the memory is left at the limit, not after it."""
    small = bomb(name, 256 << 20)
    assert len(small) < 300_000
    monkeypatch.setattr(decompression, "LIMIT_BYTES", 8 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(RequestError, match="length limit exceeded"):
            decompressed(small, name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20


# ---- over HTTP


@pytest.mark.parametrize("name", COMPRESS)
@pytest.mark.parametrize("path", ["/inference", "/openai/v1/chat/completions"])
async def test_compressed_requests_are_served(start: StartGateway, name: str, path: str) -> None:
    """All routes take compressed bodies; answers are never compressed."""
    gateway = await start(MODEL + CHAT, [completion()])
    body = COMPRESS[name](
        b'{"function_name":"f","model":"tensorzero::function_name::f","messages":[{"role":"user","content":"H"}]}'
        if "openai" in path
        else b'{"function_name":"f","input":{"messages":[{"role":"user","content":"H"}]}}'
    )
    reply = await gateway.post(path, body, {"content-encoding": name, "accept-encoding": "gzip"})
    assert reply.status == 200
    assert "content-encoding" not in reply.headers
    assert gateway.sent[0]["messages"] == [{"role": "user", "content": "H"}]


async def test_unknown_encodings_are_415(start: StartGateway) -> None:
    """A body that nobody can read is refused by its header."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.post("/inference", native(), {"content-encoding": "deflate"})
    assert reply.status == 415


@pytest.mark.parametrize("path", ["/inference", "/openai/v1/chat/completions", "/feedback"])
async def test_bodies_above_the_limit_are_400(
    start: StartGateway, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the original the status is 400 and the text says 413; nobody is asked."""
    monkeypatch.setattr(asgi, "LIMIT_BYTES", 1000)
    monkeypatch.setattr(decompression, "LIMIT_BYTES", 1000)
    gateway = await start(MODEL + CHAT)
    for body, headers in ((b" " * 1001, {}), (gzip.compress(b" " * 1001), {"content-encoding": "gzip"})):
        reply = await gateway.post(path, body, headers)
        assert reply.status == 400
        assert TOO_LARGE.encode() in reply.body
    assert gateway.network.dialled == []
