from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gemini.schema import cleaned

from ..samples import PROPERTY

UNWANTED = ("additionalProperties", "$schema", "ref")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ('{"type": "object", "additionalProperties": false}', '{"type":"object"}'),
        ('{"$schema": "x", "a": 1.0, "b": 2}', '{"b":2,"a":1.0}'),
        ('{"a": 1, "additionalProperties": {}, "b": 2, "c": 3}', '{"a":1,"c":3,"b":2}'),
        (
            '{"properties": {"ref": {"type": "string"}, "x": {"$ref": "#/$defs/x"}}}',
            '{"properties":{"x":{"$ref":"#/$defs/x"}}}',
        ),
        ('{"anyOf": [{"additionalProperties": true}, [{"ref": 1}], "ref"]}', '{"anyOf":[{},[{}],"ref"]}'),
        ("true", "true"),
    ],
)
def test_cleaned(schema: str, expected: str) -> None:
    """Unwanted keys go at every depth, and the last key moves into the gap."""
    assert bytes(cleaned(Raw(schema.encode()))).decode() == expected


def _expected(value: Any) -> Any:
    if isinstance(value, list):
        return [_expected(item) for item in value]
    if isinstance(value, dict):
        return {key: _expected(item) for key, item in value.items() if key not in UNWANTED}
    return value


_VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*UNWANTED, "a", "b", "c"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@PROPERTY
@given(_VALUES)
def test_nothing_else_is_lost(value: Any) -> None:
    """Whatever the schema, only the unwanted keys are gone."""
    found = json.loads(bytes(cleaned(Raw(json.dumps(value).encode()))))
    assert found == _expected(value)


def test_depth() -> None:
    """A schema that is nested too deeply is refused as the caller's mistake."""
    with pytest.raises(ProviderError, match="nested too deeply") as raised:
        cleaned(Raw(b'{"a":' * 800 + b"{}" + b"}" * 800))
    assert raised.value.status == 400
