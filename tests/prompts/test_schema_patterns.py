"""Tests of `tzproxy.prompts.schema_patterns`: a dot takes what the original's takes.

Source of the expectations: TensorZero 2026.6.0, asked with the same schemas and values.
"""

from __future__ import annotations

import json

import pytest

from tzproxy.errors import ConfigError, SchemaValidationError
from tzproxy.prompts import JsonSchema
from tzproxy.prompts.schema_patterns import spelled_out

LINE_ENDS = ("\r", "\u2028", "\u2029")


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize(
    ("pattern", "takes_line_feed"),
    [
        ("^a.b$", False),
        ("(?s)^a.b$", True),
        ("(?s:^a.b$)", True),
        ("^a(?s:.)b$", True),
        ("^a(?s:x)?.b$", False),
        ("^(?is)a.b$", True),
        ("(?s)^a(?-s:.)b$", False),
        ("(?s)^(a)(.)b$", True),
        ("^((?s)a)(.)b$", False),
    ],
)
def test_line_ends(pattern: str, takes_line_feed: bool, end: str) -> None:
    """Of all ends of a line only the line feed is none for a dot, and with `s` not even that."""
    schema = JsonSchema(json.dumps({"pattern": pattern}), key="k")
    assert schema.is_valid(f"a{end}b")
    assert schema.is_valid("a\nb") is takes_line_feed


def test_only_patterns_are_spelled_out() -> None:
    """Data and names that look like a pattern stay as they are, at any depth."""
    schema = {
        "properties": {
            "pattern": {"type": "string", "pattern": "."},
            "const": {"anyOf": [{"pattern": "."}, {"const": {"pattern": "."}}]},
        },
        "$defs": {"enum": {"items": {"pattern": "."}}},
        "patternProperties": {".": {"pattern": "."}},
        "default": {"pattern": "."},
        "enum": [{"pattern": "."}],
        "examples": [{"pattern": "."}],
    }
    spelled, changed = spelled_out(schema)
    new = r"[^\n]"
    assert spelled == {
        "properties": {
            "pattern": {"type": "string", "pattern": new},
            "const": {"anyOf": [{"pattern": new}, {"const": {"pattern": "."}}]},
        },
        "$defs": {"enum": {"items": {"pattern": new}}},
        "patternProperties": {".": {"pattern": new}},
        "default": {"pattern": "."},
        "enum": [{"pattern": "."}],
        "examples": [{"pattern": "."}],
    }
    assert changed == {new: "."}


@pytest.mark.parametrize(
    ("document", "value", "finding"),
    [
        ({"pattern": "^a.b$"}, "x", '"x" does not match "^a.b$"'),
        ({"not": {"pattern": "a.\\d"}}, "ab1", '{"pattern":"a.\\\\d"} is not allowed for "ab1"'),
    ],
)
def test_errors_show_what_was_written(document: object, value: str, finding: str) -> None:
    """Nobody who wrote a dot is told of another pattern, nor is one forwarded."""
    schema = JsonSchema(json.dumps(document), key="k")
    assert json.loads(schema.raw) == schema.value == document
    with pytest.raises(SchemaValidationError) as caught:
        schema.validate(value)
    assert caught.value.finding == finding


def test_broken_patterns_are_shown_as_they_are() -> None:
    """A schema that does not compile is complained about in its own words."""
    with pytest.raises(ConfigError) as caught:
        JsonSchema(json.dumps({"pattern": "a.("}), key="k")
    assert '"a.("' in caught.value.message


def nested(depth: int) -> bytes:
    """Return a schema with a pattern at this depth."""
    return b'{"allOf":[' * depth + b'{"pattern":"^.$"}' + b"]}" * depth


def test_deep_schemas() -> None:
    """As deep as the engine goes, dots are spelled out; beyond that its own complaint is told."""
    schema = JsonSchema(nested(50), key="k")
    assert schema.is_valid("\r")
    assert not schema.is_valid("\n")
    with pytest.raises(ConfigError, match="Failed to compile JSON Schema"):
        JsonSchema(nested(450), key="k")
