"""Tests of `tzproxy.inference.files.read`: file blocks as models get them and as the store keeps them."""

from __future__ import annotations

import base64
import json

import pytest
from blake3 import blake3

from tzproxy.errors import RequestError, TzproxyError
from tzproxy.inference.files import UNCONFIGURED, FileStore, read_file
from tzproxy.inference.files.read import check_key
from tzproxy.types.content import File
from tzproxy.types.request import FileFields, StorageKind, StoragePath

DISABLED = FileStore("disabled")
FOLDER = FileStore("filesystem", StorageKind("filesystem", path="/kept"))
BUCKET = FileStore("s3_compatible", StorageKind("s3_compatible", bucket_name="b", allow_http=True))
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
PLACE = StoragePath(StorageKind("filesystem", path="/kept"), "a/b.png")


def path_of(text: str, extension: str) -> str:
    """The key of a file with that base64 text (or address)."""
    return f"observability/files/{blake3(text.encode()).hexdigest()}{extension}"


def test_data_is_kept_by_hash_and_sent_as_it_is() -> None:
    """A model gets the base64 text; the store a pointer named by the text's hash, never the bytes."""
    read = read_file(
        FileFields(data=PNG, detail="low", filename="a.png", source_url="http://ignored"), DISABLED, where="w"
    )
    assert read.file == File(data=PNG, mime_type="image/png", detail="low", filename="a.png")
    stored = read.stored
    assert json.loads(bytes(stored.storage_path)) == {
        "kind": {"type": "disabled"},
        "path": path_of(PNG, ".png"),
    }
    assert (stored.source_url, stored.mime_type) == (None, "image/png")
    assert (stored.detail, stored.filename) == ("low", "a.png")
    assert not read.is_elsewhere


def test_a_given_type_is_believed() -> None:
    """Data with a type is not looked at: invalid base64 passes, as in the original; case does not count."""
    read = read_file(FileFields(data="%%%", mime_type="Text/Plain"), DISABLED, where="w")
    assert (read.file.data, read.stored.mime_type) == ("%%%", "text/plain")
    assert json.loads(bytes(read.stored.storage_path))["path"] == path_of("%%%", ".txt")


@pytest.mark.parametrize(
    ("store", "kind"),
    [
        (FOLDER, b'{"type":"filesystem","path":"/kept"}'),
        (
            BUCKET,
            b'{"type":"s3_compatible","bucket_name":"b","region":null,"endpoint":null,"allow_http":true}',
        ),
    ],
)
def test_pointers_name_the_configured_storage(store: FileStore, kind: bytes) -> None:
    """A pointer says in which storage the bytes are, settings of S3 that are not given as null."""
    pointer = read_file(FileFields(data=PNG), store, where="w").stored.storage_path
    assert bytes(pointer) == b'{"kind":' + kind + b',"path":"' + path_of(PNG, ".png").encode() + b'"}'


def test_addresses_get_a_provisional_pointer() -> None:
    """A model gets the address; until the bytes are known, the type is guessed and nothing is stored."""
    url = "https://h/x.PDF?a=b.png"
    read = read_file(FileFields(url=url, file_type="url"), FOLDER, where="w")
    assert read.file == File(url=url)
    assert read.is_elsewhere
    assert (read.stored.source_url, read.stored.mime_type) == (url, "application/pdf")
    assert json.loads(bytes(read.stored.storage_path))["kind"] == {"type": "disabled"}
    read = read_file(FileFields(url="https://h/x"), DISABLED, where="w")
    assert read.stored.mime_type == "application/octet-stream"


@pytest.mark.parametrize("file_type", ["object_storage_pointer", None])
def test_pointers_are_kept_as_they_came(file_type: str | None) -> None:
    """A block that names an object is stored with that name; its bytes are elsewhere."""
    block = FileFields(
        file_type=file_type,  # type: ignore[arg-type]
        storage_path=PLACE,
        mime_type="image/png",
        source_url="http://h/x",
        filename="f",
    )
    read = read_file(block, DISABLED, where="w")
    assert read.is_elsewhere
    assert (read.file.url, read.file.data, read.place) == (None, None, PLACE)
    assert bytes(read.stored.storage_path) == (
        b'{"kind":{"type":"filesystem","path":"/kept"},"path":"a/b.png"}'
    )
    assert (read.stored.source_url, read.stored.filename) == ("http://h/x", "f")


def test_a_stored_file_may_bring_its_bytes() -> None:
    """A stored file with data needs no reading and keeps its place; untagged, only its data counts."""
    block = FileFields(file_type="object_storage", storage_path=PLACE, mime_type="image/png", data=PNG)
    read = read_file(block, FOLDER, where="w")
    assert read.file.data == PNG
    assert json.loads(bytes(read.stored.storage_path))["path"] == "a/b.png"
    read = read_file(FileFields(storage_path=PLACE, mime_type="image/png", data=PNG), FOLDER, where="w")
    assert json.loads(bytes(read.stored.storage_path))["path"] == path_of(PNG, ".png")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (FileFields(url="x.png"), "w: `url` must be absolute"),
        (FileFields(url="/x.png"), "w: `url` must be absolute"),
        (FileFields(url="http://[::1/x"), "w: invalid `url`: Invalid IPv6 URL"),
        (FileFields(), "w: a file needs `url`, `data` or `storage_path`"),
        (FileFields(file_type="url", data=PNG), "w: a file needs `url`, `data` or `storage_path`"),
        (FileFields(file_type="base64", url="http://h"), "w: a file needs `url`, `data` or `storage_path`"),
        (
            FileFields(data="data:image/png;base64,QQ==", mime_type="image/png"),
            "w: The `data` field must not contain `data:` prefix. "
            "Data should be pure base64-encoded content only.",
        ),
        (FileFields(storage_path=PLACE), "w: missing field `mime_type`"),
        (
            FileFields(file_type="object_storage", storage_path=PLACE, mime_type="a/b"),
            "w: missing field `data`",
        ),
    ],
)
def test_bad_blocks_are_refused(block: FileFields, message: str) -> None:
    """A file block that names no file is the client's mistake."""
    with pytest.raises(RequestError) as caught:
        read_file(block, DISABLED, where="w")
    assert caught.value.message == message


def test_without_object_storage() -> None:
    """Without `[object_storage]` every file is refused, with the status 500 that the original has."""
    with pytest.raises(TzproxyError) as caught:
        FileStore().check_configured()
    assert (caught.value.status, caught.value.message) == (500, UNCONFIGURED)


@pytest.mark.parametrize("key", ["", "/", "a//b", "../x", "a/./b", "a/..", "a\nb", "a\x00"])
def test_keys_that_are_none(key: str) -> None:
    """A key cannot climb out of its storage, nor hold what no key holds."""
    with pytest.raises(RequestError, match="^w: invalid path in `storage_path`"):
        check_key(key, where="w")


def test_keys_lose_the_slashes_around_them() -> None:
    """A slash before or after a key means nothing."""
    assert check_key("/a/b/", where="w") == "a/b"
