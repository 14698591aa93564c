"""Tests of `tzproxy.inference.files.configured`: `[object_storage]` as reading files needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy.config import load_config
from tzproxy.inference.files import FileStore
from tzproxy.inference.files.configured import file_store
from tzproxy.types.request import StorageKind

S3 = """
[object_storage]
type = "s3_compatible"
bucket_name = "b"
endpoint = "env::WHERE"
allow_http = true
"""


def read(tmp_path: Path, toml: str) -> FileStore:
    """Read a configuration's storage."""
    (tmp_path / "t.toml").write_text(toml)
    return file_store(load_config(str(tmp_path / "t.toml"), environ={"WHERE": "http://s3.test"}))


def test_no_section(tmp_path: Path) -> None:
    """Without the section there is no storage; whether files are fetched first is the gateway's setting."""
    assert read(tmp_path, "") == FileStore()
    toml = "[gateway]\nfetch_and_encode_input_files_before_inference = true\n"
    assert read(tmp_path, toml) == FileStore(fetch_first=True)


def test_disabled(tmp_path: Path) -> None:
    """A disabled storage takes files and keeps none."""
    store = read(tmp_path, '[object_storage]\ntype = "disabled"\n')
    assert store == FileStore("disabled")
    assert not store.keeps


def test_a_folder(tmp_path: Path) -> None:
    """A folder is named as it is configured."""
    store = read(tmp_path, f'[object_storage]\ntype = "filesystem"\npath = "{tmp_path}"\n')
    assert store == FileStore("filesystem", StorageKind("filesystem", path=str(tmp_path)))
    assert store.keeps


@pytest.mark.parametrize("endpoint", ["env::WHERE", "http://s3.test"])
def test_a_bucket(tmp_path: Path, endpoint: str) -> None:
    """A bucket's pointers name the endpoint itself, not the variable it came from."""
    store = read(tmp_path, S3.replace("env::WHERE", endpoint))
    home = StorageKind("s3_compatible", bucket_name="b", endpoint="http://s3.test", allow_http=True)
    assert store == FileStore("s3_compatible", home)
