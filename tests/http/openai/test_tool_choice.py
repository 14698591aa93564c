"""Tests of `tzproxy.http.openai.tool_choice`: from OpenAI's choices of tools to ours."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET, Raw

from tzproxy.errors import RequestError
from tzproxy.http.openai.tool_choice import read_choice
from tzproxy.types.tools import SpecificTool

A = {"type": "function", "function": {"name": "a"}}


def read(choice: object) -> object:
    """Translate a choice."""
    return read_choice(Raw(msgspec.json.encode(choice)))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, (None, None)),
        ("none", ("none", None)),
        ("auto", ("auto", None)),
        ("required", ("required", None)),
        (A, (SpecificTool("a"), None)),
        (
            {"type": "allowed_tools", "allowed_tools": {"tools": [A], "mode": "required"}},
            ("required", ["a"]),
        ),
        ({"type": "allowed_tools", "allowed_tools": {"tools": [], "mode": "auto"}}, ("auto", [])),
    ],
)
def test_choices(choice: object, expected: object) -> None:
    """Words stay words, a function becomes a specific tool, an allow-list restricts."""
    assert read(choice) == expected


def test_no_choice() -> None:
    """A request that says nothing chooses nothing."""
    assert read_choice(UNSET) == (None, None)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("off", "Invalid tool choice string: off"),
        (5, "Tool choice must be a string or object"),
        ([A], "Tool choice must be a string or object"),
        ({"function": {"name": "a"}}, "Tool choice field must have a 'type' field if it is an object"),
        ({"type": None}, "Tool choice 'type' field must be a string"),
        ({"type": "zz"}, "Invalid tool choice type: zz"),
        ({"type": "function"}, "Missing 'function' field in function type"),
        ({"type": "function", "function": {}}, "missing field `name`"),
        ({"type": "allowed_tools"}, "Missing 'allowed_tools' field in allowed_tools type"),
        ({"type": "allowed_tools", "allowed_tools": {"tools": [A]}}, "missing field `mode`"),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"tools": [{"function": {"name": "a"}}], "mode": "auto"},
            },
            "tools[0]: missing field `type`",
        ),
    ],
)
def test_bad_choices(choice: object, message: str) -> None:
    """A choice of no known form is refused, with what is wrong."""
    with pytest.raises(RequestError) as caught:
        read(choice)
    assert (caught.value.status, caught.value.message) == (400, "tool_choice: " + message)
