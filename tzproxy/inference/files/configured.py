"""What `[object_storage]` says, as the reading of files needs it. Cold."""

from __future__ import annotations

from tzproxy.config import LoadedConfig
from tzproxy.config.credentials import StaticSetting
from tzproxy.config.gateway import DisabledStorageConfig, FilesystemStorageConfig
from tzproxy.inference.files.read import FileStore
from tzproxy.types.request import StorageKind


def file_store(loaded: LoadedConfig) -> FileStore:
    """Return how this configuration keeps files."""
    first = loaded.config.gateway.fetch_and_encode_input_files_before_inference
    storage = loaded.config.object_storage
    if storage is None:
        return FileStore(fetch_first=first)
    if isinstance(storage, DisabledStorageConfig):
        return FileStore("disabled", fetch_first=first)
    if isinstance(storage, FilesystemStorageConfig):
        return FileStore("filesystem", StorageKind("filesystem", path=storage.path), first)
    endpoint = None if storage.endpoint is None else loaded.setting(storage.endpoint)
    home = StorageKind(
        "s3_compatible",
        bucket_name=storage.bucket_name,
        region=storage.region,
        endpoint=endpoint.value if isinstance(endpoint, StaticSetting) else None,
        allow_http=storage.allow_http,
    )
    return FileStore("s3_compatible", home, first)
