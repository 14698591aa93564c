"""The `format` filter: printf-style formatting as the original does it.

Owns the format language. It resembles Python's `%` and differs in what it takes (no `%d` of a float), in `%s`
of floats and in counting widths in bytes. Hot in templates that use it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from tzproxy.prompts.dialect.failures import TemplateFailure, invalid
from tzproxy.prompts.dialect.operators import MAX_TEXT
from tzproxy.prompts.dialect.printing import display
from tzproxy.prompts.dialect.values import TemplateObject, Undefined

_FIELD = re.compile(r"([#0\- +]*)([0-9]*)(?:(\.)([0-9]*))?[hlL]?(.?)", re.DOTALL)
_TYPES = frozenset("dieEfFgGoxXcs")
_NAMES = {
    "c": "character format ('c')",
    "d": "decimal format ('d')",
    "e": "scientific notation ('e')",
    "E": "scientific notation ('E')",
    "f": "fixed-point notation ('f')",
    "F": "fixed-point notation ('F')",
    "g": "general format ('g')",
    "G": "general format ('G')",
    "o": "octal format ('o')",
    "x": "hex format ('x')",
    "X": "hex format ('X')",
    "s": "string format ('s')",
}
_RADIX_PREFIXES = {"o": "0o", "x": "0x", "X": "0X"}


class _Spec(NamedTuple):
    """One field: `%` and all that follows up to the letter."""

    flags: str
    width: int | None
    precision: int | None
    letter: str
    offset: int


def format_printf(template: str, args: Sequence[Any]) -> str:
    """Fill values into a format.

    Raises:
        TemplateFailure: The format is malformed, or a value does not fit it.
    """
    result: list[str] = []
    position = 0
    used = 0
    while position < len(template):
        percent = template.find("%", position)
        if percent < 0:
            result.append(template[position:])
            break
        result.append(template[position:percent])
        if template.startswith("%%", percent):
            result.append("%")
            position = percent + 2
            continue
        key, begin = _key(template, percent + 1)
        spec, position = _parse(template, begin)
        if key is None:
            if used >= len(args):
                raise _missing(spec)
            value = args[used]
            used += 1
        else:
            value = _entry(args, key, spec)
        result.append(_formatted(value, spec))
    return "".join(result)


def _missing(spec: _Spec) -> TemplateFailure:
    return invalid(f"missing an argument for format spec at offset '{spec.offset}'")


def _entry(args: Sequence[Any], key: str, spec: _Spec) -> Any:
    if not args:
        raise _missing(spec)
    mapping = args[0]
    if isinstance(mapping, dict):
        value = mapping.get(key)
        if key not in mapping or isinstance(value, Undefined):
            raise _missing(spec)
        return value
    if isinstance(mapping, TemplateObject) and mapping.kind == "map":
        value = mapping.get(key)
        if isinstance(value, Undefined):
            raise _missing(spec)
        return value
    raise invalid("format argument must be a mapping")


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _key(template: str, position: int) -> tuple[str | None, int]:
    """The name in parentheses, if there is one, and where the rest begins."""
    if not template.startswith("(", position):
        return None, position
    end = template.find(")", position)
    if end < 0:
        offset = _bytes(template[: position + 1])
        raise invalid(f"incomplete format key at offset {offset}; missing closing ')'")
    return template[position + 1 : end], end + 1


def _number(digits: str, template: str, end: int) -> int:
    number = int(digits) if len(digits) < 20 else 2**64
    if number >= 2**64:
        raise invalid(f"invalid integer in the format string at offset {_bytes(template[:end])}")
    if number > MAX_TEXT:
        raise invalid(f"a width is limited to {MAX_TEXT} characters")
    return number


def _parse(template: str, begin: int) -> tuple[_Spec, int]:
    field = _FIELD.match(template, begin)
    assert field is not None
    flags, digits, point, decimals, letter = field.groups()
    width = _number(digits, template, field.end(2)) if digits else None
    if "0" in flags and "-" not in flags and width is None:
        # A lone zero is a width.
        flags, width = flags.replace("0", ""), 0
    precision = _number(decimals, template, field.end(4)) if point and decimals else None
    offset = _bytes(template[: field.start(5)])
    if not letter:
        raise invalid(f"incomplete format spec at offset {offset}; missing conversion type")
    if letter not in _TYPES:
        first = chr(letter.encode()[0])
        raise invalid(f"invalid conversion type '{first}' in format spec at offset {offset}")
    letter = "d" if letter == "i" else letter
    return _Spec(flags, width, precision, letter, _bytes(template[:begin])), field.end()


def _unfit(kind: str, spec: _Spec) -> TemplateFailure:
    name = _NAMES[spec.letter]
    return invalid(f"invalid format spec at offset {spec.offset}; '{kind}' cannot be formatted in {name}")


def _formatted(value: Any, spec: _Spec) -> str:
    if isinstance(value, bool):
        return _padded(display(value), spec) if spec.letter == "s" else _integer(int(value), spec)
    if isinstance(value, int):
        return _integer(value, spec)
    if isinstance(value, float):
        return _float(value, spec)
    return _text(display(value), spec)


def _text(text: str, spec: _Spec) -> str:
    if spec.letter == "c":
        if len(text) != 1:
            raise invalid(f"{_NAMES['c']} requires integer or char")
        return _padded(text, spec, 1)
    if spec.letter != "s":
        raise _unfit("string", spec)
    if spec.precision is not None and spec.precision < _bytes(text):
        text = text.encode()[: spec.precision].decode(errors="ignore")
    return _padded(text, spec)


def _padded(text: str, spec: _Spec, size: int | None = None) -> str:
    """Text at the right of its field, at the left with the flag `-`. Fields are measured in bytes."""
    missing = (spec.width or 0) - (_bytes(text) if size is None else size)
    if missing <= 0:
        return text
    return text + " " * missing if "-" in spec.flags else " " * missing + text


def _signed(number: str, sign: str, spec: _Spec) -> str:
    prefix = _RADIX_PREFIXES.get(spec.letter, "") if "#" in spec.flags else ""
    if "0" in spec.flags and "-" not in spec.flags:
        missing = (spec.width or 0) - len(sign) - len(prefix) - len(number)
        return sign + prefix + "0" * missing + number
    return _padded(sign + prefix + number, spec)


def _sign(negative: bool, spec: _Spec) -> str:
    if negative:
        return "-"
    return "+" if "+" in spec.flags else " " if " " in spec.flags else ""


def _with_point(number: str, spec: _Spec) -> str:
    return number + "." if spec.precision == 0 and "#" in spec.flags else number


def _scientific(size: int | float, precision: int, spec: _Spec) -> str:
    digits, exponent = _mantissa(size, precision)
    letter = "E" if spec.letter == "E" else "e"
    return f"{_with_point(digits, spec)}{letter}{exponent:+03}"


def _mantissa(size: int | float, precision: int) -> tuple[str, int]:
    digits, _, exponent = f"{Decimal(size):.{precision}e}".partition("e")
    return digits, int(exponent)


def _general(size: int | float, spec: _Spec) -> str:
    precision = 6 if spec.precision is None else spec.precision or 1
    digits, exponent = _mantissa(size, precision - 1)
    if -4 <= exponent < precision:
        # The decimals of an integer are not written.
        number = str(size) if isinstance(size, int) else f"{size:.{precision - 1 - exponent}f}"
        return _significant(number, spec)
    letter = "E" if spec.letter == "G" else "e"
    return f"{_significant(digits, spec)}{letter}{exponent:+03}"


def _significant(number: str, spec: _Spec) -> str:
    return number.rstrip("0").rstrip(".") if "." in number and "#" not in spec.flags else number


def _integer(value: int, spec: _Spec) -> str:
    size = abs(value)
    sign = _sign(value < 0, spec)
    letter = spec.letter
    if letter == "c":
        if value < 0 or value > 0x10FFFF or 0xD800 <= value < 0xE000:
            raise invalid(f"{_NAMES['c']} arg not in range(0x110000)")
        return _padded(chr(value), spec, 1)
    if letter == "s":
        return _signed(str(size), "-" if value < 0 else "", spec)
    if letter in "oxX":
        number = format(size, letter)
    elif letter in "eE":
        number = _scientific(size, 6 if spec.precision is None else spec.precision, spec)
    elif letter in "fF":
        decimals = 6 if spec.precision is None else spec.precision
        number = _with_point(f"{size}.{'0' * decimals}" if decimals else str(size), spec)
    elif letter in "gG":
        number = _general(size, spec)
    else:
        number = str(size)
    return _signed(number, sign, spec)


def _float(value: float, spec: _Spec) -> str:
    letter = spec.letter
    if letter in "oxXdc":
        raise _unfit("float", spec)
    negative = math.copysign(1.0, value) < 0.0
    sign = _sign(negative, spec)
    if letter == "s" and sign == "+":
        sign = ""
    if not math.isfinite(value):
        name = "nan" if math.isnan(value) else "inf"
        sign = "" if name == "nan" else sign
        return _signed(name.upper() if letter in "EFG" else name, sign, spec)
    size = abs(value)
    if letter in "eE":
        return _signed(_scientific(size, 6 if spec.precision is None else spec.precision, spec), sign, spec)
    if letter in "fF":
        decimals = 6 if spec.precision is None else spec.precision
        return _signed(_with_point(f"{size:.{decimals}f}", spec), sign, spec)
    if size == 0.0:
        return _signed("0", sign, spec)
    number = _general(size, spec)
    if letter == "s" and not any(char in number for char in ".e"):
        number += ".0"
    return _signed(number, sign, spec)
