"""From values to text: plain, for HTML, for JSON, and the form that shows structure.

Owns every rule by which a value becomes characters. Hot: `text`, `html`, `json_text`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal
from typing import Any

import msgspec

from tzproxy.prompts.dialect.failures import UNDEFINED_VALUE, TemplateFailure, invalid
from tzproxy.prompts.dialect.values import (
    UNDEFINED,
    Safe,
    Sequence,
    TemplateObject,
    Undefined,
    pairs,
)

_HTML_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "/": "&#x2f;"}
)

# What the original escapes in JSON so that the text may also stand in HTML.
_JSON_HTML_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"})


def text(value: Any) -> str:
    """What `{{ value }}` prints without auto-escaping. UNDEFINED fails."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return str(value)
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    return display(value)


def display(value: Any) -> str:
    """The text of a value where even UNDEFINED is allowed (it is empty)."""
    if isinstance(value, str):
        # A safe text must become a plain one.
        return str.__str__(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Undefined):
        return ""
    if isinstance(value, TemplateObject):
        return value.printed()
    return debug_text(value)


def html(value: Any) -> str:
    """What `{{ value }}` prints in a template whose name ends in `.html`."""
    kind = type(value)
    if kind is str:
        return value.translate(_HTML_ESCAPES)  # type: ignore[no-any-return]
    if kind is Safe:
        return str.__str__(value)
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    shown = display(value)
    return shown.translate(_HTML_ESCAPES) if kind is not float else shown


def json_text(value: Any) -> str:
    """What `{{ value }}` prints in a template whose name ends in `.json`."""
    if type(value) is Safe:
        return str.__str__(value)
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    return to_json(value)


def float_text(number: float) -> str:
    """A float in plain notation, always with a decimal point."""
    if math.isfinite(number):
        shown = repr(number)
        if "e" not in shown:
            return shown
        shown = format(Decimal(shown), "f")
        return shown if "." in shown else f"{shown}.0"
    return "NaN" if math.isnan(number) else "inf" if number > 0 else "-inf"


def _float_debug(number: float) -> str:
    """A float inside a printed list or map: with an exponent from 1e16 on and below 1e-4."""
    if not math.isfinite(number):
        return float_text(number)
    size = abs(number)
    if number == 0.0 or 1e-4 <= size < 1e16:
        return float_text(number)
    digits, _, exponent = repr(number).partition("e")
    return f"{digits}e{int(exponent)}"


_DEBUG_ESCAPES = {
    "\0": "\\0",
    "\t": "\\t",
    "\n": "\\n",
    "\r": "\\r",
    '"': '\\"',
    "\\": "\\\\",
}

# Marks that extend the character before them although Unicode files them under spacing marks or letters.
_EXTENDING = frozenset(
    "\u09be\u09d7\u0b3e\u0b57\u0bbe\u0bd7\u0cc0\u0cc2\u0cc7\u0cc8\u0cca\u0ccb\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf"
    "\u1715\u1734\u1b35\u1b3b\u1b3d\u1b43\u1b44\u1baa\u1bf2\u1bf3\u302e\u302f\ua953\ua9c0\uff9e\uff9f"
    "\U000111c0\U00011235\U0001133e\U0001134d\U00011357\U000114b0\U000114bd\U000115af\U000116b6\U00011930"
    "\U0001193d\U00016ff0\U00016ff1\U0001d165\U0001d166\U0001d16d\U0001d16e\U0001d16f\U0001d170\U0001d171"
    "\U0001d172"
)


def _escaped_char(char: str) -> str:
    known = _DEBUG_ESCAPES.get(char)
    if known is not None:
        return known
    if char.isprintable() and unicodedata.category(char) not in ("Mn", "Me") and char not in _EXTENDING:
        return char
    return f"\\u{{{ord(char):x}}}"


def quoted(value: str) -> str:
    """A text in double quotes as it stands inside a printed list or map."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    return '"' + "".join(map(_escaped_char, value)) + '"'


def debug_text(value: Any) -> str:
    """A value as it stands inside a printed list or map."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return _float_debug(value)
    if isinstance(value, list) or (isinstance(value, Sequence) and value.sized):
        items = value if isinstance(value, list) else value.items
        return "[" + ", ".join(map(debug_text, items)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{debug_text(key)}: {debug_text(item)}" for key, item in pairs(value)) + "}"
    if isinstance(value, Sequence):
        return "<iterator>"
    if isinstance(value, Undefined):
        return "undefined"
    return display(value)


def pretty(value: Any, indent: str = "") -> str:
    """A value over several lines, as `pprint` shows it."""
    deeper = indent + "    "
    if isinstance(value, list) or (isinstance(value, Sequence) and value.sized):
        items = value if isinstance(value, list) else value.items
        shown = [pretty(item, deeper) for item in items]
        left, right = "[", "]"
    elif isinstance(value, dict):
        shown = [f"{pretty(key, deeper)}: {pretty(item, deeper)}" for key, item in pairs(value)]
        left, right = "{", "}"
    else:
        return debug_text(value)
    if not shown:
        return left + right
    lines = "".join(f"{deeper}{line},\n" for line in shown)
    return f"{left}\n{lines}{indent}{right}"


# ---- JSON


def _to_plain(value: Any) -> Any:
    """What the encoder should write for a value that is no JSON data."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Sequence):
        return value.items
    if isinstance(value, list):
        return list(value)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, Undefined):
        return None
    if isinstance(value, TemplateObject):
        return dict(pairs(value)) if value.kind == "map" else value.printed()
    raise TypeError


# PERF: the C encoder with sorted keys (test_render_tojson); floats differ in one sign only.
_ENCODER = msgspec.json.Encoder(order="deterministic", enc_hook=_to_plain)

_EXPONENT = re.compile(rb"[0-9]e[0-9]")
_STRING_OR_EXPONENT = re.compile(rb'"(?:[^"\\]|\\.)*"|([0-9])e(?=[0-9])')


def to_json(value: Any, indent: int | None = None) -> str:
    """Compact JSON with sorted keys, or indented JSON."""
    try:
        encoded = _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError) as exc:
        raise invalid("cannot serialize to JSON") from exc
    # PERF: one search for the rare large float (test_render_tojson)
    if _EXPONENT.search(encoded):
        encoded = _STRING_OR_EXPONENT.sub(_signed_exponent, encoded)
    return (encoded if indent is None else _indented(encoded, indent)).decode()


def _signed_exponent(found: re.Match[bytes]) -> bytes:
    """`1e+16` for `1e16`, as the original writes it; strings stay."""
    return found[0] if found[1] is None else found[1] + b"e+"


def _indented(encoded: bytes, indent: int) -> bytes:
    if indent:
        return msgspec.json.format(encoded, indent=indent)
    # The library knows no line breaks without indentation, so the indentation is cut off again: strings in
    # JSON hold no raw line breaks.
    lines = msgspec.json.format(encoded, indent=1).split(b"\n")
    return b"\n".join(line.lstrip(b" ") for line in lines)


def json_for_html(encoded: str) -> Safe:
    """JSON whose critical characters are escaped, marked safe."""
    return Safe(encoded.translate(_JSON_HTML_ESCAPES))
