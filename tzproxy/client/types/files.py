"""Files of datapoints by where their bytes are. Plain data; all fields by keyword.

Class names, fields and defaults are those of the types that TensorZero generates for its client (2026.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tzproxy.client.types.blocks import StoragePath
from tzproxy.client.types.content import Detail


@dataclass(kw_only=True)
class UrlFile:
    """A file that the gateway fetches."""

    url: str
    detail: Detail | None = None
    filename: str | None = None
    mime_type: str | None = None


@dataclass(kw_only=True)
class Base64File:
    """A file with its bytes."""

    data: str
    mime_type: str
    detail: Detail | None = None
    filename: str | None = None
    source_url: str | None = None


@dataclass(kw_only=True)
class ObjectStoragePointer:
    """A file that is kept in an object storage."""

    mime_type: str
    storage_path: StoragePath
    detail: Detail | None = None
    filename: str | None = None
    source_url: str | None = None


@dataclass(kw_only=True)
class ObjectStorageFile:
    """A file that is kept in an object storage, with its bytes."""

    data: str
    mime_type: str
    storage_path: StoragePath
    detail: Detail | None = None
    filename: str | None = None
    source_url: str | None = None


@dataclass(kw_only=True)
class ObjectStorageError:
    """A file that is kept in an object storage and could not be read."""

    mime_type: str
    storage_path: StoragePath
    detail: Detail | None = None
    error: str | None = None
    filename: str | None = None
    source_url: str | None = None


@dataclass(kw_only=True)
class FileUrlFile(UrlFile):
    """A file that the gateway fetches, as one of several kinds."""

    file_type: Literal["url"] = "url"


@dataclass(kw_only=True)
class FileBase64(Base64File):
    """A file with its bytes, as one of several kinds."""

    file_type: Literal["base64"] = "base64"


@dataclass(kw_only=True)
class FileObjectStoragePointer(ObjectStoragePointer):
    """A file that is kept, as one of several kinds."""

    file_type: Literal["object_storage_pointer"] = "object_storage_pointer"


@dataclass(kw_only=True)
class FileObjectStorage(ObjectStorageFile):
    """A file that is kept, with its bytes, as one of several kinds."""

    file_type: Literal["object_storage"] = "object_storage"


@dataclass(kw_only=True)
class FileObjectStorageError(ObjectStorageError):
    """A file that could not be read, as one of several kinds."""

    file_type: Literal["object_storage_error"] = "object_storage_error"


File = FileUrlFile | FileBase64 | FileObjectStoragePointer | FileObjectStorage | FileObjectStorageError
