"""What the operators of a template do: arithmetic, comparison, subscripts.

Owns their results and the failures for operands that do not fit. Everything the code generator writes for an
operator is here. Hot.
"""

from __future__ import annotations

import math
from typing import Any

from tzproxy.prompts.dialect.failures import INVALID_OPERATION, UNDEFINED_VALUE, TemplateFailure, invalid
from tzproxy.prompts.dialect.printing import display
from tzproxy.prompts.dialect.values import (
    UNDEFINED,
    Group,
    Kwargs,
    Sequence,
    TemplateObject,
    Undefined,
    defined,
    elements,
    is_sized,
    kind_of,
    order_key,
)

_MIN_INTEGER = -(2**127)
_MAX_INTEGER = 2**127 - 1
_MAX_INDEX = 2**63 - 1

MAX_TEXT = 32 * 1024 * 1024
"""Longest text that one operation may make out of short ones."""

MAX_ITEMS = 1_000_000
"""Longest sequence that one operation may make out of short ones."""


# ---- attributes and subscripts


def attribute(value: Any, name: str) -> Any:
    """`value.name`: the entry of a map, UNDEFINED if there is none."""
    if type(value) is dict:
        return value.get(name, UNDEFINED)
    if isinstance(value, dict):
        return value.get(name, UNDEFINED)
    if isinstance(value, TemplateObject):
        return value.get(name)
    if isinstance(value, Undefined):
        raise TemplateFailure(UNDEFINED_VALUE)
    if type(value) is Group and name in ("grouper", "list"):
        return value[0] if name == "grouper" else value[1]
    return UNDEFINED


def as_index(value: Any) -> int | None:
    """A number as an index, None for what cannot be one."""
    if isinstance(value, int):
        return int(value) if abs(value) <= _MAX_INDEX else None
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_INDEX:
        return int(value)
    return None


def subscript(value: Any, key: Any) -> Any:
    """`value[key]`: UNDEFINED where there is nothing."""
    if isinstance(value, dict):
        try:
            return value.get(key, UNDEFINED)
        except TypeError:  # a list or map as a key
            return UNDEFINED
    if isinstance(value, list | str | Sequence):
        index = as_index(key)
        items = value.items if isinstance(value, Sequence) else value
        if index is not None and -len(items) <= index < len(items) and (index >= 0 or _counts(value)):
            return items[index]
        return attribute(value, key) if type(value) is Group and isinstance(key, str) else UNDEFINED
    if isinstance(value, TemplateObject):
        return value.get(key)
    if isinstance(value, Undefined):
        raise TemplateFailure(UNDEFINED_VALUE)
    return UNDEFINED


def _counts(value: Any) -> bool:
    """Whether positions can be counted from the end of a value."""
    return not isinstance(value, Sequence) or value.sized


def as_integer(value: Any, target: str) -> int:
    """A number as an integer, named by the type that the failure names."""
    index = as_index(value)
    if index is None:
        raise invalid(f"cannot convert {kind_of(value)} to {target}")
    return index


def cut(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """`value[start:stop:step]`."""
    if isinstance(value, Undefined):
        raise TemplateFailure(UNDEFINED_VALUE)
    first = None if start is None else as_integer(start, "i64")
    last = None if stop is None else as_integer(stop, "i64")
    stride = 1 if step is None else as_integer(step, "i64")
    if stride == 0:
        raise invalid("cannot slice by step size of 0")
    if value is None:
        return []
    if not isinstance(value, str | list | Sequence):
        raise invalid(f"value of type {kind_of(value)} cannot be sliced")
    items = value.items if isinstance(value, Sequence) else value
    if stride < 0:
        chosen = _backwards(items, first, last, -stride)
        return chosen if isinstance(value, str) else Sequence(list(chosen))
    if isinstance(value, str):
        return str.__str__(value)[_span(len(items), first, last, stride)]
    # What does not know its length counts as empty where an end has to be counted from.
    span = _span(len(items) if _counts(value) else 0, first, last, stride)
    return Sequence(list(items[span]), sized=_counts(value) or span.stop <= span.start)


def _span(size: int, start: int | None, stop: int | None, step: int) -> slice:
    begin = start or 0
    if begin < 0:
        begin = max(0, size + begin)
    end = size if stop is None else stop if stop >= 0 else max(0, size + stop)
    return slice(begin, end, step)


def _backwards(items: Any, start: int | None, stop: int | None, step: int) -> Any:
    """Walk down from `start`; unlike in Python the element at `stop` is not reached only if it is not 0."""
    size = len(items)
    if size == 0:
        return items[:0]
    begin = size - 1 if start is None or start >= size else start if start >= 0 else max(0, size + start)
    end = 0 if stop is None else stop if stop >= 0 else max(0, size + stop)
    if end == 0:
        return items[begin::-step]
    return items[begin:end:-step] if begin > end else items[:0]


# ---- arithmetic


def _numbers(left: Any, right: Any) -> bool:
    return isinstance(left, int | float) and isinstance(right, int | float)


def _impossible(operator: str, left: Any, right: Any) -> TemplateFailure:
    kinds = f"{kind_of(left)} and {kind_of(right)}"
    return invalid(f"tried to use {operator} operator on unsupported types {kinds}")


def _incalculable(operator: str, left: Any, right: Any) -> TemplateFailure:
    return invalid(f"unable to calculate {display(left)} {operator} {display(right)}")


def _bounded(operator: str, left: Any, right: Any, result: Any) -> Any:
    """An integer result, which has to fit into 128 bits; floats pass."""
    if isinstance(result, int) and not _MIN_INTEGER <= result <= _MAX_INTEGER:
        raise _incalculable(operator, left, right)
    return result


def add(left: Any, right: Any) -> Any:
    """`left + right`: numbers, texts, sequences."""
    if _numbers(left, right):
        return _bounded("+", left, right, left + right)
    if isinstance(left, str) and isinstance(right, str):
        return str.__add__(left, right)
    if isinstance(left, list | Sequence) and isinstance(right, list | Sequence):
        items = (elements(left) or []) + (elements(right) or [])
        return Sequence(items, sized=is_sized(left) and is_sized(right))
    raise _impossible("+", left, right)


def subtract(left: Any, right: Any) -> Any:
    """`left - right`."""
    if not _numbers(left, right):
        raise _impossible("-", left, right)
    return _bounded("-", left, right, left - right)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`: numbers, or a text or sequence repeated."""
    for repeated, count in ((left, right), (right, left)):
        if isinstance(repeated, str):
            times = _count(count, "strings can only be multiplied with integers")
            return str.__mul__(repeated, _within(times, len(repeated), MAX_TEXT))
    for repeated, count in ((left, right), (right, left)):
        if isinstance(repeated, list | Sequence):
            times = _count(count, "sequences and iterables can only be multiplied with integers")
            if not is_sized(repeated):
                raise invalid("cannot repeat unsized iterables")
            items = elements(repeated) or []
            return Sequence(items * _within(times, len(items), MAX_ITEMS))
        if isinstance(repeated, dict | TemplateObject):
            break
    if not _numbers(left, right):
        raise _impossible("*", left, right)
    return _bounded("*", left, right, left * right)


def _count(value: Any, complaint: str) -> int:
    count = as_index(value)
    if count is None or count < 0:
        raise invalid(complaint)
    return count


def _within(times: int, size: int, most: int) -> int:
    if times * size > most:
        raise invalid(f"the result of a repetition is limited to {most} elements")
    return times


def divide(left: Any, right: Any) -> Any:
    """`left / right`: always a float."""
    if not _numbers(left, right):
        raise _impossible("/", left, right)
    dividend, divisor = float(left), float(right)
    if divisor == 0.0:
        if dividend == 0.0 or math.isnan(dividend):
            return math.nan
        return math.copysign(math.inf, dividend) * math.copysign(1.0, divisor)
    return dividend / divisor


def floor_divide(left: Any, right: Any) -> Any:
    """`left // right`: rounded so that the remainder is never negative."""
    if not _numbers(left, right):
        raise _impossible("//", left, right)
    if isinstance(left, float) or isinstance(right, float):
        dividend, divisor = float(left), float(right)
        quotient = divide(dividend, divisor)
        if not math.isfinite(quotient) or math.isinf(divisor):
            whole = math.trunc(quotient) if math.isfinite(quotient) else quotient
        else:
            whole = math.trunc(quotient)
            if math.fmod(dividend, divisor) < 0.0:
                return float(whole) - 1.0 if divisor > 0.0 else float(whole) + 1.0
        return math.copysign(float(whole), quotient) if whole == 0 else float(whole)
    if right == 0:
        raise _incalculable("//", left, right)
    quotient = left // abs(right)
    return _bounded("//", left, right, -quotient if right < 0 else quotient)


def remainder(left: Any, right: Any) -> Any:
    """`left % right`: never negative for integers, the sign of the dividend for floats."""
    if not _numbers(left, right):
        raise _impossible("%", left, right)
    if isinstance(left, float) or isinstance(right, float):
        dividend, divisor = float(left), float(right)
        if divisor == 0.0 or math.isinf(dividend):
            return math.nan
        return math.fmod(dividend, divisor)
    if right == 0 or (left == _MIN_INTEGER and right == -1):
        raise _incalculable("%", left, right)
    return left % abs(right)


def power(left: Any, right: Any) -> Any:
    """`left ** right`."""
    if not _numbers(left, right):
        raise _impossible("**", left, right)
    if isinstance(left, float) or isinstance(right, float):
        return _float_power(float(left), float(right))
    if right < 0 or (abs(left) > 1 and right > 127):
        raise _incalculable("**", left, right)
    if abs(left) <= 1:
        right = min(right, 2 + right % 2)
    return _bounded("**", left, right, int(left) ** int(right))


def _float_power(base: float, exponent: float) -> float:
    try:
        result: float = math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0.0 and exponent % 2.0 == 1.0 else math.inf
    except ValueError:
        if base == 0.0:
            negative = math.copysign(1.0, base) < 0.0 and exponent % 2.0 == 1.0
            return -math.inf if negative else math.inf
        return math.nan
    return result


def negate(value: Any) -> Any:
    """`-value`."""
    if kind_of(value) != "number":
        raise TemplateFailure(INVALID_OPERATION)
    if isinstance(value, int):
        if value == _MIN_INTEGER:
            raise invalid("overflow")
        if value == _MAX_INTEGER + 1:
            # The original takes the sign of the smallest integer for lost.
            return value
        if value > _MAX_INTEGER:
            raise TemplateFailure(INVALID_OPERATION)
    return -value


def concatenate(*values: Any) -> str:
    """`a ~ b ~ c`: the texts of all; UNDEFINED fails."""
    return "".join([display(defined(value)) for value in values])


# ---- comparison


_SIMPLE = frozenset((str, int, float, bool, type(None)))


def equal(left: Any, right: Any) -> bool:
    """`left == right`; UNDEFINED fails."""
    return same(defined(left), defined(right))


def same(left: Any, right: Any) -> bool:
    """Equality of any two values."""
    if left is right and not isinstance(left, float):
        return True
    return bool(left == right)


def unequal(left: Any, right: Any) -> bool:
    """`left != right`; UNDEFINED fails."""
    return not same(defined(left), defined(right))


def less(left: Any, right: Any) -> bool:
    """`left < right`; values of different kinds compare by kind, UNDEFINED fails."""
    return order_key(defined(left)) < order_key(defined(right))


def less_or_equal(left: Any, right: Any) -> bool:
    """`left <= right`."""
    return order_key(defined(left)) <= order_key(defined(right))


def greater(left: Any, right: Any) -> bool:
    """`left > right`."""
    return order_key(defined(left)) > order_key(defined(right))


def greater_or_equal(left: Any, right: Any) -> bool:
    """`left >= right`."""
    return order_key(defined(left)) >= order_key(defined(right))


def contained(value: Any, container: Any) -> bool:
    """`value in container`; UNDEFINED fails on either side."""
    defined(container)
    return contains(container, defined(value))


def contains(container: Any, value: Any) -> bool:
    """Whether a text has a part, a map a key, a sequence an element."""
    if isinstance(container, Undefined):
        return False
    if isinstance(container, str):
        return (value if isinstance(value, str) else display(value)) in container
    if isinstance(container, dict | TemplateObject):
        return subscript(container, value) is not UNDEFINED
    if isinstance(container, list | Sequence):
        return any(same(item, value) for item in elements(container) or ())
    raise invalid("cannot perform a containment check on this value")


# ---- arguments


def merged_kwargs(*parts: Any) -> Kwargs:
    """Keyword arguments out of named ones and of maps that were spread with `**`."""
    merged = Kwargs()
    for part in parts:
        if part is UNDEFINED:
            raise TemplateFailure(UNDEFINED_VALUE)
        if not isinstance(part, dict):
            raise invalid(f"attempted to apply keyword arguments from non map (got {kind_of(part)})")
        merged.update(part)
    return merged
