"""Tests of `tzproxy._speedups.rows`: what it writes is what msgspec writes."""

from __future__ import annotations

import enum
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy._speedups.rows import RowEncoder

ENCODER = msgspec.json.Encoder()
WORDS = st.text(max_size=80)
"""Any text that is not half a pair of surrogates: such a text no encoder takes."""

HARD = st.text(st.sampled_from('ab"\\\n\t\x00\x1f\x7fé漢😀'), max_size=120)
TEXTS = st.one_of(WORDS, HARD, st.builds(lambda text, times: text * times, HARD, st.integers(0, 200)))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), TEXTS)


class Inner(Struct, tag="inner", tag_field="kind"):
    """A Struct that is written here."""

    text: str
    value: Any


class Sparse(Struct, omit_defaults=True, rename={"second": "2nd"}):
    """One that leaves out what is not set."""

    first: str | None
    second: Any = None
    third: int | None = None


class Empty(Struct, frozen=True):
    """One without fields."""


class Other(Struct):
    """One that msgspec writes."""

    value: Any


class Row(Struct, kw_only=True):
    """A row: a plain column, one that may be left out, a text of JSON."""

    name: str = "default"
    value: Any
    extra: Any | UnsetType = UNSET
    json: str


def blocks(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Structs, lists and objects of values."""
    return st.one_of(
        st.builds(Inner, TEXTS, values),
        st.builds(Sparse, st.none() | TEXTS, values, st.none() | st.integers()),
        st.builds(Other, values),
        st.lists(values, max_size=4),
        st.lists(values, max_size=4).map(tuple),
        st.dictionaries(TEXTS, values, max_size=3),
        st.builds(lambda value: Raw(ENCODER.encode(value)), values),
    )


VALUES = st.recursive(SCALARS, blocks, max_leaves=12)


@pytest.fixture(scope="module")
def encoder() -> RowEncoder:
    """Three of the Structs are written here."""
    return RowEncoder(Row, json_texts=("json",), written=(Inner, Sparse, Empty))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=TEXTS, value=VALUES, extra=VALUES | st.just(UNSET), json=VALUES)
def test_a_row_is_what_msgspec_makes_of_it(
    encoder: RowEncoder, name: str, value: Any, extra: Any, json: Any
) -> None:
    """Byte for byte, whatever the values are; a text of JSON is what two encoders make of it."""
    row = Row(name=name, value=value, extra=extra, json=ENCODER.encode(json).decode())
    assert encoder.encode((name, value, extra, json)) == ENCODER.encode(row)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 4095, 4096, 4097, 70_000, 3_000_000])
@pytest.mark.parametrize("byte", ["a", "é", '"', "\x01"])
def test_texts_of_all_lengths(encoder: RowEncoder, size: int, byte: str) -> None:
    """Blocks, pieces and the buffer's growth leave no seam; a short row after a long one is whole."""
    text = byte * size + "\\end"
    row = Row(name=text, value=[text], json=ENCODER.encode([text, {"key": text}]).decode())
    assert encoder.encode((text, [text], UNSET, [text, {"key": text}])) == ENCODER.encode(row)
    assert encoder.encode(("", 1, None, [])) == b'{"name":"","value":1,"extra":null,"json":"[]"}'


@pytest.mark.parametrize("value", ["", None, 0, True, [], {}, b"[]", Empty(), Inner("", None)])
def test_many_small_values(encoder: RowEncoder, value: Any) -> None:
    """Room is asked for however little each of many values takes."""
    values = [value] * 50_000
    alike = [Raw(value) if isinstance(value, bytes) else value] * 50_000
    row = Row(value=alike, json=ENCODER.encode(alike).decode())
    assert encoder.encode(("default", values, UNSET, values)) == ENCODER.encode(row)


@pytest.mark.parametrize("byte", [*range(128), 0x7FF, 0x800, 0xFFFF, 0x10FFFF])
def test_every_character(encoder: RowEncoder, byte: int) -> None:
    """Each is escaped as msgspec does it, alone and in the midst of a block, plain and in a text of JSON."""
    for text in (chr(byte), f"before the block{chr(byte)}and some more behind it"):
        row = Row(name=text, value=0, json=ENCODER.encode(text).decode())
        assert encoder.encode((text, 0, UNSET, text)) == ENCODER.encode(row)


@pytest.mark.parametrize(
    "number", [0, 1, 9, 10, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -1, -(2**63), 0.1, 1e16, 1e-7, -0.0]
)
def test_numbers(encoder: RowEncoder, number: float) -> None:
    """Small and large, whole and broken, in a row and in a text."""
    row = Row(value=number, json=ENCODER.encode(number).decode())
    assert encoder.encode(("default", number, UNSET, number)) == ENCODER.encode(row)


def test_bytes_are_json_already(encoder: RowEncoder) -> None:
    """What was encoded before is taken as it is."""
    assert encoder.encode(("", b'{"a":"b"}', UNSET, b'{"a":"b"}')) == (
        b'{"name":"","value":{"a":"b"},"json":"{\\"a\\":\\"b\\"}"}'
    )


def test_columns_that_are_left_out() -> None:
    """They take no values."""
    encode = RowEncoder(Row, left_out=("name", "extra")).encode
    assert encode(([], "{}")) == b'{"value":[],"json":"{}"}'


def test_members_of_enumerations_are_left_to_msgspec(encoder: RowEncoder) -> None:
    """A text or number that is more than that is not taken for a plain one."""
    kinds = enum.Enum("kinds", {"ONE": "1"}, type=str)
    assert encoder.encode(("", kinds["ONE"], UNSET, [])) == b'{"name":"","value":"1","json":"[]"}'


def test_what_cannot_be_written_leaves_the_next_row_whole(encoder: RowEncoder) -> None:
    """Half a pair of surrogates is refused, as by msgspec; so are unknown objects, and too few values."""
    with pytest.raises(UnicodeEncodeError):
        encoder.encode(("a", "\ud800", UNSET, []))
    with pytest.raises(TypeError):
        encoder.encode(("a", [object()], UNSET, []))
    with pytest.raises(TypeError, match="a row has 4 values, not 2"):
        encoder.encode(("a", "b"))
    assert encoder.encode(("a", 2, UNSET, [])) == b'{"name":"a","value":2,"json":"[]"}'


def test_structs_that_are_written_otherwise_are_refused() -> None:
    """An array, or a default other than None that is left out, would come out wrong."""

    class Array(Struct, array_like=True):
        value: int

    class Defaults(Struct, omit_defaults=True):
        value: int = 1

    class Factories(Struct, omit_defaults=True):
        values: list[int] = []

    for struct in (Array, Defaults, Factories):
        with pytest.raises(ValueError, match=struct.__name__):
            RowEncoder(Row, written=[struct])
