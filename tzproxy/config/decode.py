"""Turns plain data into typed configuration Structs and reports every mismatch, not only the first.

msgspec's own conversion stops at the first error, so the Structs' annotations are read here: one reader
function per type, built once. Unknown keys are errors where the Struct says `forbid_unknown_fields`.
Must not: know any particular table. Cold: start-up, and inline variants of test requests.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec

from tzproxy.config.problems import Path, Problems, list_names, suggest

S = TypeVar("S", bound=msgspec.Struct)


class Invalid:
    """The type of `INVALID`."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID: Final = Invalid()
"""Stands for a value that could not be read; the reason has been reported already."""


class Context:
    """What readers need beside the value: where to report, and what this load allows."""

    def __init__(
        self,
        problems: Problems,
        *,
        hidden_types: frozenset[type] = frozenset(),
        hidden_fields: frozenset[str] = frozenset(),
        file_paths: Mapping[str, str] | None = None,
    ) -> None:
        self.problems = problems
        self.hidden_types = hidden_types
        self.hidden_fields = hidden_fields
        self.file_paths = file_paths or {}

    def hiding(self, fields: frozenset[str]) -> Context:
        """Return a context in which these keys are unknown, for Structs that serve two kinds of table."""
        return Context(
            self.problems, hidden_types=self.hidden_types, hidden_fields=fields, file_paths=self.file_paths
        )

    def reject(self, path: Path, reason: str) -> Invalid:
        """Report the value at `path` and return the mark for it."""
        self.problems.add(path, reason)
        return INVALID


Reader = Callable[[object, Path, Context], Any]
"""Shape: (plain value, its path, context) to the typed value, or `INVALID` after reporting why."""


class Reads:
    """Annotation that replaces the reader of a type: `Annotated[str, Reads(read_url)]`."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader


def describe(value: object) -> str:
    """Return what a value is, for messages such as `invalid type: string "a", expected u32`."""
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f'string "{value}"'
        case list() | tuple():
            return "sequence"
        case _:
            return "map"


def wrong_type(value: object, expected: str) -> str:
    """Return the message for a value of the wrong type."""
    return f"invalid type: {describe(value)}, expected {expected}"


def decode(tp: Any, value: object, path: Path, context: Context) -> Any:
    """Return `value` as a `tp`, or `INVALID`; every mismatch inside is reported to the context's problems."""
    return reader_of(tp)(value, path, context)


def decode_partial(struct: type[S], value: dict[str, Any], context: Context) -> S:
    """Return the document as a Struct that needs no field; what cannot be read keeps its default."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    arguments = {}
    for key, entry in value.items():
        if key in fields:
            result = decode(fields[key].type, entry, (key,), context)
            if result is not INVALID:
                arguments[fields[key].name] = result
        else:
            context.problems.add((key,), unknown_field(key, list(fields)))
    return struct(**arguments)


@functools.cache
def reader_of(tp: Any) -> Reader:
    """Return the reader for a type as used in an annotation of a configuration Struct."""
    origin = get_origin(tp)
    if origin is Annotated:
        base, *marks = get_args(tp)
        for mark in marks:
            if isinstance(mark, Reads):
                return mark.reader
        return reader_of(base)
    if tp is Any or tp is object:
        return _read_anything
    if tp is bool:
        return _read_bool
    if tp is str:
        return _read_str
    if origin is Literal:
        return _literal_reader(get_args(tp))
    if origin is tuple:
        return _list_reader(get_args(tp)[0])
    if origin is dict:
        return _map_reader(get_args(tp)[1])
    if origin is typing.Union or origin is types.UnionType:
        return _union_reader(get_args(tp))
    if isinstance(tp, type) and issubclass(tp, msgspec.Struct):
        return _struct_reader(tp)
    raise TypeError(f"no reader for {tp!r}")


def _read_anything(value: object, path: Path, context: Context) -> object:
    return value


def _read_bool(value: object, path: Path, context: Context) -> object:
    if isinstance(value, bool):
        return value
    return context.reject(path, wrong_type(value, "a boolean"))


def _read_str(value: object, path: Path, context: Context) -> object:
    match value:
        case str():
            return value
        case {"$__toml_private_datetime": str() as text}:
            return text  # a date without quotes stands for its text
    return context.reject(path, wrong_type(value, "a string"))


def _literal_reader(choices: tuple[object, ...]) -> Reader:
    names = [str(choice) for choice in choices]

    def read(value: object, path: Path, context: Context) -> object:
        if not isinstance(value, str):
            return context.reject(path, wrong_type(value, list_names(names)))
        if value in choices:
            return value
        return context.reject(path, unknown_variant(value, names))

    return read


def unknown_variant(value: str, names: list[str]) -> str:
    """Return the message for a name that is none of a fixed list."""
    return f"unknown variant `{value}`, expected {list_names(names)}{suggest(value, names)}"


def _list_reader(item: Any) -> Reader:
    read_item = reader_of(item)

    def read(value: object, path: Path, context: Context) -> object:
        if not isinstance(value, (list, tuple)):
            return context.reject(path, wrong_type(value, "a sequence"))
        items = [read_item(entry, (*path, index), context) for index, entry in enumerate(value)]
        return INVALID if any(entry is INVALID for entry in items) else tuple(items)

    return read


def _map_reader(item: Any) -> Reader:
    read_item = reader_of(item)

    def read(value: object, path: Path, context: Context) -> object:
        if not isinstance(value, dict):
            return context.reject(path, wrong_type(value, "a map"))
        # An entry that cannot be read is left out so that the checks can still look at the others.
        result = {key: read_item(entry, (*path, key), context) for key, entry in value.items()}
        return {key: entry for key, entry in result.items() if entry is not INVALID}

    return read


def _union_reader(members: tuple[Any, ...]) -> Reader:
    optional = type(None) in members
    rest = [member for member in members if member is not type(None)]
    only = rest[0] if len(rest) == 1 else None
    is_tagged = isinstance(only, type) and issubclass(only, msgspec.Struct) and only.__struct_config__.tag
    read = _tagged_reader(rest) if only is None or is_tagged else reader_of(only)
    if not optional:
        return read

    def read_optional(value: object, path: Path, context: Context) -> object:
        return None if value is None else read(value, path, context)

    return read_optional


def _tagged_reader(members: list[type[msgspec.Struct]]) -> Reader:
    by_tag = {str(member.__struct_config__.tag): member for member in members}
    tag_field = members[0].__struct_config__.tag_field
    if tag_field is None:
        raise TypeError(f"union without tags: {members!r}")
    readers = {tag: reader_of(member) for tag, member in by_tag.items()}

    def read(value: object, path: Path, context: Context) -> object:
        if not isinstance(value, dict):
            return context.reject(path, wrong_type(value, "a map"))
        if tag_field not in value:
            return context.reject(path, f"missing tag field `{tag_field}`")
        tag = value[tag_field]
        if not isinstance(tag, str):
            return context.reject((*path, tag_field), wrong_type(tag, "a string"))
        if tag not in by_tag or by_tag[tag] in context.hidden_types:
            names = [name for name, member in by_tag.items() if member not in context.hidden_types]
            return context.reject((*path, tag_field), unknown_variant(tag, names))
        return readers[tag](value, path, context)

    return read


def _struct_reader(struct: type[msgspec.Struct]) -> Reader:
    config = struct.__struct_config__
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    # Filled on first use: a Struct may contain itself.
    readers: dict[str, tuple[str, Reader]] = {}
    required = [name for name, field in fields.items() if field.required]
    known = frozenset(fields) | ({config.tag_field} if config.tag_field else set())

    def read(value: object, path: Path, context: Context) -> object:
        if not isinstance(value, dict):
            return context.reject(path, wrong_type(value, "a map"))
        if not readers:
            readers.update({name: (field.name, reader_of(field.type)) for name, field in fields.items()})
        arguments: dict[str, object] = {}
        complete = True
        for key, entry in value.items():
            if key in readers:
                if entry is None and key not in required:
                    continue  # only JSON has null: same as absent
                name, read_field = readers[key]
                result = read_field(entry, (*path, key), context)
                complete = complete and result is not INVALID
                arguments[name] = result
            elif config.forbid_unknown_fields and key not in known:
                names = [field for field in fields if field not in context.hidden_fields]
                context.problems.add((*path, key), unknown_field(key, names))
        for name in required:
            if name not in value:
                complete = False
                context.problems.add(path, f"missing field `{name}`")
        return struct(**arguments) if complete else INVALID

    return read


def unknown_field(key: str, names: list[str]) -> str:
    """Return the message for a key that the table does not have."""
    if not names:
        return f"unknown field `{key}`, there are no fields"
    return f"unknown field `{key}`, expected {list_names(names)}{suggest(key, names)}"
