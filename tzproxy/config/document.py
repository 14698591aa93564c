"""Reads TOML files and joins them to one document; knows which file each key came from.

Must not: know what keys mean. Cold.
"""

from __future__ import annotations

import datetime
from typing import Any

import tomli

from tzproxy.config.problems import Origins, Path, Problems, format_path
from tzproxy.config.scalars import FileData, Unreadable

Table = dict[str, Any]
_INT64 = 2**63


def parse_toml(text: str, file: str, problems: Problems) -> Table | None:
    """Return the document of a TOML 1.1 text; a syntax error is reported and gives None."""
    try:
        table = tomli.loads(text.removeprefix("\ufeff"))
        normalised = _normalise(table)
    except (tomli.TOMLDecodeError, ValueError, RecursionError) as exc:
        problems.add_line(f"{file}: Failed to parse config file as valid TOML: {exc}")
        return None
    assert isinstance(normalised, dict)  # what goes in as a table comes out as one
    return normalised


def read_canonical(text: str) -> Table:
    """Return the document of a snapshot's text, which this program wrote."""
    return tomli.loads(text)


def _normalise(value: Any) -> Any:
    """Return the value in terms of JSON's types: dates become the wrapper that stored configurations have."""
    if isinstance(value, dict):
        return {key: _normalise(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_normalise(entry) for entry in value]
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        raise ValueError(f"integer `{value}` is too large")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return {"$__toml_private_datetime": value.isoformat()}
    return value


def read_file(file: str, problems: Problems) -> Table | None:
    """Return the document of a TOML file; whatever is wrong is reported and gives None."""
    try:
        with open(file, encoding="utf-8", newline="") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as exc:
        problems.add_line(f"{file}: Failed to read config file: {exc}")
        return None
    return parse_toml(text, file, problems)


def merge(documents: list[tuple[str, Table]], problems: Problems) -> tuple[Table, Origins]:
    """Return one document of several, and the origin of each key.

    Tables are joined; anything else that appears in two files is reported, even if equal.
    """
    if len(documents) == 1:
        file, table = documents[0]
        return table, Origins([file])
    merged: Table = {}
    by_path: dict[Path, str] = {}
    for file, table in documents:
        _merge_into(merged, table, (), file, by_path, problems)
    return merged, Origins([file for file, _ in documents], by_path)


def _merge_into(
    target: Table, source: Table, path: Path, file: str, by_path: dict[Path, str], problems: Problems
) -> None:
    for key, value in source.items():
        here = (*path, key)
        if key not in target:
            if isinstance(value, dict):
                target[key] = {}
                by_path[here] = file
                _merge_into(target[key], value, here, file, by_path, problems)
            else:
                target[key] = value
                by_path[here] = file
            continue
        existing = target[key]
        if isinstance(existing, dict) and isinstance(value, dict):
            _merge_into(existing, value, here, file, by_path, problems)
        elif isinstance(existing, dict):
            problems.add_line(
                f"{format_path(here)}: Cannot merge `{_kind(value)}` from file `{file}` into a table "
                f"from file `{by_path[here]}`"
            )
        else:
            problems.add_line(
                f"{format_path(here)}: Found duplicate values in globbed TOML config files "
                f"`{by_path[here]}` and `{file}`"
            )


def _kind(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "float"
        case str() | FileData() | Unreadable():
            return "string"
    return "array"


def to_plain(value: Any) -> Any:
    """Return the value with files in their stored form: `{ "__tensorzero_remapped_path", "__data" }`."""
    if isinstance(value, FileData):
        return {"__tensorzero_remapped_path": value.key, "__data": value.text}
    if isinstance(value, dict):
        return {key: to_plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [to_plain(entry) for entry in value]
    return value
