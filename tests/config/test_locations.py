"""Tests of `tzproxy.config.locations`."""

from __future__ import annotations

from typing import Any

import pytest

from tzproxy.config.decode import INVALID, Context, decode
from tzproxy.config.locations import (
    CredentialLocation,
    DynamicLocation,
    EnvLocation,
    FallbackLocation,
    LiteralLocation,
    NoneLocation,
    PathFromEnvLocation,
    PathLocation,
    SdkLocation,
    SettingSource,
)
from tzproxy.config.problems import Problems


def read(tp: Any, value: object) -> tuple[Any, list[str]]:
    """Return the decoded location and the problems."""
    problems = Problems()
    return decode(tp, value, ("k",), Context(problems)), problems.lines


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("env::X", EnvLocation("X")),
        ("path_from_env::X", PathFromEnvLocation("X")),
        ("path::/a/b", PathLocation("/a/b")),
        ("dynamic::n", DynamicLocation("n")),
        ("sdk", SdkLocation()),
        ("none", NoneLocation()),
        (
            {"default": "dynamic::n", "fallback": "env::X"},
            FallbackLocation(DynamicLocation("n"), EnvLocation("X")),
        ),
    ],
)
def test_every_form_is_read(value: object, expected: object) -> None:
    """All prefixes, both words and the pair are locations."""
    assert read(CredentialLocation, value) == (expected, [])


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("foo", "k"),
        ("somewhere::X", "k"),
        (["env::X"], "k"),
        ({"default": "env::X"}, "k"),
        ({"default": "env::X", "fallback": "env::Y", "other": "env::Z"}, "k.other"),
        ({"default": "env::X", "fallback": {"default": "env::Y", "fallback": "env::Z"}}, "k.fallback"),
        ({"default": "env::X", "fallback": "foo"}, "k.fallback"),
    ],
)
def test_everything_else_is_refused(value: object, path: str) -> None:
    """Lists, nested pairs, further keys and unknown prefixes are no locations."""
    result, problems = read(CredentialLocation, value)
    assert result is INVALID
    assert [line.split(":")[0] for line in problems] == [path]


def test_a_key_pasted_as_location_is_not_repeated() -> None:
    """The message names the valid forms and not the text, which may be the key itself."""
    _, problems = read(CredentialLocation, "sk-very-secret")
    assert "sk-very-secret" not in problems[0]
    assert "Invalid credential location format" in problems[0]
    assert "`env::VAR_NAME`" in problems[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("us-east-1", LiteralLocation("us-east-1")),
        ("sdk", SdkLocation()),
        ("env::REGION", EnvLocation("REGION")),
        ("https://h/x", LiteralLocation("https://h/x")),
    ],
)
def test_settings_may_be_literal(value: str, expected: object) -> None:
    """A region or an endpoint is itself unless it has one of the prefixes."""
    assert read(SettingSource, value) == (expected, [])
