"""Example values for JSON Schemas: what the mock puts into tool calls and structured answers.

Pure and deterministic. Covers what tools and response formats are written with; a schema that asks for the
impossible, or for a text of a rare pattern, gets the nearest value instead of an error. Not hot.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_MAX_DEPTH = 12
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "018f4e3a-0000-7000-8000-000000000001",
}
_BY_NAME = {
    "city": "Oslo",
    "location": "Oslo",
    "country": "Norway",
    "name": "Ada",
    "email": "ada@example.com",
    "date": "2026-01-31",
    "url": "https://example.com/",
    "query": "example query",
    "language": "en",
    "unit": "celsius",
    "units": "celsius",
    "currency": "EUR",
}
_PATTERN_TRIES = ("a", "A", "0", "abc", "ABC", "123", "12345", "a1", "A1", "AB-123", "#a1b2c3", "+4712345678")
_KEYWORD_TYPES = {
    "properties": "object",
    "required": "object",
    "items": "array",
    "prefixItems": "array",
    "minItems": "array",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
}


def example_value(schema: Any) -> Any:
    """Return a value that satisfies the schema: the required properties alone, each plausible."""
    return _example(schema, root=schema, name="", depth=0)


def _example(schema: Any, *, root: Any, name: str, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return name or "example"
    schema = _resolve(schema, root, depth)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = _pick_type(schema)
    if kind == "object":
        return _example_object(schema, root=root, depth=depth)
    if kind == "array":
        return _example_array(schema, root=root, name=name, depth=depth)
    if kind in ("integer", "number"):
        return _example_number(schema, is_integer=kind == "integer")
    if kind == "boolean":
        return True
    return None if kind == "null" else _example_text(schema, name)


def _resolve(schema: Mapping[str, Any], root: Any, depth: int) -> Mapping[str, Any]:
    """Follow `$ref`, fold `allOf` in and take the first branch of `anyOf` and `oneOf`."""
    for _ in range(_MAX_DEPTH):
        parts: list[Any] = []
        if "$ref" in schema:
            parts.append(_lookup(schema["$ref"], root))
        parts.extend(schema.get("allOf") or ())
        for key in ("anyOf", "oneOf"):
            branches = schema.get(key)
            if branches:
                parts.append(_pick_branch(branches, depth))
        own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "anyOf", "oneOf")}
        if not parts:
            return own
        for part in parts:
            if isinstance(part, Mapping):
                own = _merge(own, part)
        schema = own
    return schema


def _pick_branch(branches: list[Any], depth: int) -> Any:
    """Take the first branch; the `null` one where nesting is deep, so that recursive schemas end."""
    if depth >= _MAX_DEPTH // 2:
        for branch in branches:
            if isinstance(branch, Mapping) and branch.get("type") == "null":
                return branch
    return branches[0]


def _merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**second, **first}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**second["properties"], **first["properties"]}
    if "required" in first and "required" in second:
        merged["required"] = list(dict.fromkeys([*first["required"], *second["required"]]))
    return merged


def _lookup(reference: str, root: Any) -> Any:
    if not reference.startswith("#"):
        return {}
    value = root
    for part in reference[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, Mapping) or key not in value:
            return {}
        value = value[key]
    return value


def _pick_type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((entry for entry in kind if entry != "null"), "null")
    if isinstance(kind, str):
        return kind
    return next((implied for keyword, implied in _KEYWORD_TYPES.items() if keyword in schema), "string")


def _example_object(schema: Mapping[str, Any], *, root: Any, depth: int) -> dict[str, Any]:
    if depth >= _MAX_DEPTH:
        return {}
    properties = schema.get("properties") or {}
    return {
        key: _example(properties.get(key, {}), root=root, name=key, depth=depth + 1)
        for key in schema.get("required") or ()
    }


def _example_array(schema: Mapping[str, Any], *, root: Any, name: str, depth: int) -> list[Any]:
    least = schema.get("minItems", 0)
    wanted = max(least, 0 if schema.get("maxItems") == 0 or depth >= _MAX_DEPTH // 2 else 1)
    if depth >= _MAX_DEPTH:
        return []
    prefix = schema.get("prefixItems") or []
    items = [_example(entry, root=root, name=name, depth=depth + 1) for entry in prefix[:wanted]]
    while len(items) < wanted:
        items.append(_example(schema.get("items", {}), root=root, name=name, depth=depth + 1))
    return items


def _example_number(schema: Mapping[str, Any], *, is_integer: bool) -> float:
    low: float = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high: float = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    step: float | None = schema.get("multipleOf") or (1 if is_integer else None)
    if step is None:
        if math.isfinite(low) and math.isfinite(high):
            return (low + high) / 2
        return 1 if low < 1 < high else (low + 1 if math.isfinite(low) else high - 1)
    value = max(step, math.ceil(low / step) * step) if math.isfinite(low) else step
    if value == low and low == schema.get("exclusiveMinimum"):
        value += step
    if value > high or (value == high and high == schema.get("exclusiveMaximum")):
        value = math.floor(high / step) * step
        if value == high and high == schema.get("exclusiveMaximum"):
            value -= step
    return value


def _example_text(schema: Mapping[str, Any], name: str) -> str:
    text = _FORMATS.get(schema.get("format", ""), _BY_NAME.get(name.lower(), name or "example"))
    pattern = schema.get("pattern")
    if pattern:
        tries = (text, *_FORMATS.values(), *_PATTERN_TRIES)
        return next((candidate for candidate in tries if _matches(pattern, candidate)), text)
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if len(text) < least:
        text = (text or "x") + "x" * (least - len(text or "x"))
    return text if len(text) <= most else text[: int(most)]


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
