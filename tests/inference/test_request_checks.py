"""Tests of `tzproxy.inference.request_checks`: episodes and namespaces, at their limits."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from tzproxy.errors import RequestError
from tzproxy.inference import request_checks
from tzproxy.inference.model import Model
from tzproxy.inference.request_checks import check_episode, check_namespace

NOW_S = 1_800_000_000


def episode(milliseconds: int, version: int = 7) -> uuid.UUID:
    """An id with that time."""
    return uuid.UUID(int=milliseconds << 80 | version << 76 | 2 << 62 | 5)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second past a whole one."""
    monkeypatch.setattr(request_checks.time, "time", lambda: NOW_S + 0.5)


@pytest.mark.parametrize(
    "milliseconds",
    [
        1_579_751_960_000,
        NOW_S * 1000,
        NOW_S * 1000 + 999,
        10_000_000_000_000,
        2**48 - 1,
    ],
)
def test_times_that_are_taken(milliseconds: int) -> None:
    """From January 2020 to the end of the current second, and from 2286 on; the id comes back canonical."""
    given = episode(milliseconds)
    assert check_episode(str(given).upper(), given.bytes) == (str(given), given.bytes)


@pytest.mark.parametrize(
    ("milliseconds", "reason"),
    [
        (0, "Timestamp is too early"),
        (1_579_751_959_999, "Timestamp is too early"),
        ((NOW_S + 1) * 1000, "Timestamp is in the future"),
        (9_999_999_999_999, "Timestamp is in the future"),
    ],
)
def test_times_that_are_not_taken(milliseconds: int, reason: str) -> None:
    """A millisecond beyond either limit is refused."""
    given = episode(milliseconds)
    with pytest.raises(RequestError) as caught:
        check_episode(str(given), given.bytes)
    assert caught.value.message == f"Invalid Episode ID: {reason}"


@pytest.mark.parametrize("version", [0, 1, 4, 6, 8])
def test_other_versions(version: int) -> None:
    """Only version 7 has the time that is needed."""
    given = episode(NOW_S * 1000, version)
    with pytest.raises(RequestError) as caught:
        check_episode(str(given), given.bytes)
    assert caught.value.message == f"Failed to parse UUID as v7: {given}"


class FakeVariant:
    """A variant of several models."""

    name = "v"
    namespace = None

    def __init__(self, *namespaces: str | None) -> None:
        self._models = [Model(name=f"m{n}", providers=(), namespace=ns) for n, ns in enumerate(namespaces)]

    def models(self) -> Sequence[Model]:
        """Return them."""
        return self._models


@pytest.mark.parametrize(
    ("namespaces", "requested"),
    [((), None), ((None,), None), ((None,), "a"), (("a",), "a"), ((None, "a", "a"), "a")],
)
def test_namespaces_that_fit(namespaces: tuple[str | None, ...], requested: str | None) -> None:
    """Open models are for all, namespaced ones for their namespace."""
    variant: Any = FakeVariant(*namespaces)
    check_namespace(variant, requested)


@pytest.mark.parametrize(
    ("namespaces", "requested", "model", "shown"),
    [
        (("a",), None, "m0", "`None`"),
        (("a",), "b", "m0", "`b`"),
        ((None, "a"), "b", "m1", "`b`"),
    ],
)
def test_namespaces_that_do_not_fit(
    namespaces: tuple[str | None, ...], requested: str | None, model: str, shown: str
) -> None:
    """The first model that is out of bounds is named."""
    variant: Any = FakeVariant(*namespaces)
    with pytest.raises(RequestError) as caught:
        check_namespace(variant, requested)
    assert caught.value.message == (
        f"Variant `v` uses model `{model}` which has namespace `a`, but the request namespace is {shown}. "
        "Namespaced models can only be used with a matching namespace."
    )
