"""Tests of `tzproxy.config.document`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy.config.document import merge, parse_toml, read_canonical, read_file, to_plain
from tzproxy.config.problems import Problems
from tzproxy.config.scalars import FileData
from tzproxy.config.snapshot import canonical_toml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = {\n  x = 1,\n  y = 2,\n}", {"a": {"x": 1, "y": 2}}),
        ('a = "\\e\\x41"', {"a": "\x1bA"}),
        ("\ufeffa = 1", {"a": 1}),
        ("a = 9223372036854775807", {"a": 2**63 - 1}),
        ("a = 1979-05-27T07:32:00Z", {"a": {"$__toml_private_datetime": "1979-05-27T07:32:00+00:00"}}),
        ("a = [1979-05-27]", {"a": [{"$__toml_private_datetime": "1979-05-27"}]}),
    ],
)
def test_toml_1_1_is_read(text: str, expected: object) -> None:
    """Multi-line inline tables, the newer escapes, a byte order mark and dates are accepted."""
    problems = Problems()
    assert parse_toml(text, "f.toml", problems) == expected
    assert not problems


@pytest.mark.parametrize("text", ["[a", "a = 1\na = 2", "a = 9223372036854775808", "a ="])
def test_syntax_errors_name_the_file(text: str) -> None:
    """Doubled keys and integers beyond 64 bits are syntax errors too."""
    problems = Problems()
    assert parse_toml(text, "f.toml", problems) is None
    assert problems.lines[0].startswith("f.toml: Failed to parse config file as valid TOML: ")


def test_bytes_that_are_no_utf8_are_reported(tmp_path: Path) -> None:
    """A file in another encoding is refused, not garbled."""
    path = tmp_path / "f.toml"
    path.write_bytes(b'a = "\xff"')
    problems = Problems()
    assert read_file(str(path), problems) is None
    assert "Failed to read config file" in problems.lines[0]


def test_tables_are_joined_and_know_their_files() -> None:
    """One table may be spread over files; a finding names the file that holds the key."""
    problems = Problems()
    merged, origins = merge(
        [("a.toml", {"t": {"x": 1}, "u": {"y": 2}}), ("b.toml", {"t": {"z": {"w": 3}}})], problems
    )
    assert merged == {"t": {"x": 1, "z": {"w": 3}}, "u": {"y": 2}}
    assert not problems
    assert origins.file_of(("t", "z", "w")) == "b.toml"
    assert origins.file_of(("t", "x")) == "a.toml"
    assert origins.file_of(("t", "z", "w", 0)) == "b.toml"
    assert origins.file_of(("absent",)) is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            {"t": {"x": 1}},
            {"t": {"x": 1}},
            "t.x: Found duplicate values in globbed TOML config files `a` and `b`",
        ),
        ({"x": [1]}, {"x": [2]}, "x: Found duplicate values in globbed TOML config files `a` and `b`"),
        ({"x": 1}, {"x": {"y": 1}}, "x: Found duplicate values in globbed TOML config files `a` and `b`"),
        (
            {"t": {"x": {}}},
            {"t": {"x": 1}},
            "t.x: Cannot merge `integer` from file `b` into a table from file `a`",
        ),
        ({"x": {}}, {"x": True}, "x: Cannot merge `boolean` from file `b` into a table from file `a`"),
        (
            {"x": FileData("k", "/k", "")},
            {"x": FileData("l", "/l", "")},
            "x: Found duplicate values in globbed TOML config files `a` and `b`",
        ),
    ],
)
def test_what_two_files_give_is_refused(
    first: dict[str, object], second: dict[str, object], expected: str
) -> None:
    """Equal values, arrays and values against tables are never joined."""
    problems = Problems()
    merge([("a", first), ("b", second)], problems)
    assert problems.lines == [expected]


def test_files_have_a_stored_form() -> None:
    """In plain data a file is its template key and its text."""
    assert to_plain({"x": [FileData("k", "/p/k", "T")]}) == {
        "x": [{"__tensorzero_remapped_path": "k", "__data": "T"}]
    }


def test_canonical_text_is_read_back() -> None:
    """The text of a snapshot stands for the document that it was made of."""
    document = {"a": {"b": [1, 2.5, True, "x\ny"]}, "c": {}}
    assert read_canonical(canonical_toml(document)) == document
