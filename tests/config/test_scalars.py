"""Tests of `tzproxy.config.scalars`."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.config.decode import INVALID, Context, decode
from tzproxy.config.problems import Problems
from tzproxy.config.scalars import (
    F32,
    I32,
    U64,
    BindAddress,
    DecimalNumber,
    FileData,
    InlinedFile,
    Namespace,
    SecretText,
    SocketAddress,
    Url,
    parse_socket_address,
)
from tzproxy.types.params import widen_float32


def read(tp: Any, value: object) -> Any:
    """Return the decoded value; a refusal gives INVALID and exactly one problem."""
    problems = Problems()
    result = decode(tp, value, ("k",), Context(problems, file_paths={"a": "/x/a"}))
    assert (result is INVALID) == (len(problems.lines) == 1)
    return result


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.2, 0.20000000298023224),
        (0.9, 0.8999999761581421),
        (0.7, 0.699999988079071),
        (1, 1.0),
        (1e39, math.inf),
    ],
)
def test_32_bit_floats_are_rounded_and_widened(value: float, expected: float) -> None:
    """The value is what the original keeps, since it reaches providers and cache keys."""
    assert read(F32, value) == expected


@given(st.floats(allow_nan=False, width=32))
def test_rounding_keeps_what_is_a_32_bit_float(value: float) -> None:
    """Rounding twice is rounding once."""
    assert widen_float32(value) == value


def test_not_a_number_is_accepted() -> None:
    """TOML has nan and inf, and floats may be them."""
    assert math.isnan(read(F32, math.nan))
    assert read(F32, -math.inf) == -math.inf


@pytest.mark.parametrize(
    ("tp", "value", "ok"),
    [
        (I32, -(2**31), True),
        (I32, 2**31, False),
        (U64, 2**63 - 1, True),
        (U64, -1, False),
        (U64, 1.0, False),
        (U64, False, False),
        (DecimalNumber, 0.1, True),
        (DecimalNumber, math.inf, False),
        (DecimalNumber, "1", False),
        (Namespace, "a", True),
        (Namespace, "", False),
        (Namespace, "tensorzero::a", False),
        (Namespace, 1, False),
        (SecretText, 5, False),
        (Url, "https://h/x", True),
        (Url, "http://127.0.0.1:9491/v1/", True),
        (Url, "foo", False),
        (Url, "not a url", False),
        (Url, "https://", False),
        (Url, "https://h:99999/", False),
        (Url, "https://a b/", False),
        (Url, 1, False),
        (BindAddress, "0.0.0.0:3000", True),
        (BindAddress, "[::]:3000", True),
        (BindAddress, "::1:3000", False),
        (BindAddress, "[127.0.0.1]:3000", False),
        (BindAddress, "localhost:3000", False),
        (BindAddress, "0.0.0.0", False),
        (BindAddress, "0.0.0.0:65536", False),
        (BindAddress, "0.0.0.0:+1", False),
        (BindAddress, "0.0.0.0:", False),
        (BindAddress, 3000, False),
        (InlinedFile, {"__tensorzero_remapped_path": "k", "__data": "t", "more": 1}, False),
        (InlinedFile, {"__tensorzero_remapped_path": "k"}, False),
        (InlinedFile, "path", False),
    ],
)
def test_what_is_accepted(tp: Any, value: object, ok: bool) -> None:
    """Ranges and forms are those of the language."""
    assert (read(tp, value) is not INVALID) is ok


def test_decimals_are_what_was_written() -> None:
    """Prices do not inherit binary rounding."""
    assert read(DecimalNumber, 0.1) == Decimal("0.1")
    assert read(DecimalNumber, -3) == Decimal(-3)


def test_an_inlined_file_knows_its_key_text_and_path() -> None:
    """The stored form of a file reads back, with its path where that is known."""
    stored = {"__tensorzero_remapped_path": "a", "__data": "T"}
    assert read(InlinedFile, stored) == FileData("a", "/x/a", "T")


def test_addresses_print_as_they_are_written() -> None:
    """IPv6 addresses carry brackets."""
    assert str(parse_socket_address("[::1]:0")) == "[::1]:0"
    assert parse_socket_address("127.0.0.1:80") == SocketAddress("127.0.0.1", 80)


def test_a_refused_secret_is_not_quoted() -> None:
    """The message about a secret of the wrong type does not contain it."""
    problems = Problems()
    decode(SecretText, 424242, ("k",), Context(problems))
    assert "424242" not in problems.lines[0]
