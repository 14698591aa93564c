"""Real servers on loopback, a certificate authority of our own, and uvloop under every test here."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop
from msgspec import Struct


def pytest_asyncio_loop_factories(
    config: Any, item: Any
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests of this folder on the loop that the gateway uses."""
    return {"uvloop": uvloop.new_event_loop}


class Clock:
    """A clock that moves when told. Timers of the loop still fire in real time, look at it, and wait on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock for deadlines that must not depend on how busy the machine is."""
    return Clock()


class Site:
    """A server on a real socket: calls `respond(head, body, transport)` for each complete request."""

    def __init__(self, respond: Callable[[bytes, bytes, asyncio.Transport], None]) -> None:
        self.respond = respond
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.accepted: list[asyncio.Transport] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, context: ssl.SSLContext | None = None) -> Site:
        """Listen on a free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Session(self), "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close the listener and every connection."""
        for transport in self.accepted:
            transport.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.sleep(0)


class _Session(asyncio.Protocol):
    def __init__(self, site: Site) -> None:
        self._site = site
        self._data = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._site.accepted.append(transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[: end + 2]
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            if len(self._data) < end + 4 + length:
                return
            body, self._data = self._data[end + 4 : end + 4 + length], self._data[end + 4 + length :]
            self._site.heads.append(head)
            self._site.bodies.append(body)
            self._site.respond(head, body, self._transport)


class TunnelProxy:
    """A proxy that understands CONNECT and nothing else; counts and keeps what it was asked."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.waits: list[asyncio.Future[bytes]] = []
        """With no answer at all: what ends when the client goes away."""
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, context: ssl.SSLContext | None = None) -> TunnelProxy:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close the listener and end every relay."""
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        others: list[asyncio.StreamWriter] = []
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            if self.answer.startswith(b"HTTP/1.1 200 ") and self.answer.endswith(b"\r\n\r\n"):
                host, _, port = head.split(b" ")[1].rpartition(b":")
                far_reader, far_writer = await asyncio.open_connection(host.decode(), int(port))
                others.append(far_writer)
                writer.write(self.answer)
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
            else:
                writer.write(self.answer)
                await writer.drain()
                if not self.answer:
                    self.waits.append(asyncio.ensure_future(reader.read()))
                    await self.waits[-1]
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in (writer, *others):
                each.transport.abort()
            self._tasks.discard(task)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Start servers (`Site`, `TunnelProxy`) that stop with the test."""
    running: list[Any] = []

    async def start(server: Any, context: ssl.SSLContext | None = None) -> Any:
        running.append(server)
        return await server.start(context)

    yield start
    for server in running:
        await server.stop()


@pytest.fixture
def site_class() -> type[Site]:
    """The class of scripted servers."""
    return Site


@pytest.fixture
def proxy_class() -> type[TunnelProxy]:
    """The class of CONNECT proxies."""
    return TunnelProxy


class Authority(Struct, frozen=True):
    """Files of a certificate authority and of a server certificate for 127.0.0.1 and localhost."""

    roots: Path
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Make the server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make a certificate authority that nobody else trusts."""
    folder = tmp_path_factory.mktemp("authority")

    def openssl(command: str) -> None:
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)

    curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    openssl(
        f"req -x509 {curve} -days 2 -subj /CN=tests -keyout ca.key -out ca.pem"
        " -addext keyUsage=critical,keyCertSign"
    )
    openssl(f"req {curve} -subj /CN=server -keyout server.key -out server.csr")
    (folder / "ext").write_text(
        "subjectAltName=IP:127.0.0.1,DNS:localhost\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth\n"
    )
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 2 -extfile ext -out server.pem"
    )
    return Authority(roots=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server.key")
