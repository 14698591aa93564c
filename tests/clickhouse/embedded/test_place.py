"""The files of a store's directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tzproxy.clickhouse.embedded.place import Access, Place, new_password
from tzproxy.errors import StoreError


def test_a_directory_has_one_owner(tmp_path: Path) -> None:
    """A second claim is refused and names the holder; after the first is given up it succeeds."""
    first, second = Place(tmp_path / "new"), Place(tmp_path / "new")
    first.lock()
    with pytest.raises(StoreError, match=rf"in use by another process \(pid {os.getpid()}\)"):
        second.lock()
    first.unlock()
    second.lock()
    second.unlock()


def test_unusable_directory(tmp_path: Path) -> None:
    """A path that cannot be a directory is named in the error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Place(tmp_path / "file").lock()


def test_url_file_is_private_and_read_back(tmp_path: Path) -> None:
    """The file holds exactly the URL, is readable by its owner alone, and gives port and password back."""
    place = Place(tmp_path)
    assert place.read_access() is None
    access = Access(port=4711, password=new_password())
    place.write_access(access)
    assert place.url_file.read_text() == f"http://tzproxy:{access.password}@127.0.0.1:4711/tensorzero"
    assert stat.S_IMODE(place.url_file.stat().st_mode) == 0o600
    assert place.read_access() == access
    place.write_access(Access(port=4712, password=access.password))
    assert [path.name for path in tmp_path.iterdir()] == ["clickhouse.url"]


@pytest.mark.parametrize("text", ["", "nonsense", "http://127.0.0.1:1/tensorzero", "http://u:p@127.0.0.1:x/"])
def test_damaged_url_file_is_ignored(tmp_path: Path, text: str) -> None:
    """A file that holds no usable URL counts as none: the next start writes a new one."""
    place = Place(tmp_path)
    place.url_file.write_text(text)
    assert place.read_access() is None


def test_repr_hides_the_password() -> None:
    """Nothing that is printed by accident shows the password."""
    assert "secret" not in repr(Access(port=1, password="secret"))


def test_passwords_differ_and_need_no_escaping() -> None:
    """Each password is new, long, and safe in a URL."""
    one, other = new_password(), new_password()
    assert one != other
    assert len(one) >= 32
    assert one.replace("-", "").replace("_", "").isalnum()
