"""Patterns of JSON Schemas, with the dot spelled out. Cold: when a schema is compiled.

In the original a dot is everything but a line feed, and everything with the flag `s`. Newer releases of the
engine give it JavaScript's meaning, which excludes four line ends, whatever the flags say.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"\\.|\(\?(?P<on>[A-Za-z]*)(?:-(?P<off>[A-Za-z]+))?(?P<end_of_flags>[:)])|.", re.DOTALL)
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


def spell_dots(pattern: str) -> str:
    """Return a pattern whose dots say what they take."""
    pieces: list[str] = []
    is_inside = False
    # Whether a dot takes line feeds too: by group, the innermost last.
    dot_alls = [False]
    for found in _PIECE.finditer(pattern):
        piece = found[0]
        if is_inside or piece == "[":
            is_inside = piece != "]"
        elif found["end_of_flags"] is not None:
            is_dot_all = "s" not in (found["off"] or "") and ("s" in found["on"] or dot_alls[-1])
            if found["end_of_flags"] == ":":
                dot_alls.append(is_dot_all)
            else:
                dot_alls[-1] = is_dot_all
        elif piece == "(":
            dot_alls.append(dot_alls[-1])
        elif piece == ")" and len(dot_alls) > 1:
            dot_alls.pop()
        elif piece == ".":
            piece = r"[\s\S]" if dot_alls[-1] else r"[^\n]"
        pieces.append(piece)
    return "".join(pieces)
