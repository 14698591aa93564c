"""Regular expressions of the configuration: Rust's dialect, searched in linear time. Built cold, used warm.

Python's own engine takes other patterns and may need exponential time. The engine of the JSON Schema library
is the right one, but it is told JavaScript's meaning of some things: those are spelled out for it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import jsonschema_rs

from tzproxy.config.dots import spell_dots

_WORD = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}"
_ANYWHERE = {"d": r"\p{Nd}", "D": r"\P{Nd}", "s": r"\p{White_Space}", "S": r"\P{White_Space}", "a": r"\x07"}
_OUTSIDE = {**_ANYWHERE, "w": f"[{_WORD}]", "W": f"[^{_WORD}]"}
# A negation of several things has no form within brackets: `\W` stays ASCII there.
_INSIDE = {**_ANYWHERE, "w": _WORD}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_PIECE = re.compile(r"\\(?P<escaped>.)|\[:(?P<posix>\w+):\]|(?P<set>&&|--|~~)|\[\^?\]?|.", re.DOTALL)
# What the engine says itself is no more than that it does not like the pattern.
_LOOK_AROUND = re.compile(r"(?<!\\)(?:\\\\)*\(\?<?[=!]")
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")


class PatternError(ValueError):
    """The text is no pattern of this dialect."""


def compile_pattern(text: str) -> Callable[[str], bool]:
    """Return a function that tells whether a text holds a match anywhere.

    Raises:
        PatternError: saying what is wrong, as far as that is known.
    """
    schema = {"pattern": spell_dots(_spelled_out(text))}
    try:
        engine = jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions())
    except (jsonschema_rs.ValidationError, ValueError) as exc:
        raise PatternError(_reason(text)) from exc
    return engine.is_valid


def _spelled_out(text: str) -> str:
    pieces: list[str] = []
    is_inside = False
    for found in _PIECE.finditer(text):
        piece = found[0]
        if found["escaped"] is not None:
            piece = (_INSIDE if is_inside else _OUTSIDE).get(found["escaped"], piece)
        elif is_inside:
            if found["posix"] is not None:
                if found["posix"] not in _POSIX:
                    raise PatternError(f"unknown class `{piece}`")
                piece = _POSIX[found["posix"]]
            elif found["set"] is not None or piece[0] == "[":
                raise PatternError("classes within classes and operations on them are not supported")
            is_inside = piece != "]"
        elif piece[0] == "[":
            # A bracket that closes at once stands for itself.
            piece = piece.replace("]", r"\]")
            is_inside = True
        pieces.append(piece)
    return "".join(pieces)


def _reason(text: str) -> str:
    if _LOOK_AROUND.search(text):
        return "look-around is not supported"
    if _BACK_REFERENCE.search(text):
        return "backreferences are not supported"
    with warnings.catch_warnings(action="ignore"):
        try:
            re.compile(text)
        except re.error as exc:
            if not exc.msg.startswith("bad escape"):
                return str(exc)
    return "not a valid regular expression"
