"""File blocks of a request: what a model gets and what the store keeps.

Object storage holds the bytes; with `type = "disabled"` only the place they would have is recorded.
"""

from __future__ import annotations

import base64
import mimetypes
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from blake3 import blake3
from msgspec import Raw, Struct

from tzproxy.errors import NotSupportedError, RequestError, TzproxyError
from tzproxy.types.content import File, StoredFile
from tzproxy.types.request import FileFields

UNCONFIGURED = (
    "Object storage is not configured. You must configure `[object_storage]` before making requests "
    "containing a `file` content block. If you don't want to use object storage, you can explicitly set "
    '`object_storage.type = "disabled"` in your configuration.'
)

SIGNATURES: tuple[tuple[bytes, bytes, str], ...] = (
    # (bytes at the start, bytes from offset 8 on, type)
    (b"\x89PNG\r\n\x1a\n", b"", "image/png"),
    (b"\xff\xd8\xff", b"", "image/jpeg"),
    (b"GIF8", b"", "image/gif"),
    (b"RIFF", b"WEBP", "image/webp"),
    (b"RIFF", b"WAVE", "audio/x-wav"),
    (b"%PDF", b"", "application/pdf"),
    (b"ID3", b"", "audio/mpeg"),
    (b"\xff\xfb", b"", "audio/mpeg"),
    (b"OggS", b"", "audio/ogg"),
    (b"fLaC", b"", "audio/x-flac"),
)

# Reads the system's tables of types now, so that no request does.
mimetypes.init()

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
    "audio/mpeg": "mp3",
    "audio/x-wav": "wav",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "audio/x-flac": "flac",
}


class FileStore(Struct, frozen=True):
    """How this gateway keeps files; `kind` None: object storage is not configured."""

    kind: Literal["disabled", "filesystem", "s3_compatible"] | None = None


def read_file(block: FileFields, store: FileStore, *, where: str) -> tuple[File, StoredFile]:
    """Read a file block into its two forms.

    Raises:
        RequestError: for base64 that carries a `data:` prefix, or data of unknown type.
        NotSupportedError: for forms and stores that this version does not have.
        TzproxyError: when object storage is not configured.
    """
    if store.kind is None:
        raise TzproxyError(UNCONFIGURED)
    if store.kind != "disabled":
        raise NotSupportedError(f"object_storage.type = {store.kind!r} is not supported yet")
    if block.storage_path is not None:
        raise NotSupportedError(f"{where}: files from object storage are not supported yet")
    if block.url is not None and block.file_type in (None, "url"):
        return _by_url(block, where)
    if block.data is None:
        raise RequestError(f"{where}: a file needs `url` or `data`")
    return _by_data(block, where)


def _by_url(block: FileFields, where: str) -> tuple[File, StoredFile]:
    url = block.url or ""
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise RequestError(f"{where}: invalid `url`: {exc}") from exc
    if not parts.scheme or not parts.netloc:
        raise RequestError(f"{where}: `url` must be absolute")
    mime_type = block.mime_type or mimetypes.guess_type(parts.path)[0] or "application/octet-stream"
    file = File(url=url, mime_type=block.mime_type, detail=block.detail, filename=block.filename)
    return file, StoredFile(url, mime_type, _place(url, mime_type), block.detail, block.filename)


def _by_data(block: FileFields, where: str) -> tuple[File, StoredFile]:
    data = block.data or ""
    if data.startswith("data:"):
        raise RequestError(
            f"{where}: The `data` field must not contain `data:` prefix. "
            "Data should be pure base64-encoded content only."
        )
    mime_type = block.mime_type or sniff_mime_type(data, where=where)
    file = File(data=data, mime_type=mime_type, detail=block.detail, filename=block.filename)
    return file, StoredFile(None, mime_type, _place(data, mime_type), block.detail, block.filename)


def sniff_mime_type(data: str, *, where: str) -> str:
    """Tell the type of base64 data from its first bytes.

    Raises:
        RequestError: when the data cannot be decoded or its type not be told.
    """
    try:
        head = base64.b64decode(data, validate=True)[:16]
    except ValueError as exc:
        raise RequestError(f"{where}: Failed to decode base64 data: {exc}") from exc
    for start, middle, mime_type in SIGNATURES:
        if head.startswith(start) and head[8:].startswith(middle):
            return mime_type
    raise RequestError(f"{where}: No mime type provided and unable to infer from data")


def _place(text: str, mime_type: str) -> Raw:
    """The place of a file: the hash of its base64 text (of its address while its bytes are unknown)."""
    extension = EXTENSIONS.get(mime_type) or (mimetypes.guess_extension(mime_type) or ".bin")[1:]
    path = f"observability/files/{blake3(text.encode()).hexdigest()}.{extension}"
    return Raw(msgspec.json.encode({"kind": {"type": "disabled"}, "path": path}))
