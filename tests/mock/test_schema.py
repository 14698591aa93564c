"""Example values for schemas."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.mock.schema import example_value

_TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["name", "next"],
        }
    },
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        {"type": ["null", "integer"], "minimum": 5},
        {"enum": ["a", "b"]},
        {"const": {"x": 1}},
        {
            "type": "array",
            "items": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "minItems": 3,
        },
        {"type": "array", "maxItems": 0},
        {"prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2},
        {"type": "string", "minLength": 30},
        {"type": "string", "maxLength": 2},
        {"type": "string", "format": "date-time"},
        {"type": "string", "pattern": "^[A-Z]{3}$"},
        {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        {"type": "integer", "multipleOf": 7, "minimum": 20},
        {"type": "integer", "maximum": -3},
        {"type": "integer", "exclusiveMaximum": 0},
        {"oneOf": [{"type": "boolean"}, {"type": "string"}]},
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
            ]
        },
        _TREE,
    ],
)
def test_example_satisfies_schema(schema: dict[str, Any]) -> None:
    """The example of each common shape validates."""
    jsonschema_rs.validate(schema, example_value(schema))


_LEAVES = st.one_of(
    st.builds(
        lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span},
        st.integers(-50, 50),
        st.integers(0, 20),
    ),
    st.builds(
        lambda low, span: {"type": "number", "minimum": low, "maximum": low + span},
        st.integers(-50, 50),
        st.integers(0, 20),
    ),
    st.builds(
        lambda low, span: {"type": "string", "minLength": low, "maxLength": low + span},
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": [3, "x"]}]),
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda props: {
                "type": "object",
                "properties": props,
                "required": list(props),
                "additionalProperties": False,
            },
            st.dictionaries(st.text("abcdefg", min_size=1, max_size=4), inner, max_size=4),
        ),
        st.builds(
            lambda item, least: {"type": "array", "items": item, "minItems": least}, inner, st.integers(0, 3)
        ),
        st.builds(lambda branches: {"anyOf": branches}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


@given(_SCHEMAS)
def test_example_satisfies_any_nested_schema(schema: dict[str, Any]) -> None:
    """Random nestings of what schemas are made of validate, and twice gives the same."""
    value = example_value(schema)
    jsonschema_rs.validate(schema, value)
    assert value == example_value(schema)


def test_hopeless_schema_still_gives_a_value() -> None:
    """References into nowhere and endless requirements end in a value, not in an error."""
    endless = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    assert isinstance(example_value(endless), dict)
    assert isinstance(example_value({"$ref": "#/$defs/missing"}), str)
    assert isinstance(example_value({"type": "string", "pattern": "("}), str)
