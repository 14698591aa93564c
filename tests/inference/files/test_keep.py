"""Tests of `tzproxy.inference.files.keep`: files of whole requests, from the client to rows and storage."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from file_server import FileServer, moved, plain
from in_process import CHAT, MODEL, TWO_PROVIDERS, Reply, RunningGateway, StartGateway, completion, streamed
from s3_server import running_bucket
from tzproxy.inference.files import guard
from tzproxy.recording.sink import MemorySink, NullSink
from tzproxy.upstream.fake import answer

PNG_BYTES = b"\x89PNG\r\n\x1a\n" + bytes(20)
PNG = base64.b64encode(PNG_BYTES).decode()
PDF_BYTES = b"%PDF-1.4\n"
PDF = base64.b64encode(PDF_BYTES).decode()
DISABLED = '[object_storage]\ntype = "disabled"\n'
PERMITTED = {"TZPROXY_ALLOW_PRIVATE_FILE_URLS": "1"}
FIRST = "[gateway]\nfetch_and_encode_input_files_before_inference = true\n"
NOWHERE = {"type": "disabled"}


def folder_at(path: Path) -> str:
    """Configure a folder."""
    return f'[object_storage]\ntype = "filesystem"\npath = "{path}"\n'


def asking(*files: dict[str, Any]) -> dict[str, Any]:
    """Write an input of a text and files."""
    blocks = [{"type": "text", "text": "What is it?"}, *({"type": "file", **file} for file in files)]
    return {"messages": [{"role": "user", "content": blocks}]}


def path_of(data: str, extension: str) -> str:
    """The key of a file with this base64 text."""
    return f"observability/files/{blake3(data.encode()).hexdigest()}{extension}"


def parts(gateway: RunningGateway, index: int = 0) -> list[Any]:
    """The parts of the only message that reached the provider, but for the text."""
    content = gateway.sent[index]["messages"][0]["content"]
    assert isinstance(content, list)
    return content[1:]


def stored(gateway: RunningGateway) -> list[Any]:
    """The files in the row of the inference; the row of the model call has the same."""
    files: list[Any] = gateway.chat_rows[0]["input"]["messages"][0]["content"][1:]
    assert json.loads(gateway.model_rows[0]["input_messages"])[0]["content"][1:] == files
    return files


async def settled(gateway: RunningGateway) -> None:
    """Wait for what goes on in the background: closing does."""
    await gateway.close()


# ---- bytes in the request


async def test_a_file_from_request_to_rows(start: StartGateway) -> None:
    """The provider gets the data, the rows pointers, and the raw request a placeholder."""
    gateway = await start(MODEL + CHAT + DISABLED, [completion()])
    reply = await gateway.infer(input=asking({"data": PNG}))
    assert reply.status == 200
    assert PNG in json.dumps(gateway.sent[0])
    pointer = {
        "type": "file",
        "source_url": None,
        "mime_type": "image/png",
        "storage_path": {"kind": NOWHERE, "path": path_of(PNG, ".png")},
    }
    assert stored(gateway) == [pointer]
    assert isinstance(gateway.sink, MemorySink)
    assert PNG.encode() not in b"".join(line for _, line in gateway.sink.rows)
    assert "<TENSORZERO_FILE_0>" in gateway.model_rows[0]["raw_request"]


async def test_a_file_without_object_storage(start: StartGateway) -> None:
    """A gateway without the section answers 500 with what to configure."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.infer(input=asking({"data": PNG}))
    assert reply.status == 500
    assert reply.error.startswith("Object storage is not configured. ")


async def test_bytes_are_stored_after_the_answer(start: StartGateway, tmp_path: Path) -> None:
    """The bytes are stored under the pointer's key, and the pointer names the storage."""
    kept = tmp_path / "kept"
    kept.mkdir()
    gateway = await start(MODEL + CHAT + folder_at(kept), [completion()])
    assert (await gateway.infer(input=asking({"data": PNG}))).status == 200
    assert stored(gateway)[0]["storage_path"] == {
        "kind": {"type": "filesystem", "path": str(kept)},
        "path": path_of(PNG, ".png"),
    }
    await settled(gateway)
    assert (kept / path_of(PNG, ".png")).read_bytes() == PNG_BYTES


@pytest.mark.parametrize("synchronous", [False, True])
async def test_a_dry_run_keeps_nothing(start: StartGateway, tmp_path: Path, synchronous: bool) -> None:
    """A dry run stores neither rows nor bytes, and fetches nothing that no model needs."""
    gateway = await start(
        MODEL + CHAT + folder_at(tmp_path), [completion()], synchronous=synchronous, environ=PERMITTED
    )
    files = asking({"data": PDF}, {"url": "http://127.0.0.1:1/missing"})
    assert (await gateway.infer(input=files, dryrun=True)).status == 200
    await settled(gateway)
    assert not (tmp_path / "observability").exists()
    assert gateway.chat_rows == []


async def test_without_recording_nothing_is_kept(
    start: StartGateway, tmp_path: Path, server: FileServer
) -> None:
    """A gateway that records nothing stores no bytes and fetches nothing for rows."""
    toml = MODEL + CHAT + folder_at(tmp_path)
    gateway = await start(toml, [completion(), completion()], sink=NullSink(), environ=PERMITTED)
    server.answers["/a.png"] = plain(PNG_BYTES)
    assert (await gateway.infer(input=asking({"data": PDF}))).status == 200
    assert (await gateway.infer(input=asking({"url": f"{server.url}/a.png"}))).status == 200
    await settled(gateway)
    assert not (tmp_path / "observability").exists()
    assert server.heads == []


async def test_a_storage_that_fails(
    start: StartGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Bytes that cannot be stored are an error in the log; the answer and its rows are as ever."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "observability").write_text("in the way")
    gateway = await start(MODEL + CHAT + folder_at(kept), [completion(), completion()])
    assert (await gateway.infer(input=asking({"data": PNG}))).status == 200
    assert (await gateway.infer(input=asking({"data": "%%%", "mime_type": "image/png"}))).status == 200
    await settled(gateway)
    assert len(gateway.chat_rows) == 2
    assert "A file is not stored: Error writing to object store: `" in caplog.text
    assert "Failed to decode file as base64" in caplog.text


async def test_a_bucket_gets_the_bytes(start: StartGateway) -> None:
    """A storage that speaks S3 gets the bytes under the pointer's key."""
    async with running_bucket() as bucket:
        toml = (
            MODEL + CHAT + '[object_storage]\ntype = "s3_compatible"\nbucket_name = "b"\nallow_http = true\n'
            f'endpoint = "{bucket.url}"\n'
        )
        keys = {"S3_ACCESS_KEY_ID": "id", "S3_SECRET_ACCESS_KEY": "secret"}
        gateway = await start(toml, [completion()], environ=keys)
        assert (await gateway.infer(input=asking({"data": PNG}))).status == 200
        await settled(gateway)
        assert bucket.objects == {f"/b/{path_of(PNG, '.png')}": PNG_BYTES}
        assert stored(gateway)[0]["storage_path"]["kind"] == {
            "type": "s3_compatible",
            "bucket_name": "b",
            "region": None,
            "endpoint": bucket.url,
            "allow_http": True,
        }


# ---- addresses


@pytest.mark.parametrize("synchronous", [False, True])
async def test_an_address_is_forwarded_and_fetched_for_the_row(
    start: StartGateway, tmp_path: Path, server: FileServer, synchronous: bool
) -> None:
    """The provider gets the address; the row has the type and the hash that the bytes tell."""
    server.answers["/a"] = plain(PNG_BYTES, "content-type: application/octet-stream")
    gateway = await start(
        MODEL + CHAT + folder_at(tmp_path), [completion()], environ=PERMITTED, synchronous=synchronous
    )
    url = f"{server.url}/a"
    assert (await gateway.infer(input=asking({"url": url, "filename": "f", "detail": "low"}))).status == 200
    if synchronous:
        assert len(gateway.chat_rows) == 1
    await settled(gateway)
    assert parts(gateway) == [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}]
    assert stored(gateway) == [
        {
            "type": "file",
            "source_url": url,
            "mime_type": "image/png",
            "storage_path": {
                "kind": {"type": "filesystem", "path": str(tmp_path)},
                "path": path_of(PNG, ".png"),
            },
            "detail": "low",
            "filename": "f",
        }
    ]
    assert (tmp_path / path_of(PNG, ".png")).read_bytes() == PNG_BYTES
    assert server.paths == ["/a"]
    assert gateway.model_rows[0]["raw_request"].count(url) == 1


async def test_what_is_no_image_is_fetched_first(start: StartGateway, server: FileServer) -> None:
    """A file that the provider takes no address for goes there as bytes, with the type that was given."""
    server.answers["/a"] = plain(b"hello", "content-type: text/plain")
    gateway = await start(MODEL + CHAT + DISABLED, [completion()], environ=PERMITTED)
    url = f"{server.url}/a"
    reply = await gateway.infer(input=asking({"url": url, "mime_type": "application/pdf"}))
    assert reply.status == 200
    data = base64.b64encode(b"hello").decode()
    file = {"file_data": f"data:application/pdf;base64,{data}", "filename": "input.pdf"}
    assert parts(gateway) == [{"type": "file", "file": file}]
    await settled(gateway)
    assert stored(gateway)[0]["mime_type"] == "application/pdf"
    assert stored(gateway)[0]["storage_path"]["path"] == path_of(data, ".pdf")
    assert "<TENSORZERO_FILE_0>" in gateway.model_rows[0]["raw_request"]
    assert server.paths == ["/a"]


async def test_all_files_first_on_demand(start: StartGateway, server: FileServer) -> None:
    """`fetch_and_encode_input_files_before_inference` sends bytes even where an address would do."""
    server.answers["/a"] = plain(PNG_BYTES)
    gateway = await start(FIRST + MODEL + CHAT + DISABLED, [completion()], environ=PERMITTED)
    assert (await gateway.infer(input=asking({"url": f"{server.url}/a"}))).status == 200
    assert parts(gateway)[0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"


async def test_attempts_share_what_was_fetched(start: StartGateway, server: FileServer) -> None:
    """A second provider, and a second block with the same address, fetch nothing again."""
    server.answers["/a"] = plain(PDF_BYTES)
    gateway = await start(
        TWO_PROVIDERS + CHAT + DISABLED,
        [answer(b"{}", status=500)],
        [completion()],
        environ=PERMITTED,
    )
    file = {"url": f"{server.url}/a", "mime_type": "application/pdf"}
    assert (await gateway.infer(input=asking(file, file))).status == 200
    await settled(gateway)
    assert parts(gateway, 0) == parts(gateway, 1)
    assert server.paths == ["/a"]


async def test_a_file_that_is_missing_fails_each_provider(start: StartGateway, server: FileServer) -> None:
    """A file that a provider needs and nobody has is that provider's failure, asked for once."""
    gateway = await start(TWO_PROVIDERS + CHAT + DISABLED, environ=PERMITTED)
    url = f"{server.url}/missing"
    reply = await gateway.infer(input=asking({"url": url, "mime_type": "application/pdf"}))
    failed = f"Error fetching file from {url}: HTTP error 404 Not Found: nope"
    assert reply.status == 502
    assert reply.error == (
        f"All variants failed with errors: v: All model providers failed to infer with errors: "
        f"p: {failed}, q: {failed}"
    )
    assert server.paths == ["/missing"]
    pinned = await gateway.infer(input=asking({"url": url, "mime_type": "application/pdf"}), variant_name="v")
    assert pinned.status == 500


async def test_a_row_whose_file_is_missing(
    start: StartGateway, server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An answered inference is recorded even if its file is gone: with its address; an error is logged."""
    gateway = await start(MODEL + CHAT + DISABLED, [completion()], environ=PERMITTED)
    url = f"{server.url}/missing.gif?signature=secret"
    assert (await gateway.infer(input=asking({"url": url}))).status == 200
    await settled(gateway)
    assert stored(gateway) == [
        {
            "type": "file",
            "source_url": url,
            "mime_type": "image/gif",
            "storage_path": {"kind": NOWHERE, "path": path_of(url, ".gif")},
        }
    ]
    assert "An inference is recorded without one of its files: " in caplog.text
    assert "HTTP error 404 Not Found: nope" in caplog.text
    assert "signature" not in caplog.text


async def test_synchronous_rows_need_their_files(start: StartGateway, server: FileServer) -> None:
    """Where rows are written before the answer, a missing file fails the variant, as in the original."""
    gateway = await start(
        MODEL + CHAT + DISABLED, [completion(), completion()], environ=PERMITTED, synchronous=True
    )
    url = f"{server.url}/missing"
    failed = f"Error fetching file from {url}: HTTP error 404 Not Found: nope"
    reply = await gateway.infer(input=asking({"url": url}))
    assert (reply.status, reply.error) == (502, f"All variants failed with errors: v: {failed}")
    reply = await gateway.infer(input=asking({"url": url}), variant_name="v")
    assert (reply.status, reply.error) == (500, failed)
    assert gateway.chat_rows == []


async def test_a_type_that_nobody_tells(start: StartGateway, server: FileServer) -> None:
    """A fetched file without any type cannot be sent."""
    server.answers["/a"] = plain(b"hello")
    gateway = await start(FIRST + MODEL + CHAT + DISABLED, environ=PERMITTED)
    reply = await gateway.infer(input=asking({"url": f"{server.url}/a"}))
    assert reply.status == 502
    assert reply.error.endswith(
        "`mime_type` not provided, and unable to infer from file content or Content-Type header"
    )


@pytest.mark.parametrize("synchronous", [False, True])
async def test_streams(start: StartGateway, server: FileServer, synchronous: bool) -> None:
    """A stream's row waits for its files as well, and the stream does not fail without them."""
    server.answers["/a"] = plain(PDF_BYTES)
    gateway = await start(
        MODEL + CHAT + DISABLED, [streamed("Hi")], environ=PERMITTED, synchronous=synchronous
    )
    files = asking({"url": f"{server.url}/a", "mime_type": "application/pdf"}, {"url": f"{server.url}/b"})
    reply = await gateway.infer(input=files, stream=True)
    assert reply.status == 200
    assert reply.events()[-1] == "data: [DONE]"
    await settled(gateway)
    assert parts(gateway)[0]["file"]["file_data"] == f"data:application/pdf;base64,{PDF}"
    assert stored(gateway)[0]["storage_path"]["path"] == path_of(PDF, ".pdf")
    assert stored(gateway)[1]["storage_path"]["path"] == path_of(f"{server.url}/b", ".xtp")


async def test_one_bad_file_is_its_requests_matter(
    start: StartGateway, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gigabyte, and a redirect to the metadata service, fail their own requests and no other."""
    judge = guard.forbidden
    here = ipaddress.ip_address("127.0.0.1")
    monkeypatch.setattr(guard, "forbidden", lambda address: None if address == here else judge(address))

    async def huge(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 1073741824\r\n\r\n")
        await writer.drain()

    server.answers["/huge"] = huge
    server.answers["/away"] = moved("http://169.254.169.254/latest/meta-data/")
    server.answers["/good"] = plain(PDF_BYTES)
    gateway = await start(MODEL + CHAT + DISABLED, [completion()])

    async def ask(path: str) -> Reply:
        file = {"url": f"{server.url}{path}", "mime_type": "application/pdf"}
        return await gateway.infer(input=asking(file))

    big, away, good = await asyncio.gather(ask("/huge"), ask("/away"), ask("/good"))
    assert (big.status, away.status, good.status) == (502, 502, 200)
    assert "104857600 bytes together" in big.error
    assert "the address 169.254.169.254 of 169.254.169.254 is a metadata service" in away.error


async def test_private_addresses_need_permission(start: StartGateway, server: FileServer) -> None:
    """Without permission no file of this machine is read, whoever asks."""
    server.answers["/a"] = plain(PDF_BYTES)
    gateway = await start(MODEL + CHAT + DISABLED)
    file = {"url": f"{server.url}/a", "mime_type": "application/pdf"}
    reply = await gateway.infer(input=asking(file))
    assert reply.status == 502
    assert "the address 127.0.0.1 of 127.0.0.1 is loopback" in reply.error
    assert server.heads == []


# ---- pointers


@pytest.fixture
async def with_folder(start: StartGateway, tmp_path: Path) -> AsyncIterator[tuple[RunningGateway, Path]]:
    """A gateway with a folder that holds one object, `x/y.png`."""
    kept = tmp_path / "kept"
    (kept / "x").mkdir(parents=True)
    (kept / "x" / "y.png").write_bytes(PNG_BYTES)
    yield await start(MODEL + CHAT + folder_at(kept), [completion()]), kept


def pointing(kind: dict[str, Any], path: str = "x/y.png", **fields: object) -> dict[str, Any]:
    """Write a block that names an object."""
    return {
        "file_type": "object_storage_pointer",
        "mime_type": "image/png",
        "storage_path": {"kind": kind, "path": path},
        **fields,
    }


async def test_a_pointer_is_read_again(with_folder: tuple[RunningGateway, Path]) -> None:
    """A model gets the bytes behind a pointer; the row has the pointer as it came."""
    gateway, kept = with_folder
    file = pointing({"type": "filesystem", "path": str(kept)}, source_url="http://h/x")
    assert (await gateway.infer(input=asking(file))).status == 200
    assert parts(gateway)[0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"
    await settled(gateway)
    assert stored(gateway) == [
        {
            "type": "file",
            "source_url": "http://h/x",
            "mime_type": "image/png",
            "storage_path": file["storage_path"],
        }
    ]
    assert [path.name for path in kept.rglob("*.*")] == ["y.png"]


async def test_a_stored_file_with_bytes(with_folder: tuple[RunningGateway, Path]) -> None:
    """A stored file that brings its bytes is stored where it says."""
    gateway, kept = with_folder
    file = pointing({"type": "filesystem", "path": str(kept)}, "x/z.png", data=PNG)
    file["file_type"] = "object_storage"
    assert (await gateway.infer(input=asking(file))).status == 200
    await settled(gateway)
    assert (kept / "x" / "z.png").read_bytes() == PNG_BYTES


@pytest.mark.parametrize(
    ("kind", "path", "reason"),
    [
        (None, "x/nope.png", "Internal error: Error getting object: Object at location "),
        ({"type": "disabled"}, "x/y.png", "Object store was disabled"),
        ({"type": "filesystem", "path": "/etc"}, "passwd", "of storages that are not configured, only keys"),
        (
            {"type": "s3_compatible", "bucket_name": "b", "endpoint": "http://169.254.169.254"},
            path_of(PNG, ".png"),
            "the endpoint is not the configured one",
        ),
    ],
)
async def test_pointers_to_nothing(
    with_folder: tuple[RunningGateway, Path], kind: dict[str, Any] | None, path: str, reason: str
) -> None:
    """What cannot be read, or is not for clients to read, fails the provider's attempt."""
    gateway, kept = with_folder
    file = pointing(kind or {"type": "filesystem", "path": str(kept)}, path)
    reply = await gateway.infer(input=asking(file))
    assert reply.status == 502
    assert reason in reply.error


async def test_another_storage(with_folder: tuple[RunningGateway, Path], tmp_path: Path) -> None:
    """A file that a gateway kept in another storage is read from there, and kept here as well."""
    gateway, kept = with_folder
    before = tmp_path / "before" / path_of(PNG, ".png")
    before.parent.mkdir(parents=True)
    before.write_bytes(PNG_BYTES)
    file = pointing({"type": "filesystem", "path": str(tmp_path / "before")}, path_of(PNG, ".png"))
    assert (await gateway.infer(input=asking(file))).status == 200
    assert parts(gateway)[0]["image_url"]["url"] == f"data:image/png;base64,{PNG}"
    await settled(gateway)
    assert (kept / path_of(PNG, ".png")).read_bytes() == PNG_BYTES


async def test_the_end_waits_for_files(
    start: StartGateway, server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway that ends finishes what it has begun to record."""
    let_go = asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.write(plain(PNG_BYTES))
        await writer.drain()

    server.answers["/a"] = slow
    gateway = await start(MODEL + CHAT + DISABLED, [completion()], environ=PERMITTED)
    assert (await gateway.infer(input=asking({"url": f"{server.url}/a"}))).status == 200
    assert gateway.chat_rows == []
    closing = asyncio.ensure_future(gateway.close())
    await asyncio.sleep(0)
    let_go.set()
    await closing
    assert stored(gateway)[0]["mime_type"] == "image/png"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
