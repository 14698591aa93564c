"""Tests of `tzproxy.config.problems`."""

from __future__ import annotations

import pytest

from tzproxy.config.problems import Origins, Path, Problems, format_path, list_names, suggest
from tzproxy.errors import ConfigError


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("models", "m", "routing", 0), "models.m.routing[0]"),
        (("models", "a.b"), 'models."a.b"'),
        (("models", "openai::m"), "models.openai::m"),
        (("functions", ""), 'functions.""'),
        (("functions", 'a"b'), 'functions."a\\"b"'),
    ],
)
def test_paths_look_like_toml(path: Path, expected: str) -> None:
    """Names that TOML would quote are quoted."""
    assert format_path(path) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["a"], "`a`"), (["a", "b"], "`a` or `b`"), (["a", "b", "c"], "one of `a`, `b`, `c`")],
)
def test_lists_of_names(names: list[str], expected: str) -> None:
    """Two names are joined by "or", more follow "one of"."""
    assert list_names(names) == expected


def test_a_near_name_is_suggested() -> None:
    """A typing error gets the name that was meant, anything else nothing."""
    assert suggest("routng", ["routing", "providers"]) == " (did you mean `routing`?)"
    assert suggest("xyz", ["routing", "providers"]) == ""


def test_all_findings_are_raised_at_once_and_once() -> None:
    """The error holds every finding in order, doubled ones once, each with its file."""
    problems = Problems(Origins(["f.toml"]))
    problems.raise_if_any()
    problems.add(("a", "b"), "first")
    problems.add(("c",), "second")
    problems.add(("a", "b"), "first")
    with pytest.raises(ConfigError) as caught:
        problems.raise_if_any()
    assert caught.value.problems == ["a.b: first (in f.toml)", "c: second (in f.toml)"]
