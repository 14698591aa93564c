"""Tests of `tzproxy.inference.files`: file blocks as models get them and as the store keeps them."""

from __future__ import annotations

import base64
import json

import pytest
from blake3 import blake3
from in_process import CHAT, MODEL, StartGateway, completion

from tzproxy.errors import NotSupportedError, RequestError, TzproxyError
from tzproxy.inference.files import UNCONFIGURED, FileStore, read_file, sniff_mime_type
from tzproxy.types.content import File
from tzproxy.types.request import FileFields, StorageKind, StoragePath

DISABLED = FileStore("disabled")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
RIFF = base64.b64encode(b"RIFF....????").decode()


def place_of(text: str, extension: str) -> dict[str, object]:
    """The place of a file with that base64 text (or address)."""
    digest = blake3(text.encode()).hexdigest()
    return {"kind": {"type": "disabled"}, "path": f"observability/files/{digest}.{extension}"}


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVEfmt ", "audio/x-wav"),
        (b"%PDF-1.7", "application/pdf"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"OggS\x00", "audio/ogg"),
        (b"fLaC\x00", "audio/x-flac"),
    ],
)
def test_types_are_told_by_the_first_bytes(head: bytes, mime_type: str) -> None:
    """Data without a type gets the one that its first bytes show."""
    data = base64.b64encode(head + bytes(20)).decode()
    assert sniff_mime_type(data, where="w") == mime_type


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("%%%", "w: Failed to decode base64 data: "),
        ("QQ", "w: Failed to decode base64 data: "),
        ("é", "w: Failed to decode base64 data: "),
        (
            base64.b64encode(b"RIFF....????").decode(),
            "w: No mime type provided and unable to infer from data",
        ),
        ("", "w: No mime type provided and unable to infer from data"),
    ],
)
def test_what_cannot_be_told_is_refused(data: str, message: str) -> None:
    """Broken base64 and unknown data are the client's mistake."""
    with pytest.raises(RequestError) as caught:
        sniff_mime_type(data, where="w")
    assert caught.value.message.startswith(message)


def test_data_is_kept_by_hash_and_sent_as_it_is() -> None:
    """A model gets the base64 text; the store a pointer named by the text's hash, never the bytes."""
    file, stored = read_file(
        FileFields(data=PNG, detail="low", filename="a.png", source_url="http://ignored"), DISABLED, where="w"
    )
    assert file == File(data=PNG, mime_type="image/png", detail="low", filename="a.png")
    assert json.loads(bytes(stored.storage_path)) == place_of(PNG, "png")
    assert (stored.source_url, stored.mime_type) == (None, "image/png")
    assert (stored.detail, stored.filename) == ("low", "a.png")


def test_a_given_type_is_believed() -> None:
    """Data with a type is not looked at: invalid base64 passes, as in the original."""
    file, stored = read_file(FileFields(data="%%%", mime_type="text/plain"), DISABLED, where="w")
    assert (file.data, stored.mime_type) == ("%%%", "text/plain")
    assert json.loads(bytes(stored.storage_path)) == place_of("%%%", "txt")


@pytest.mark.parametrize(
    ("mime_type", "extension"),
    [("image/jpeg", "jpg"), ("audio/wav", "wav"), ("application/json", "json"), ("x/y", "bin"), ("", "bin")],
)
def test_extensions_follow_the_type(mime_type: str, extension: str) -> None:
    """The stored name ends as its type says, in `bin` for types nobody knows."""
    _, stored = read_file(FileFields(data="QQ==", mime_type=mime_type or "?"), DISABLED, where="w")
    assert json.loads(bytes(stored.storage_path)) == place_of("QQ==", extension)


def test_urls_are_passed_on_unfetched() -> None:
    """A model gets the address; the type is guessed from it for the store only."""
    url = "https://h/x.PDF?a=b.png"
    file, stored = read_file(FileFields(url=url, file_type="url"), DISABLED, where="w")
    assert file == File(url=url)
    assert (stored.source_url, stored.mime_type) == (url, "application/pdf")
    _, stored = read_file(FileFields(url="https://h/x"), DISABLED, where="w")
    assert stored.mime_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (FileFields(url="x.png"), "w: `url` must be absolute"),
        (FileFields(url="/x.png"), "w: `url` must be absolute"),
        (FileFields(url="http://[::1/x"), "w: invalid `url`: Invalid IPv6 URL"),
        (FileFields(), "w: a file needs `url` or `data`"),
        (FileFields(file_type="base64", url="http://h/x"), "w: a file needs `url` or `data`"),
        (
            FileFields(data="data:image/png;base64,QQ==", mime_type="image/png"),
            "w: The `data` field must not contain `data:` prefix. "
            "Data should be pure base64-encoded content only.",
        ),
    ],
)
def test_bad_blocks_are_refused(block: FileFields, message: str) -> None:
    """A file block that names no file is the client's mistake."""
    with pytest.raises(RequestError) as caught:
        read_file(block, DISABLED, where="w")
    assert caught.value.message == message


def test_stores_that_are_not_there() -> None:
    """Without `[object_storage]` files are refused as before; other stores say that they are not built."""
    block = FileFields(data=PNG)
    with pytest.raises(TzproxyError) as caught:
        read_file(block, FileStore(), where="w")
    assert (caught.value.status, caught.value.message) == (500, UNCONFIGURED)
    for store in (FileStore("filesystem"), FileStore("s3_compatible")):
        with pytest.raises(NotSupportedError):
            read_file(block, store, where="w")
    with pytest.raises(NotSupportedError):
        read_file(FileFields(storage_path=StoragePath(StorageKind("disabled"), "p")), DISABLED, where="w")


async def test_a_file_from_request_to_rows(start: StartGateway) -> None:
    """The provider gets the data, the rows pointers, and the raw request a placeholder."""
    gateway = await start(MODEL + CHAT + '[object_storage]\ntype = "disabled"\n', [completion()])
    content = [{"type": "text", "text": "What is it?"}, {"type": "file", "data": PNG}]
    reply = await gateway.infer(input={"messages": [{"role": "user", "content": content}]})
    assert reply.status == 200
    assert PNG in json.dumps(gateway.sent[0])
    pointer = {
        "type": "file",
        "source_url": None,
        "mime_type": "image/png",
        "storage_path": place_of(PNG, "png"),
    }
    stored = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, pointer]}]
    assert gateway.chat_rows[0]["input"]["messages"] == stored
    assert json.loads(gateway.model_rows[0]["input_messages"]) == stored
    assert PNG.encode() not in b"".join(line for _, line in gateway.sink.rows)
    assert "<TENSORZERO_FILE_0>" in gateway.model_rows[0]["raw_request"]


async def test_a_file_without_object_storage(start: StartGateway) -> None:
    """A gateway without the section answers 500 with what to configure."""
    gateway = await start(MODEL + CHAT)
    content = [{"type": "file", "data": PNG}]
    reply = await gateway.infer(input={"messages": [{"role": "user", "content": content}]})
    assert (reply.status, reply.error) == (500, UNCONFIGURED)
