"""Tests of `tzproxy.client.exports`: what programs import, and what importing costs."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pytest
import tensorzero
import tensorzero.generated_types
import tensorzero.types
import tensorzero.util

import tzproxy
from tzproxy.client import exports, generated_types, ids, types


def test_every_published_name_is_there() -> None:
    """`from tensorzero import NAME` can become `from tzproxy import NAME`."""
    assert set(tensorzero.__all__) - set(exports.__all__) == set()
    for name in exports.__all__:
        assert getattr(tzproxy, name) is getattr(exports, name)
    assert set(exports.__all__) <= set(dir(tzproxy))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = tzproxy.Nothing


def of(module: Any) -> list[str]:
    """The names that a published module defines itself."""
    return [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and name not in NOT_HERE
    ]


NOT_HERE = {name for name in vars(tensorzero.types) if name.startswith("parse_")}
"""Functions for the native part of the published client."""


PUBLISHED = [
    *((tensorzero, tzproxy, name) for name in tensorzero.__all__),
    *((tensorzero.types, types, name) for name in of(tensorzero.types)),
    *((tensorzero.generated_types, generated_types, name) for name in of(tensorzero.generated_types)),
    *((tensorzero.util, ids, name) for name in tensorzero.util.__all__),
]
OTHERWISE = {"JsonInferenceOutput", "InputMessageContentFile"}
"""One class for two of the published ones, and one with the fields that the published one lacks."""


@pytest.mark.parametrize(("theirs", "ours", "name"), PUBLISHED)
def test_published_dataclasses_have_their_fields(theirs: Any, ours: Any, name: str) -> None:
    """Constructed with the same arguments, a class holds the same fields with the same defaults."""
    theirs, ours = getattr(theirs, name), getattr(ours, name)
    if not dataclasses.is_dataclass(theirs) or name in OTHERWISE:
        assert isinstance(theirs, type) is isinstance(ours, type)
        return

    def described(kind: Any) -> dict[str, Any]:
        return {field.name: (repr(field.default), field.kw_only) for field in dataclasses.fields(kind)}

    assert described(ours) == described(theirs)


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import tzproxy", ("tzproxy.client", "httpx")),
        ("from tzproxy import config", ("tzproxy.client", "httpx")),
        ("from tzproxy import TensorZeroGateway", ("httpx", "tzproxy.http", "tzproxy.inference")),
    ],
)
def test_importing_is_cheap(statement: str, unwanted: tuple[str, ...]) -> None:
    """The package alone loads no client, and the client loads neither httpx nor the engine before it must."""
    code = f"import sys; {statement}; print([name for name in {unwanted!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
