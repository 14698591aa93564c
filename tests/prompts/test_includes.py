"""Which names are known before rendering, and which files they may lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy.prompts.dialect.parser import parse_template
from tzproxy.prompts.includes import TemplateDirectory, iter_loaded_names


def test_literal_names_are_found_wherever_they_stand() -> None:
    """Texts, lists of texts and both sides of a condition are known names."""
    source = (
        "{% include 'a' %}{% include ['b', 'c'] %}{% import 'd' as x %}{% from 'e' import y %}\n"
        "{% if z %}{% for q in z %}{% include 'f' if q else 'g' %}{% endfor %}{% endif %}{% extends 'h' %}"
    )
    found = list(iter_loaded_names(parse_template(source, "t")))
    assert {name.name for name in found} == set("abcdefgh")
    assert {name.line for name in found if name.name in ("f", "h")} == {2}


def test_other_names_come_with_a_reason() -> None:
    """A name that is no literal is reported with what it is."""
    source = "{% include x %}{% include 3 %}{% extends x|upper %}"
    found = sorted(name.reason for name in iter_loaded_names(parse_template(source, "t")))
    assert found == ["filter expression", "non-string constant", "variable"]


@pytest.mark.parametrize(
    "name", ["../secret", "a/../../secret", ".hidden", "a/.hidden", "a\\b", "./ok", "/etc/passwd", "a/./ok"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    """Parent directories, hidden segments, backslashes and absolute paths are never opened."""
    base = tmp_path / "base"
    (base / "a").mkdir(parents=True)
    (tmp_path / "secret").write_text("s", "utf-8")
    (base / ".hidden").write_text("s", "utf-8")
    (base / "a" / ".hidden").write_text("s", "utf-8")
    (base / "ok").write_text("s", "utf-8")
    (base / "a" / "ok").write_text("s", "utf-8")
    with pytest.raises(PermissionError):
        TemplateDirectory(str(base)).read(name)


def test_links_are_followed_inside_of_the_base_path_only(tmp_path: Path) -> None:
    """A link within the directory works, as in a mounted config map; one that leaves it does not."""
    base = tmp_path / "base"
    (base / "..data").mkdir(parents=True)
    (base / "..data" / "inner").write_bytes(b"inside\r\n")
    (base / "inner").symlink_to(base / "..data" / "inner")
    (tmp_path / "secret").write_text("s", "utf-8")
    (base / "outer").symlink_to(tmp_path / "secret")
    directory = TemplateDirectory(str(base))
    assert directory.read("inner") == "inside\r\n"
    with pytest.raises(PermissionError):
        directory.read("outer")
