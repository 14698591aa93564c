"""Filters over sequences and maps.

Owns how they order, group, cut and combine. Hot in templates that use them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tzproxy.prompts.dialect.arguments import (
    NO_KWARGS,
    UNLIMITED,
    Operation,
    as_count,
    as_flag,
    as_items,
    as_string,
    at_path,
    at_path_or,
    check_used,
    given,
    loose_items,
    needed_string,
    strict_items,
)
from tzproxy.prompts.dialect.failures import TemplateFailure, invalid
from tzproxy.prompts.dialect.operators import MAX_ITEMS, add, subscript
from tzproxy.prompts.dialect.values import (
    UNDEFINED,
    BrokenSequence,
    Group,
    Kwargs,
    Sequence,
    Undefined,
    elements,
    folded_order_key,
    kind_of,
    length_of,
    order_key,
    pairs,
)


def _order(case_sensitive: bool) -> Callable[[Any], tuple[Any, ...]]:
    return order_key if case_sensitive else folded_order_key


def _length(state: Any, value: Any) -> int:
    length = length_of(value)
    if length is None:
        raise invalid(f"cannot calculate length of value of type {kind_of(value)}")
    return length


def _list(state: Any, value: Any) -> list[Any]:
    return list(as_items(value))


def _items(state: Any, value: Any) -> Sequence:
    if kind_of(value) != "map":
        raise invalid("cannot convert value into pairs")
    return Sequence([[key, item] for key, item in pairs(value)])


def _dictsort(state: Any, value: Any, *, kwargs: Kwargs = NO_KWARGS) -> list[Any]:
    if kind_of(value) != "map":
        raise invalid("cannot convert value into pair list")
    by = kwargs.get("by")
    position = 1 if given(by) and as_string(by) == "value" else 0
    key = _order(as_flag(kwargs.get("case_sensitive")))
    reverse = as_flag(kwargs.get("reverse"))
    check_used(kwargs, "by", "case_sensitive", "reverse")
    entries = [[name, item] for name, item in pairs(value)]
    return sorted(entries, key=lambda entry: key(entry[position]), reverse=reverse)


def _attr(state: Any, value: Any, key: Any) -> Any:
    return subscript(value, key)


def _sum(state: Any, value: Any) -> Any:
    total: Any = 0
    for item in strict_items(value):
        if isinstance(item, Undefined):
            continue
        if kind_of(item) != "number":
            raise invalid(f"can only sum numbers, got {kind_of(item)}")
        total = add(total, item)
    return total


def _min(state: Any, value: Any) -> Any:
    return min(as_items(value), key=order_key, default=UNDEFINED)


def _max(state: Any, value: Any) -> Any:
    # The last of several equal ones.
    return max(reversed(as_items(value)), key=order_key, default=UNDEFINED)


def _sort(state: Any, value: Any, *, kwargs: Kwargs = NO_KWARGS) -> list[Any]:
    items = as_items(value)
    key = _order(as_flag(kwargs.get("case_sensitive")))
    reverse = as_flag(kwargs.get("reverse"))
    by = as_string(kwargs["attribute"]) if given(kwargs.get("attribute")) else None
    check_used(kwargs, "attribute", "case_sensitive", "reverse")
    if by is None:
        return sorted(items, key=key, reverse=reverse)
    paths = [part.strip() for part in by.split(",") if part]
    if len(paths) > 1:
        return sorted(
            items,
            key=lambda item: order_key([at_path_or(item, path, UNDEFINED) for path in paths]),
            reverse=reverse,
        )
    path = paths[0] if paths else by

    def compare(left: Any, right: Any) -> int:
        # An item without the attribute equals every other, wherever it stands.
        try:
            first, second = key(at_path(left, path)), key(at_path(right, path))
        except TemplateFailure:
            return 0
        return (first > second) - (first < second)

    return sorted(items, key=functools.cmp_to_key(compare), reverse=reverse)


def _groupby(state: Any, value: Any, attribute: Any = None, *, kwargs: Kwargs = NO_KWARGS) -> list[Any]:
    default = kwargs["default"] if given(kwargs.get("default")) else UNDEFINED
    key = _order(as_flag(kwargs.get("case_sensitive")))
    path = as_string(attribute) if given(attribute) else needed_string(kwargs, "attribute")
    known = ("default", "case_sensitive") if given(attribute) else ("default", "case_sensitive", "attribute")
    keyed = [(at_path_or(item, path, default), item) for item in loose_items(value)]
    keyed.sort(key=lambda entry: key(entry[0]))
    check_used(kwargs, *known)
    groups: list[Any] = []
    for name, item in keyed:
        if groups and key(groups[-1][0]) == key(name):
            groups[-1][0] = name
            groups[-1][1].items.append(item)
        else:
            groups.append(Group([name, Sequence([item])]))
    return groups


def _unique(state: Any, value: Any, *, kwargs: Kwargs = NO_KWARGS) -> list[Any]:
    path = as_string(kwargs["attribute"]) if given(kwargs.get("attribute")) else None
    case_sensitive = as_flag(kwargs.get("case_sensitive"))
    check_used(kwargs, "attribute", "case_sensitive")
    seen = set()
    chosen = []
    for item in strict_items(value):
        compared = item if path is None else at_path_or(item, path, UNDEFINED)
        if isinstance(compared, str) and not case_sensitive:
            compared = compared.lower()
        key = order_key(compared)
        if key not in seen:
            seen.add(key)
            chosen.append(item)
    return chosen


def _slice(state: Any, value: Any, count: Any, fill: Any = None) -> list[Any]:
    parts = as_count(count)
    if parts == 0:
        raise invalid("count cannot be 0")
    items = strict_items(value)
    size, longer = divmod(len(items), _limited(parts))
    result = []
    end = 0
    for position in range(parts):
        begin, end = end, end + size + (position < longer)
        part = items[begin:end]
        result.append([*part, fill] if given(fill) and position >= longer else list(part))
    return result


def _batch(state: Any, value: Any, count: Any, fill: Any = None) -> list[Any]:
    size = as_count(count)
    if size == 0:
        raise invalid("count cannot be 0")
    items = strict_items(value)
    result = [list(items[begin : begin + size]) for begin in range(0, len(items), size)]
    if result and given(fill):
        result[-1] += [fill] * _limited(size - len(result[-1]))
    return result


def _limited(count: int) -> int:
    if count > MAX_ITEMS:
        raise invalid(f"a count is limited to {MAX_ITEMS}")
    return count


def _chain(state: Any, *values: Any) -> Any:
    kinds = {kind_of(value) for value in values}
    if kinds == {"map"}:
        merged: dict[Any, Any] = {}
        for value in values:
            merged.update((key, item) for key, item in pairs(value) if not isinstance(item, Undefined))
        return merged
    try:
        joined = [item for value in values for item in loose_items(value)]
    except TemplateFailure as exc:
        # It fails when it is walked through only.
        return BrokenSequence(exc.detail or "")
    return joined if kinds == {"sequence"} else Sequence(joined, sized=False)


def _zip(state: Any, *values: Any) -> Sequence:
    columns = []
    for value in values:
        items = elements(value)
        if items is None:
            raise invalid(f"zip filter argument must be iterable, got {kind_of(value)}")
        columns.append(items)
    sized = all(length_of(value) is not None for value in values)
    return Sequence([list(row) for row in zip(*columns, strict=False)], sized=sized)


SEQUENCE_FILTERS = {
    "attr": Operation(_attr, 2, 2),
    "batch": Operation(_batch, 2, 3),
    "chain": Operation(_chain, 1, UNLIMITED),
    "count": Operation(_length, 1, 1),
    "dictsort": Operation(_dictsort, 1, 1, keywords=True),
    "groupby": Operation(_groupby, 1, 2, keywords=True),
    "items": Operation(_items, 1, 1),
    "length": Operation(_length, 1, 1),
    "list": Operation(_list, 1, 1),
    "max": Operation(_max, 1, 1),
    "min": Operation(_min, 1, 1),
    "slice": Operation(_slice, 2, 3),
    "sort": Operation(_sort, 1, 1, keywords=True),
    "sum": Operation(_sum, 1, 1),
    "unique": Operation(_unique, 1, 1, keywords=True),
    "zip": Operation(_zip, 1, UNLIMITED),
}
"""The filters of this module by their names."""
