"""Tests of `tzproxy.config.discovery`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tzproxy.config.discovery import find_files, translate_glob, walk_root
from tzproxy.errors import ConfigError


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a/*.toml", "a/b.toml", True),
        ("a/*.toml", "a/b/c.toml", False),
        ("a/?.toml", "a/b.toml", True),
        ("a/?.toml", "a/.toml", False),
        ("a?b", "a/b", False),
        ("a/**/c.toml", "a/c.toml", True),
        ("a/**/c.toml", "a/b/b/c.toml", True),
        ("a/**", "a/b/c", True),
        ("**/c.toml", "c.toml", True),
        ("**/c.toml", "x/c.toml", True),
        ("a/x**y", "a/x/y", False),
        ("a/[bc].toml", "a/b.toml", True),
        ("a/[!bc].toml", "a/b.toml", False),
        ("a/[!bc].toml", "a/d.toml", True),
        ("a[!b]c", "a/c", False),
        ("a/[]x].toml", "a/].toml", True),
        ("a/{b,c*}.toml", "a/cd.toml", True),
        ("a/{b,c}.toml", "a/d.toml", False),
        ("a/b,c", "a/b,c", True),
        (r"a/\*", "a/*", True),
        (r"a/\*", "a/b", False),
        ("a.toml", "aXtoml", False),
    ],
)
def test_globs_match_as_documented(pattern: str, path: str, expected: bool) -> None:
    """Separators are literal, and classes, alternatives and escapes work."""
    assert bool(re.fullmatch(translate_glob(pattern), path)) is expected


@pytest.mark.parametrize(
    ("pattern", "root"),
    [
        ("a/b/*.toml", "a/b"),
        ("*.toml", "."),
        ("/etc/x.toml", "/etc/x.toml"),
        ("/*/x", "/"),
        ("a/{b,c}/d", "a"),
    ],
)
def test_the_walk_starts_at_the_leading_plain_folders(pattern: str, root: str) -> None:
    """Only folders in front of the first special character are fixed."""
    assert walk_root(pattern) == root


def test_files_come_sorted_and_from_all_depths(tmp_path: Path) -> None:
    """The order of files is the order of their paths; the extension is what the pattern says."""
    for name in ("b/two.toml", "a.toml", "b/c/three.toml", "b/readme.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_files(f"{tmp_path}/**/*.toml")
    assert found == [f"{tmp_path}/{name}" for name in ("a.toml", "b/c/three.toml", "b/two.toml")]


def test_a_pattern_without_folders_starts_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`*.toml` finds files beside the process."""
    (tmp_path / "a.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert find_files("*.toml") == ["a.toml"]


def test_a_file_under_two_names_counts_once(tmp_path: Path) -> None:
    """A mounted ConfigMap shows each file as a link and in a versioned folder; it is still one file."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "a.toml").touch()
    (tmp_path / "a.toml").symlink_to(tmp_path / "..data" / "a.toml")
    assert len(find_files(f"{tmp_path}/**/*.toml")) == 1
    assert find_files(f"{tmp_path}/*.toml") == [f"{tmp_path}/a.toml"]


@pytest.mark.parametrize("name", ["absent.toml", "*.json", "folder"])
def test_no_match_is_an_error(tmp_path: Path, name: str) -> None:
    """A missing file, an empty pattern and a folder are all refused with the pattern in the message."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="No files matched the glob pattern") as caught:
        find_files(f"{tmp_path}/{name}")
    assert f"Error using glob: `{tmp_path}/{name}`" in caught.value.message


@pytest.mark.parametrize("pattern", ["a/[b", "a/{b", "a/b}", "a/[z-a]"])
def test_malformed_globs_are_refused(pattern: str) -> None:
    """A pattern that means nothing is an error of its own."""
    with pytest.raises(ConfigError, match="Error using glob"):
        find_files(pattern)
