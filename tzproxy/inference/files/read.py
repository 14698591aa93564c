"""A file block's two forms: what a model gets, and the pointer that the store keeps. Opens nothing."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

import msgspec
from blake3 import blake3
from msgspec import Raw, Struct

from tzproxy.errors import RequestError, TzproxyError
from tzproxy.inference.files.mime import extension_of, guess_mime_type, sniff_mime_type
from tzproxy.types.content import File, StoredFile
from tzproxy.types.request import FileFields, StorageKind, StoragePath

UNCONFIGURED = (
    "Object storage is not configured. You must configure `[object_storage]` before making requests "
    "containing a `file` content block. If you don't want to use object storage, you can explicitly set "
    '`object_storage.type = "disabled"` in your configuration.'
)
NOWHERE = Raw(b'{"type":"disabled"}')
ENCODER = msgspec.json.Encoder()


class FileStore(Struct, frozen=True):
    """How this gateway keeps files.

    Attributes:
        kind: the type of the configured storage; None: it is not configured.
        home: the storage itself, with every setting that a pointer names.
        fetch_first: models never get addresses, only bytes.
    """

    kind: Literal["disabled", "filesystem", "s3_compatible"] | None = None
    home: StorageKind = StorageKind("disabled")
    fetch_first: bool = False

    @property
    def keeps(self) -> bool:
        """Whether bytes are stored at all."""
        return self.home.type != "disabled"

    def check_configured(self) -> None:
        """Check that it is settled what becomes of files.

        Raises:
            TzproxyError: when it is not.
        """
        if self.kind is None:
            raise TzproxyError(UNCONFIGURED)


class ReadFile(Struct, frozen=True):
    """A file block that was read.

    Attributes:
        file: what a model gets; without `data` the bytes are still elsewhere.
        stored: the pointer for the store; for an address a provisional one, until its bytes are known.
        place: the object whose bytes this is, for blocks that name one.
    """

    file: File
    stored: StoredFile
    place: StoragePath | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether the bytes are still to be brought."""
        return self.file.data is None


def read_file(block: FileFields, store: FileStore, *, where: str) -> ReadFile:
    """Read a file block.

    Raises:
        RequestError: for a block that names no file, or data of unknown type.
    """
    form = block.file_type or _untagged(block)
    if form == "url" and block.url is not None:
        return _by_url(block, block.url, where)
    if form == "base64" and block.data is not None:
        return _by_data(block, block.data, store, where)
    if form in ("object_storage_pointer", "object_storage") and block.storage_path is not None:
        return _by_place(block, block.storage_path, form, where)
    raise RequestError(f"{where}: a file needs `url`, `data` or `storage_path`")


def _untagged(block: FileFields) -> str:
    """Tell the form of a block without `file_type`; data beside a storage path counts as data."""
    if block.url is not None:
        return "url"
    return "base64" if block.data is not None else "object_storage_pointer"


def _by_url(block: FileFields, url: str, where: str) -> ReadFile:
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise RequestError(f"{where}: invalid `url`: {exc}") from exc
    if not parts.scheme or not parts.netloc:
        raise RequestError(f"{where}: `url` must be absolute")
    mime_type = _given(block) or guess_mime_type(parts.path)
    file = File(url=url, mime_type=_given(block), detail=block.detail, filename=block.filename)
    pointer = pointer_to(url, mime_type, StorageKind("disabled"))
    return ReadFile(file, StoredFile(url, mime_type, pointer, block.detail, block.filename))


def _by_data(block: FileFields, data: str, store: FileStore, where: str) -> ReadFile:
    if data.startswith("data:"):
        raise RequestError(
            f"{where}: The `data` field must not contain `data:` prefix. "
            "Data should be pure base64-encoded content only."
        )
    mime_type = _given(block) or sniff_mime_type(data, where=where)
    file = File(data=data, mime_type=mime_type, detail=block.detail, filename=block.filename)
    pointer = pointer_to(data, mime_type, store.home)
    return ReadFile(file, StoredFile(None, mime_type, pointer, block.detail, block.filename))


def _by_place(block: FileFields, place: StoragePath, form: str, where: str) -> ReadFile:
    mime_type = _given(block)
    if mime_type is None:
        raise RequestError(f"{where}: missing field `mime_type`")
    data = block.data if form == "object_storage" else None
    if form == "object_storage" and data is None:
        raise RequestError(f"{where}: missing field `data`")
    path = check_key(place.path, where=where)
    place = StoragePath(place.kind, path)
    stored = StoredFile(block.source_url, mime_type, encoded(place), block.detail, block.filename)
    file = File(data=data, mime_type=mime_type, detail=block.detail, filename=block.filename)
    return ReadFile(file, stored, place)


def _given(block: FileFields) -> str | None:
    return None if block.mime_type is None else block.mime_type.lower()


def check_key(path: str, *, where: str) -> str:
    """Check the key of an object, and return it without slashes around it.

    Raises:
        RequestError: for a key with empty, `.` or `..` segments or control characters.
    """
    key = path.removeprefix("/").removesuffix("/")
    if any(segment in ("", ".", "..") for segment in key.split("/")) or not key.isprintable():
        raise RequestError(f"{where}: invalid path in `storage_path`: {path!r}")
    return key


def pointer_to(text: str, mime_type: str, kind: StorageKind) -> Raw:
    """Return the place of a file: named by the hash of its base64 text."""
    return encoded(StoragePath(kind, key_of(text, mime_type)))


def key_of(text: str, mime_type: str) -> str:
    """Return the key under which a file with this base64 text is kept."""
    return f"observability/files/{blake3(text.encode()).hexdigest()}{extension_of(mime_type)}"


def encoded(place: StoragePath) -> Raw:
    """Write a place as pointers have it: settings of S3 that are not given are null."""
    kind = place.kind
    if kind.type == "disabled":
        described: object = NOWHERE
    elif kind.type == "filesystem":
        described = {"type": "filesystem", "path": kind.path}
    else:
        described = {
            "type": "s3_compatible",
            "bucket_name": kind.bucket_name,
            "region": kind.region,
            "endpoint": kind.endpoint,
            "allow_http": kind.allow_http,
        }
    return Raw(ENCODER.encode({"kind": described, "path": place.path}))
