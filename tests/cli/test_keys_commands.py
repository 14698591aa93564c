"""Tests of `tzproxy.cli.keys_commands`, and of the flags that the original has for the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tzproxy.cli import keys

Run = Callable[..., Result]


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked for."""
    calls: list[Any] = []

    def noting(name: str) -> Callable[..., int]:
        def note(*arguments: Any, **options: Any) -> int:
            given = ("stdin" if hasattr(argument, "readline") else argument for argument in arguments)
            calls.append((name, *given, options))
            return 5

        return note

    for name in ("create", "disable", "show", "take_over"):
        monkeypatch.setattr(keys, name, noting(name))
    return calls


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["keys", "create"], ("create", Path(".tzproxy"), "pretty", None, {"description": ""})),
        (
            ["keys", "create", "--data-dir", "d", "--expiration", "2030-01-01", "--description", "x"],
            ("create", Path("d"), "pretty", "2030-01-01", {"description": "x"}),
        ),
        (["keys", "list", "--log-format", "json"], ("show", Path(".tzproxy"), "json", {})),
        (["keys", "import"], ("take_over", Path(".tzproxy"), "pretty", "stdin", {})),
        (["keys", "disable", "abc"], ("disable", Path(".tzproxy"), "pretty", "abc", {})),
        (["serve", "--create-api-key"], ("create", Path(".tzproxy"), "pretty", None, {})),
        (
            ["serve", "--create-api-key", "--expiration", "2030-01-01", "--data-dir", "d"],
            ("create", Path("d"), "pretty", "2030-01-01", {}),
        ),
        (
            ["serve", "--disable-api-key", "abc", "--log-format", "json"],
            ("disable", Path(".tzproxy"), "json", "abc", {}),
        ),
    ],
)
def test_commands_and_flags(run: Run, noted: list[Any], arguments: list[str], call: Any) -> None:
    """Each leads to its work, needs no configuration, and has its exit status."""
    assert run(*arguments).exit_code == 5
    assert noted == [call]


def test_they_exclude_each_other(run: Run, noted: list[Any]) -> None:
    """One early exit at a time."""
    result = run("serve", "--create-api-key", "--disable-api-key", "abc")
    assert result.stderr == "error: the flags --create-api-key and --disable-api-key exclude each other\n"
    assert noted == []


def test_the_help_tells_of_keys(run: Run) -> None:
    """Both ways can be found."""
    assert "--create-api-key" in run("serve", "--help").stdout
    assert all(name in run("keys", "--help").stdout for name in ("create", "list", "disable", "import"))
