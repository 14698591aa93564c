"""Tests of `tzproxy.config.decode`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from tzproxy.config.decode import INVALID, Context, decode, decode_partial
from tzproxy.config.problems import Problems
from tzproxy.config.scalars import F64, U32


class Leaf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strict table."""

    count: U32
    ratio: F64 = 0.5


class Loose(msgspec.Struct, frozen=True, kw_only=True):
    """A lenient table."""

    flag: bool = False


class Left(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="left"
):
    """One side of a union."""

    x: str


class Right(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="right"
):
    """The other side."""

    inner: Left | Right | None = None


class Tree(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything together."""

    leaf: Leaf = Leaf(count=1)
    loose: Loose = Loose()
    side: Left | Right | None = None
    names: tuple[str, ...] = ()
    leaves: dict[str, Leaf] = {}
    mode: Literal["on", "off"] = "on"
    anything: Any = None


def read(value: object, *, hidden: frozenset[type] = frozenset()) -> tuple[Any, list[str]]:
    """Return the decoded tree and the problems."""
    problems = Problems()
    result = decode(Tree, value, ("t",), Context(problems, hidden_types=hidden))
    return result, problems.lines


def test_a_full_document_becomes_structs() -> None:
    """Every kind of type that tables use is read."""
    result, problems = read(
        {
            "leaf": {"count": 3, "ratio": 2},
            "loose": {"flag": True, "unknown": 1},
            "side": {"type": "right", "inner": {"type": "left", "x": "y"}},
            "names": ["a", "b"],
            "leaves": {"l": {"count": 1}},
            "mode": "off",
            "anything": {"a": [1]},
        }
    )
    assert problems == []
    assert result == Tree(
        leaf=Leaf(count=3, ratio=2.0),
        loose=Loose(flag=True),
        side=Right(inner=Left(x="y")),
        names=("a", "b"),
        leaves={"l": Leaf(count=1)},
        mode="off",
        anything={"a": [1]},
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (1, "t: invalid type: integer `1`, expected a map"),
        ({"leaf": {}}, "t.leaf: missing field `count`"),
        ({"leaf": {"count": 1.0}}, "t.leaf.count: invalid type: floating point `1.0`, expected u32"),
        ({"leaf": {"count": True}}, "t.leaf.count: invalid type: boolean `true`, expected u32"),
        ({"leaf": {"count": -1}}, "t.leaf.count: invalid value: integer `-1`, expected u32"),
        ({"leaf": {"count": 2**32}}, "t.leaf.count: invalid value: integer `4294967296`, expected u32"),
        ({"leaf": {"count": 1, "ratio": "a"}}, 't.leaf.ratio: invalid type: string "a", expected f64'),
        ({"leaf": {"count": 1, "ratio": False}}, "t.leaf.ratio: invalid type: boolean `false`, expected f64"),
        (
            {"leaf": {"count": 1, "rato": 1}},
            "t.leaf.rato: unknown field `rato`, expected `count` or `ratio` (did you mean `ratio`?)",
        ),
        ({"loose": {"flag": 1}}, "t.loose.flag: invalid type: integer `1`, expected a boolean"),
        ({"side": {}}, "t.side: missing tag field `type`"),
        ({"side": {"type": 1}}, "t.side.type: invalid type: integer `1`, expected a string"),
        ({"side": {"type": "up"}}, "t.side.type: unknown variant `up`, expected `left` or `right`"),
        ({"side": {"type": "left", "x": "y", "z": 1}}, "t.side.z: unknown field `z`, expected `x`"),
        ({"side": []}, "t.side: invalid type: sequence, expected a map"),
        ({"names": "a"}, 't.names: invalid type: string "a", expected a sequence'),
        ({"names": ["a", 1]}, "t.names[1]: invalid type: integer `1`, expected a string"),
        ({"leaves": []}, "t.leaves: invalid type: sequence, expected a map"),
        ({"leaves": {"a.b": {}}}, 't.leaves."a.b": missing field `count`'),
        ({"mode": "onn"}, "t.mode: unknown variant `onn`, expected `on` or `off` (did you mean `on`?)"),
        ({"mode": 1}, "t.mode: invalid type: integer `1`, expected `on` or `off`"),
    ],
)
def test_each_mismatch_names_its_key(value: object, problem: str) -> None:
    """Wrong types, ranges, tags, names and missing keys are told apart."""
    assert read(value)[1] == [problem]


def test_all_mismatches_are_found() -> None:
    """One bad key does not hide another, nor the entries beside it."""
    result, problems = read({"leaves": {"a": {}, "b": {"count": 1}, "c": {"count": "x"}}, "nope": 1})
    assert len(problems) == 3
    assert result.leaves == {"b": Leaf(count=1)}


def test_a_table_with_an_unreadable_key_is_no_value() -> None:
    """Nothing is made up for a value that could not be read."""
    assert read({"leaf": {"count": 1, "ratio": "x"}})[0] is INVALID


def test_null_is_like_absent() -> None:
    """JSON clients send null for what they leave out; required keys still need a value."""
    assert read({"leaf": {"count": 1, "ratio": None}, "names": None, "side": None}) == (Tree(), [])
    assert read({"leaf": {"count": None}})[1] == ["t.leaf.count: invalid type: null, expected u32"]


def test_hidden_types_do_not_exist() -> None:
    """A type that this load does not allow is neither accepted nor offered."""
    value = {"side": {"type": "left", "x": "y"}}
    expected = ["t.side.type: unknown variant `left`, expected `right`"]
    assert read(value, hidden=frozenset({Left}))[1] == expected


def test_a_partial_document_keeps_what_can_be_read() -> None:
    """At the root an unreadable table falls back to its default so that the others can be checked."""
    problems = Problems()
    tree = decode_partial(Tree, {"leaf": 1, "mode": "off", "nope": 1}, Context(problems))
    assert tree == Tree(mode="off")
    assert [line.split(":")[0] for line in problems.lines] == ["leaf", "nope"]
