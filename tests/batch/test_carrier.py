"""Tests of `tzproxy.batch.carrier`, against a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from file_server import FileServer, plain
from tzproxy.batch.carrier import HttpJobs
from tzproxy.errors import UpstreamConnectError, UpstreamError, UpstreamProtocolError, UpstreamTimeoutError
from tzproxy.providers.batches import JobRefusedError, JobRequest
from tzproxy.upstream import UpstreamSettings

HEADERS = (("authorization", "Bearer sk"),)


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    """A server on a port of its own."""
    files = FileServer()
    listening = await asyncio.start_server(files.serve, "127.0.0.1", 0)
    files.port = listening.sockets[0].getsockname()[1]
    yield files
    listening.close()
    await listening.wait_closed()


@pytest.fixture
async def jobs() -> AsyncIterator[HttpJobs]:
    """A carrier that waits a while, and reads little."""
    carrier = HttpJobs(UpstreamSettings(user_agent="tests"), timeout_s=20, max_bytes=1000)
    yield carrier
    await carrier.close()


async def test_an_exchange(server: FileServer, jobs: HttpJobs) -> None:
    """Status, headers and body arrive; an answer that is no success is an answer."""
    server.answers["/a"] = plain(b"body", "x-request-id: r", status="418 Teapot")
    request = JobRequest(method="GET", url=f"{server.url}/a", headers=HEADERS)
    answer = await jobs.send(request)
    assert (answer.status, answer.body, answer.headers.get("X-Request-Id")) == (418, b"body", "r")
    assert "authorization: Bearer sk" in server.heads[0]
    assert "user-agent: tests" in server.heads[0].lower()


async def test_a_body_is_sent(server: FileServer, jobs: HttpJobs) -> None:
    """A body travels whole, with its length."""
    server.answers["/a"] = plain(b"")
    await jobs.send(JobRequest(method="PUT", url=f"{server.url}/a", headers=(), body=b"12345"))
    assert server.heads[0].startswith("PUT /a ")
    assert "content-length: 5" in server.heads[0].lower()


async def test_too_large(server: FileServer, jobs: HttpJobs) -> None:
    """An answer beyond the limit is given up."""
    server.answers["/a"] = plain(b"x" * 1001)
    with pytest.raises(UpstreamProtocolError, match="larger than 1000 bytes"):
        await jobs.send(JobRequest(method="GET", url=f"{server.url}/a", headers=()))


async def lines(jobs: HttpJobs, url: str) -> list[bytes]:
    """The lines of an answer."""
    return [line async for line in jobs.lines(JobRequest(method="GET", url=url, headers=HEADERS))]


async def test_lines(server: FileServer, jobs: HttpJobs) -> None:
    """Lines come whole, wherever the pieces of the answer end, and together may be more than one may be."""
    server.answers["/a"] = plain(b"one\r\n\n  two \n" + b"\n".join([b"x" * 900] * 5) + b"\nlast")
    assert await lines(jobs, f"{server.url}/a") == [b"one", b"two", *[b"x" * 900] * 5, b"last"]
    assert "authorization: Bearer sk" in server.heads[0]
    server.answers["/a"] = plain(b"")
    assert await lines(jobs, f"{server.url}/a") == []


async def test_lines_in_pieces(server: FileServer, jobs: HttpJobs) -> None:
    """A line that came is there before the answer ends; one that the connection cuts off is not."""
    goes_on = asyncio.Event()

    async def halting(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfirst\nsec")
        await writer.drain()
        await goes_on.wait()
        writer.write(b"ond\nthird")

    server.answers["/a"] = halting
    got = jobs.lines(JobRequest(method="GET", url=f"{server.url}/a", headers=()))
    assert await anext(got) == b"first"
    goes_on.set()
    assert await anext(got) == b"second"
    with pytest.raises(UpstreamError):
        await anext(got)


async def test_lines_that_are_refused_or_too_long(server: FileServer, jobs: HttpJobs) -> None:
    """A refusal is told whole; a line beyond the limit is given up, without reading on."""
    server.answers["/a"] = plain(b"no such file", status="404 Not Found")
    with pytest.raises(JobRefusedError) as caught:
        await lines(jobs, f"{server.url}/a")
    assert (caught.value.answer.status, caught.value.answer.body) == (404, b"no such file")
    server.answers["/a"] = plain(b"x" * 1001)
    with pytest.raises(UpstreamProtocolError, match="a line of the answer of .* is larger than 1000 bytes"):
        await lines(jobs, f"{server.url}/a")


async def test_nobody_answers(server: FileServer) -> None:
    """A server that keeps silent is a timeout; the address is told without user and password."""

    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    server.answers["/a"] = silent
    jobs = HttpJobs(UpstreamSettings(), timeout_s=0.05)
    with pytest.raises(UpstreamTimeoutError) as caught:
        url = f"http://user:secret@127.0.0.1:{server.port}/a"
        await jobs.send(JobRequest(method="GET", url=url, headers=()))
    assert "secret" not in caught.value.message
    await jobs.close()


async def test_nobody_is_there(jobs: HttpJobs) -> None:
    """A port where nobody listens, and what is no address."""
    probe = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = probe.sockets[0].getsockname()[1]
    probe.close()
    await probe.wait_closed()
    with pytest.raises(UpstreamConnectError):
        await jobs.send(JobRequest(method="GET", url=f"http://127.0.0.1:{port}/", headers=()))
    with pytest.raises(UpstreamError):
        await jobs.send(JobRequest(method="GET", url="http://127.0.0.1:999999/", headers=()))


async def test_a_carrier_that_was_never_used() -> None:
    """Closing it is fine."""
    jobs = HttpJobs(UpstreamSettings(), timeout_s=1)
    await jobs.close()
    assert "HttpJobs" in repr(jobs)
