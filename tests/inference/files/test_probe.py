"""Tests of `tzproxy.inference.files.probe`: the storage is tried before anybody is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy.errors import ConfigError
from tzproxy.inference.files import FileStore
from tzproxy.inference.files.probe import check_storage
from tzproxy.types.request import StorageKind


def test_a_storage_that_can_be_written(tmp_path: Path) -> None:
    """A usable storage passes and holds the probe's empty object afterwards."""
    check_storage(FileStore("filesystem", StorageKind("filesystem", path=str(tmp_path))))
    assert (tmp_path / ".tensorzero-validate").read_bytes() == b""


def test_a_storage_that_cannot(tmp_path: Path) -> None:
    """An unusable storage is a problem of the configuration, with the reason."""
    (tmp_path / ".tensorzero-validate").mkdir()
    with pytest.raises(ConfigError) as caught:
        check_storage(FileStore("filesystem", StorageKind("filesystem", path=str(tmp_path))))
    assert caught.value.problems[0].startswith(
        "object_storage: Failed to write `.tensorzero-validate` to object store. "
        "Check that your credentials are configured correctly: "
    )


def test_nothing_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a storage no process is started."""
    monkeypatch.setattr("subprocess.run", lambda *args, **options: pytest.fail("started"))
    check_storage(FileStore())
    check_storage(FileStore("disabled"))
