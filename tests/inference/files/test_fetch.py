"""Tests of `tzproxy.inference.files.fetch`: remote files, over real sockets of this machine."""

from __future__ import annotations

import asyncio
import base64
import gzip
import ipaddress
import logging
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from msgspec import structs

from file_server import FileServer, moved, plain
from tzproxy.inference.files import guard
from tzproxy.inference.files.fetch import MAX_REDIRECTS, FileFetcher
from tzproxy.inference.files.remote import Budget, FileFetchError
from tzproxy.upstream.settings import UpstreamSettings

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SETTINGS = UpstreamSettings(user_agent="agent/1")
MakeFetcher = Callable[..., FileFetcher]


@pytest.fixture
async def make() -> AsyncIterator[MakeFetcher]:
    """Make fetchers that are closed with the test; they may fetch from this machine unless told otherwise."""
    made: list[FileFetcher] = []

    def make_one(settings: UpstreamSettings = SETTINGS, **options: object) -> FileFetcher:
        made.append(FileFetcher(settings, **{"allow_private": True, **options}))  # type: ignore[arg-type]
        return made[-1]

    yield make_one
    for fetcher in made:
        await fetcher.close()


async def failure(fetcher: FileFetcher, url: str, budget: Budget | None = None) -> str:
    """Fetch what cannot be had; return the reason."""
    with pytest.raises(FileFetchError) as caught:
        await fetcher.fetch(url, budget or Budget())
    error = caught.value
    assert (error.status, error.code) == (500, "file_fetch")
    assert error.message == f"Error fetching file from {error.url}: {error.reason}"
    return error.reason


async def test_a_file_comes_as_base64(make: MakeFetcher, server: FileServer) -> None:
    """The bytes come as base64 text, with the type that they show; the request names the gateway."""
    server.answers["/a.png?x=1"] = plain(PNG, "content-type: image/png")
    found = await make().fetch(f"{server.url}/a.png?x=1", Budget())
    assert base64.b64decode(found.data) == PNG
    assert found.mime_type == "image/png"
    (head,) = server.heads
    assert "user-agent: agent/1\r\n" in head.lower()
    assert "accept-encoding: identity\r\n" in head.lower()
    assert f"host: 127.0.0.1:{server.port}\r\n" in head.lower()


async def test_a_large_file_comes_whole(make: MakeFetcher, server: FileServer) -> None:
    """A file of more than one read and of unannounced length is put together."""
    body = bytes(range(256)) * 4096

    async def chunked(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ntransfer-encoding: chunked\r\n\r\n")
        for start in range(0, len(body), 100_000):
            part = body[start : start + 100_000]
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    server.answers["/"] = chunked
    found = await make().fetch(f"{server.url}/", Budget())
    assert base64.b64decode(found.data) == body


@pytest.mark.parametrize(
    ("body", "headers", "mime_type", "untold"),
    [
        (PNG, ["content-type: image/jpeg"], "image/png", ""),
        (b"hello", ["content-type: Text/Plain;charset=utf-8"], "text/plain;charset=utf-8", ""),
        (
            b"hello",
            [],
            None,
            "`mime_type` not provided, and unable to infer from file content or Content-Type header",
        ),
        (b"hello", ["content-type: text"], None, "Content-Type header is not a valid mime type: 'text'"),
    ],
)
async def test_the_type(
    make: MakeFetcher,
    server: FileServer,
    body: bytes,
    headers: list[str],
    mime_type: str | None,
    untold: str,
) -> None:
    """The bytes tell the type, else the server, else nobody; then it is said why."""
    server.answers["/x.txt"] = plain(body, *headers)
    found = await make().fetch(f"{server.url}/x.txt", Budget())
    assert (found.mime_type, found.untold) == (mime_type, untold)


async def test_a_wrong_type_is_logged(
    make: MakeFetcher, server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that names another type than the bytes show is named in no log, its mistake is."""
    server.answers["/x"] = plain(PNG, "content-type: image/jpeg")
    with caplog.at_level(logging.WARNING):
        await make().fetch(f"{server.url}/x", Budget())
    assert "A fetched file is `image/png` by its bytes although its server says `image/jpeg`" in caplog.text


async def test_errors_of_the_server(make: MakeFetcher, server: FileServer) -> None:
    """An answer that is no success is an error with the beginning of what it says."""
    assert await failure(make(), f"{server.url}/missing") == "HTTP error 404 Not Found: nope"
    server.answers["/long"] = plain(b"x" * 5000, status="500 No")
    assert await failure(make(), f"{server.url}/long") == "HTTP error 500 No: " + "x" * 1024


async def test_nobody_listens(make: MakeFetcher, server: FileServer) -> None:
    """A refused connection, a name that is none and a scheme that is not fetched are errors alike."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    fetcher = make()
    assert (await failure(fetcher, f"http://127.0.0.1:{port}/")).startswith("Error fetching image: ")
    assert (await failure(fetcher, "http://127.0.0.1:99999/")).startswith("Error fetching image: ")
    assert (await failure(fetcher, "http://[::1/")).startswith("Error fetching image: ")
    assert (await failure(fetcher, f"http://{'a' * 70}.invalid/")).startswith("Error fetching image: ")
    assert await failure(fetcher, "ftp://h/x") == "Error fetching image: ftp: is not fetched"
    assert await failure(fetcher, "file:///etc/passwd") == "Error fetching image: file: is not fetched"


async def test_names_and_passwords_are_sent_and_not_told(make: MakeFetcher, server: FileServer) -> None:
    """A name and a password in an address go to its server and into no message."""
    with pytest.raises(FileFetchError) as caught:
        await make().fetch(f"http://me:secret@127.0.0.1:{server.port}/x", Budget())
    assert "secret" not in caught.value.message
    assert f"http://127.0.0.1:{server.port}/x" in caught.value.message
    credentials = base64.b64encode(b"me:secret").decode()
    assert f"authorization: basic {credentials}".lower() in server.heads[0].lower()


async def test_redirects_are_followed(make: MakeFetcher, server: FileServer) -> None:
    """Redirects lead on, relative ones too, and without what the address before held."""
    server.answers["/a"] = moved("/b")
    server.answers["/b"] = moved(f"{server.url}/c", "308 Permanent Redirect")
    server.answers["/c"] = plain(PNG)
    found = await make().fetch(f"http://me:secret@127.0.0.1:{server.port}/a", Budget())
    assert base64.b64decode(found.data) == PNG
    assert server.paths == ["/a", "/b", "/c"]
    assert "authorization" not in server.heads[2].lower()


async def test_redirects_come_to_an_end(make: MakeFetcher, server: FileServer) -> None:
    """A circle of redirects is given up after ten of them."""
    server.answers["/a"] = moved("/a")
    reason = await failure(make(), f"{server.url}/a")
    assert reason == "Error fetching image: more than 10 redirects"
    assert len(server.heads) == MAX_REDIRECTS + 1


async def test_a_redirect_to_another_scheme(make: MakeFetcher, server: FileServer) -> None:
    """A redirect cannot lead to a file of this machine."""
    server.answers["/a"] = moved("file:///etc/passwd")
    assert await failure(make(), f"{server.url}/a") == "Error fetching image: file: is not fetched"


async def test_cookies_do_not_travel(make: MakeFetcher, server: FileServer) -> None:
    """A cookie that one file's server sets is not sent with the next file."""
    server.answers["/a"] = plain(PNG, "set-cookie: session=1; path=/")
    fetcher = make()
    await fetcher.fetch(f"{server.url}/a", Budget())
    await fetcher.fetch(f"{server.url}/a", Budget())
    assert all("cookie" not in head.lower() for head in server.heads)


async def test_an_announced_gigabyte_is_not_read(make: MakeFetcher, server: FileServer) -> None:
    """A file that says it is too large is refused at once, and nothing of it is taken."""

    async def huge(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 1073741824\r\n\r\n")
        await writer.drain()

    server.answers["/huge.png"] = huge
    budget = Budget()
    reason = await failure(make(), f"{server.url}/huge.png", budget)
    assert reason.startswith("the files of a request may have 104857600 bytes together")
    assert budget.left == budget.total


async def test_an_endless_file_is_cut_off(make: MakeFetcher, server: FileServer) -> None:
    """A file that does not end is given up at the limit, and its connection closed."""
    cut_off = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n")
        try:
            while True:
                writer.write(bytes(65536))
                await writer.drain()
        except ConnectionError:
            cut_off.set()

    server.answers["/endless"] = endless
    reason = await failure(make(), f"{server.url}/endless", Budget(1_000_000))
    assert reason.startswith("the files of a request may have 1000000 bytes together")
    await asyncio.wait_for(cut_off.wait(), 10)


async def test_the_files_of_a_request_share_a_budget(make: MakeFetcher, server: FileServer) -> None:
    """Two files that fit alone do not fit together."""
    server.answers["/a"] = plain(bytes(600), "content-type: a/b")
    budget = Budget(1000)
    fetcher = make()
    await fetcher.fetch(f"{server.url}/a", budget)
    assert "1000 bytes together" in await failure(fetcher, f"{server.url}/a", budget)


async def test_compressed_files_are_refused(make: MakeFetcher, server: FileServer) -> None:
    """What unpacks to more than was counted is not unpacked at all."""
    server.answers["/a"] = plain(gzip.compress(bytes(100_000)), "content-encoding: gzip")
    reason = await failure(make(), f"{server.url}/a")
    assert reason == "the server compresses although it was asked not to"


async def test_a_silent_server(make: MakeFetcher, server: FileServer) -> None:
    """A server that does not go on is given up after the deadline."""
    done = asyncio.Event()

    async def silent(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
        await done.wait()

    server.answers["/a"] = silent
    reason = await failure(make(timeout_s=0.2), f"{server.url}/a")
    done.set()
    assert reason in ("timed out after 0.2 seconds", "Error fetching image: ReadTimeout")


# ---- addresses


async def test_this_machine_is_not_reached(make: MakeFetcher, server: FileServer) -> None:
    """Without permission no request goes to this machine, and the error says how to permit it."""
    server.answers["/a"] = plain(PNG)
    reason = await failure(make(allow_private=False), f"{server.url}/a")
    assert reason == (
        "the address 127.0.0.1 of 127.0.0.1 is loopback "
        "(TZPROXY_ALLOW_PRIVATE_FILE_URLS=1 in the gateway's environment allows it)"
    )
    assert server.heads == []


@pytest.fixture
def public_server(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """The server, whose address 127.0.0.1 counts as a public one."""
    judge = guard.forbidden

    def but_for_this(address: guard.Address) -> str | None:
        return None if address == ipaddress.ip_address("127.0.0.1") else judge(address)

    monkeypatch.setattr(guard, "forbidden", but_for_this)
    return server


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/", "//127.0.0.2/"]
)
async def test_a_redirect_to_a_forbidden_address(
    make: MakeFetcher, public_server: FileServer, target: str
) -> None:
    """Each hop is checked: a public server cannot send the gateway to the metadata service."""
    public_server.answers["/a"] = moved(target)
    reason = await failure(make(allow_private=False), f"{public_server.url}/a")
    assert reason.startswith("the address ")
    assert public_server.paths == ["/a"]


async def test_the_checked_address_is_the_one_connected_to(
    make: MakeFetcher, public_server: FileServer
) -> None:
    """A name is looked up once; the connection goes to what was checked, under the name."""
    asked: list[tuple[str, int]] = []

    async def look_up(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    public_server.answers["/a"] = plain(PNG)
    found = await make(allow_private=False, look_up=look_up).fetch(
        f"http://files.test:{public_server.port}/a", Budget()
    )
    assert base64.b64decode(found.data) == PNG
    assert asked == [("files.test", public_server.port)]
    assert f"host: files.test:{public_server.port}\r\n" in public_server.heads[0].lower()


async def test_the_next_address_is_tried(make: MakeFetcher, public_server: FileServer) -> None:
    """An address of a name that nobody listens at does not hide another."""

    async def look_up(host: str, port: int) -> Sequence[str]:
        return ["::ffff:127.0.0.1", "127.0.0.1"] if host == "files.test" else []

    # The first address is refused by the kernel or reaches nobody: both go on to the second.
    public_server.answers["/a"] = plain(PNG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guard, "forbidden", lambda address: None)
        fetcher = make(allow_private=False, look_up=look_up)
        found = await fetcher.fetch(f"http://files.test:{public_server.port}/a", Budget())
    assert base64.b64decode(found.data) == PNG


async def test_a_private_name(make: MakeFetcher, public_server: FileServer) -> None:
    """A name of the inner network is refused although its address was written as a name."""

    async def look_up(host: str, port: int) -> Sequence[str]:
        return ["10.1.2.3"]

    reason = await failure(make(allow_private=False, look_up=look_up), "https://admin.corp/x")
    assert reason.startswith("the address 10.1.2.3 of admin.corp is private")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for `files.test`, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=f "
        "-addext subjectAltName=DNS:files.test -keyout key.pem -out cert.pem".split(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    whole = folder / "both.pem"
    whole.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return whole


async def test_certificates_carry_the_name(
    make: MakeFetcher, server: FileServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS to a pinned address asks for the name's certificate, and refuses one for another name."""
    monkeypatch.setattr(guard, "forbidden", lambda address: None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]

    async def look_up(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    server.answers["/a"] = plain(PNG)
    settings = structs.replace(SETTINGS, ssl_cert_file=str(certificate))
    fetcher = make(settings, allow_private=False, look_up=look_up)
    found = await fetcher.fetch(f"https://files.test:{port}/a", Budget())
    assert base64.b64decode(found.data) == PNG
    assert "certificate verify failed" in (await failure(fetcher, f"https://other.test:{port}/a")).lower()
    listening.close()


# ---- proxies


async def test_a_proxy_makes_the_connection(make: MakeFetcher, server: FileServer) -> None:
    """Behind a proxy a name that is unknown here is left to the proxy."""

    async def look_up(host: str, port: int) -> Sequence[str]:
        raise OSError("unknown")

    url = "http://files.test/a"
    server.answers[url] = plain(PNG)
    settings = structs.replace(SETTINGS, http_proxy=server.url)
    found = await make(settings, allow_private=False, look_up=look_up).fetch(url, Budget())
    assert base64.b64decode(found.data) == PNG
    assert server.paths == [url]


async def test_a_proxy_is_not_asked_for_forbidden_addresses(make: MakeFetcher, server: FileServer) -> None:
    """What this machine knows to be a forbidden address is not asked of a proxy either."""
    settings = structs.replace(SETTINGS, http_proxy=server.url)
    reason = await failure(make(settings, allow_private=False), "http://169.254.169.254/latest")
    assert "is a metadata service" in reason
    assert server.heads == []
