"""Patterns of JSON Schemas, with the dot spelled out. Cold: when a schema is compiled."""

from __future__ import annotations

from tzproxy.config.dots import spell_dots

_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose keys are names, not keywords."""

_DATA = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose values are no schemas."""


def spelled_out(schema: object) -> tuple[object, dict[str, str]]:
    """Return a schema with its patterns spelled out, and which pattern each of these was.

    What a schema has for keys of `patternProperties` stays as it is: references may go through it.
    """
    changed: dict[str, str] = {}
    return _schema(schema, changed), changed


def _schema(node: object, changed: dict[str, str]) -> object:
    if isinstance(node, list):
        return [_schema(item, changed) for item in node]
    if not isinstance(node, dict):
        return node
    copy: dict[object, object] = {}
    for key, value in node.items():
        if key == "pattern" and isinstance(value, str):
            new = spell_dots(value)
            copy[key] = new
            if new != value:
                changed[new] = value
        elif key in _DATA:
            copy[key] = value
        elif key in _MAPS and isinstance(value, dict):
            copy[key] = {name: _schema(item, changed) for name, item in value.items()}
        else:
            copy[key] = _schema(value, changed)
    return copy
