"""Filters over text and single values.

Owns their results; ordering and grouping are in `sequence_filters`. Hot in templates that use them.
"""

from __future__ import annotations

import math
import re
import string
from typing import Any

from tzproxy.prompts.dialect.arguments import (
    NO_KWARGS,
    UNLIMITED,
    Operation,
    as_count,
    as_flag,
    as_optional_text,
    as_string,
    as_text,
    check_used,
    given,
    loose_items,
)
from tzproxy.prompts.dialect.failures import (
    TOO_MANY_ARGUMENTS,
    UNDEFINED_VALUE,
    TemplateFailure,
    invalid,
)
from tzproxy.prompts.dialect.lexer import WHITE_SPACE
from tzproxy.prompts.dialect.operators import MAX_TEXT, as_integer
from tzproxy.prompts.dialect.printf import format_printf
from tzproxy.prompts.dialect.printing import (
    display,
    html,
    json_for_html,
    json_text,
    pretty,
    to_json,
)
from tzproxy.prompts.dialect.values import (
    UNDEFINED,
    Kwargs,
    Safe,
    Sequence,
    Undefined,
    elements,
    is_true,
    kind_of,
    truth,
)

_PUNCTUATION = frozenset(string.punctuation + WHITE_SPACE)
_WORDS = re.compile(f"[^{re.escape(WHITE_SPACE)}]+")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(
    r"[+-]?(?:inf|infinity|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)", re.IGNORECASE | re.ASCII
)
_MIN_INTEGER = -(2**127)
_MAX_INTEGER = 2**127 - 1


def _safe(state: Any, value: Any) -> Safe:
    return Safe(as_text(value))


def _escape(state: Any, value: Any) -> Any:
    if type(value) is Safe:
        return value
    if isinstance(value, Undefined):
        return Safe("" if state.mode != "json" else "null")
    return Safe(json_text(value) if state.mode == "json" else html(value))


def _upper(state: Any, value: Any) -> str:
    return as_text(value).upper()


def _lower(state: Any, value: Any) -> str:
    return as_text(value).lower()


def _title(state: Any, value: Any) -> str:
    result = []
    word_starts = True
    for char in as_text(value):
        if char in _PUNCTUATION:
            result.append(char)
            word_starts = True
        else:
            result.append(char.upper() if word_starts else char.lower())
            word_starts = False
    return "".join(result)


def _capitalize(state: Any, value: Any) -> str:
    text = as_text(value)
    return text[:1].upper() + text[1:].lower()


def _replace(state: Any, value: Any, old: Any, new: Any) -> str:
    text, before, after = as_text(value), as_text(old), as_text(new)
    if before and text.count(before) * len(after) > MAX_TEXT:
        raise invalid(f"the result of a replacement is limited to {MAX_TEXT} characters")
    return text.replace(before, after)


def _trim(state: Any, value: Any, chars: Any = None) -> str:
    text = as_text(value)
    return text.strip(as_optional_text(chars) if given(chars) else WHITE_SPACE)


def _join(state: Any, value: Any, joiner: Any = None) -> str:
    between = as_optional_text(joiner) if given(joiner) else ""
    if not given(value):
        return ""
    items = elements(value)
    if items is None:
        source = invalid(f"{kind_of(value)} is not iterable")
        raise TemplateFailure(
            "invalid operation", f"cannot join value of type {kind_of(value)}", source=source
        )
    return between.join([item if isinstance(item, str) else display(item) for item in items])


def _split(state: Any, value: Any, separator: Any = None, limit: Any = None) -> Sequence:
    text = as_string(value)
    most = as_integer(limit, "i64") if given(limit) else -1
    if not given(separator):
        parts = _WORDS.findall(text) if most < 0 else _split_words(text, most + 1)
        return Sequence(parts, sized=False)
    between = as_string(separator)
    if between:
        return Sequence(text.split(between, most), sized=False)
    # Between all characters, and at both ends.
    parts = ["", *text, ""]
    if 0 <= most < len(parts) - 1:
        parts = [*parts[:most], "".join(parts[most:])]
    return Sequence(parts, sized=False)


def _split_words(text: str, count: int) -> list[str]:
    """At most `count` words, the last of them with all that follows it."""
    words: list[str] = []
    end = 0
    for word in _WORDS.finditer(text):
        if len(words) == count - 1:
            return [*words, text[word.start() :]]
        if word.end() == len(text):
            return [*words, word[0]]
        words.append(word[0])
        end = word.end()
    # What follows the last word counts as one more, blank as it is.
    return [*words, text[end:]] if text[end:] else words


def _lines(state: Any, value: Any) -> list[str]:
    lines = as_string(value).split("\n")
    if lines[-1] == "":
        lines.pop()
        return [line.removesuffix("\r") for line in lines]
    return [*(line.removesuffix("\r") for line in lines[:-1]), lines[-1]]


def _indent(
    state: Any,
    value: Any,
    width: Any = None,
    first: Any = None,
    blank: Any = None,
    *,
    kwargs: Kwargs = NO_KWARGS,
) -> str:
    text = as_text(value)
    columns = width if given(width) else kwargs.get("width")
    prefix = " " * _limited(as_count(columns) if given(columns) else 4)
    indent_first = as_flag(first if given(first) else kwargs.get("first"))
    indent_blank = as_flag(blank if given(blank) else kwargs.get("blank"))
    check_used(kwargs, "width", "first", "blank")
    lines = _without_newline(text).split("\n")
    result = [lines.pop(0)] if not indent_first else []
    result += [prefix + line if line or indent_blank else line for line in lines]
    return _without_newline("\n".join(result) + "\n")


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _limited(width: int) -> int:
    if width > MAX_TEXT:
        raise invalid(f"a width is limited to {MAX_TEXT} characters")
    return width


def _string(state: Any, value: Any) -> str:
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    return value if isinstance(value, str) else display(value)


def _pprint(state: Any, value: Any) -> str:
    return pretty(value)


def _format(state: Any, value: Any, *args: Any) -> str:
    return format_printf(as_string(value), args)


def _to_json(state: Any, value: Any, indent: Any = None, *, kwargs: Kwargs = NO_KWARGS) -> Safe:
    chosen = indent if given(indent) else kwargs.get("indent")
    check_used(kwargs, "indent")
    if not given(chosen) or chosen is False:
        return json_for_html(to_json(value))
    return json_for_html(to_json(value, 2 if chosen is True else _limited(as_count(chosen))))


def _default(state: Any, value: Any, *args: Any) -> Any:
    if len(args) > 2:
        raise TemplateFailure(TOO_MANY_ARGUMENTS)
    if isinstance(value, Undefined) or (len(args) == 2 and truth(args[1]) and not is_true(value)):
        return args[0] if args else ""
    return value


# ---- numbers


def _abs(state: Any, value: Any) -> Any:
    if kind_of(value) != "number":
        raise invalid("cannot get absolute value")
    if value == _MIN_INTEGER and isinstance(value, int):
        raise invalid("overflow on abs")
    return abs(value)


def _whole(number: float) -> int:
    """A float without its fraction, within 128 bits."""
    if math.isnan(number):
        return 0
    if math.isinf(number):
        return _MAX_INTEGER if number > 0 else _MIN_INTEGER
    return max(_MIN_INTEGER, min(_MAX_INTEGER, int(number)))


def _parse_float(text: str) -> float:
    if not text:
        raise invalid("cannot parse float from empty string")
    if not _FLOAT.fullmatch(text):
        raise invalid("invalid float literal")
    return float(text)


def _int(state: Any, value: Any) -> int:
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    if not given(value):
        return 0
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _whole(value)
    if not isinstance(value, str):
        raise invalid(f"cannot convert {kind_of(value)} to integer")
    if len(value) < 64 and _INTEGER.fullmatch(value) and _MIN_INTEGER <= int(value) <= _MAX_INTEGER:
        return int(value)
    return _whole(_parse_float(value))


def _float(state: Any, value: Any) -> float:
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    if not given(value):
        return 0.0
    if isinstance(value, str):
        return _parse_float(value)
    if not isinstance(value, int | float):
        raise invalid(f"cannot convert {kind_of(value)} to float")
    return float(value)


def _round(state: Any, value: Any, precision: Any = None) -> Any:
    digits = 0
    if given(precision):
        digits = as_integer(precision, "i32")
        if not -(2**31) <= digits < 2**31:
            raise invalid("cannot convert number to i32")
    if kind_of(value) != "number":
        raise invalid(f"cannot round value ({kind_of(value)})")
    if isinstance(value, int):
        return value
    factor = _power_of_ten(digits)
    scaled = factor * value
    if math.isfinite(scaled):
        whole = math.trunc(scaled)
        if abs(scaled - whole) >= 0.5:
            whole += 1 if scaled > 0 else -1
        scaled = math.copysign(float(whole), scaled)
    if factor == 0.0:
        return math.nan
    return scaled / factor


def _power_of_ten(exponent: int) -> float:
    if abs(exponent) > 400:
        return math.inf if exponent > 0 else 0.0
    try:
        return 10.0**exponent if exponent >= 0 else 1.0 / 10.0**-exponent
    except OverflowError:
        return math.inf if exponent > 0 else 0.0


# ---- length and ends


def _reverse(state: Any, value: Any) -> Any:
    if not given(value):
        return value
    if isinstance(value, str):
        return str.__str__(value)[::-1]
    items = elements(value)
    if items is None:
        raise invalid(f"cannot reverse values of type {kind_of(value)}")
    # The keys of a map come out in their order: the original forgets to turn them round.
    return Sequence(list(items) if kind_of(value) == "map" else items[::-1])


def _first(state: Any, value: Any) -> Any:
    items = elements(value) if given(value) else None
    if items is None:
        raise invalid("cannot get first item from value")
    return items[0] if items else UNDEFINED


def _last(state: Any, value: Any) -> Any:
    if not isinstance(value, str | list | Sequence):
        raise invalid("cannot get last item from value")
    items = loose_items(value)
    return items[-1] if items else UNDEFINED


def _bool(state: Any, value: Any) -> bool:
    return truth(value)


TEXT_FILTERS = {
    "abs": Operation(_abs, 1, 1),
    "bool": Operation(_bool, 1, 1),
    "capitalize": Operation(_capitalize, 1, 1),
    "d": Operation(_default, 1, UNLIMITED),
    "default": Operation(_default, 1, UNLIMITED),
    "e": Operation(_escape, 1, 1),
    "escape": Operation(_escape, 1, 1),
    "first": Operation(_first, 1, 1),
    "float": Operation(_float, 1, 1),
    "format": Operation(_format, 1, UNLIMITED),
    "indent": Operation(_indent, 1, 4, keywords=True),
    "int": Operation(_int, 1, 1),
    "join": Operation(_join, 1, 2),
    "last": Operation(_last, 1, 1),
    "lines": Operation(_lines, 1, 1),
    "lower": Operation(_lower, 1, 1),
    "pprint": Operation(_pprint, 1, 1),
    "replace": Operation(_replace, 3, 3),
    "reverse": Operation(_reverse, 1, 1),
    "round": Operation(_round, 1, 2),
    "safe": Operation(_safe, 1, 1),
    "split": Operation(_split, 1, 3),
    "string": Operation(_string, 1, 1),
    "title": Operation(_title, 1, 1),
    "tojson": Operation(_to_json, 1, 2, keywords=True),
    "trim": Operation(_trim, 1, 2),
    "upper": Operation(_upper, 1, 1),
}
"""The filters of this module by their names."""
