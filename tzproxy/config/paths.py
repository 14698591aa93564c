"""Replaces path-valued keys by the contents of their files, before files are merged.

A path is relative to the TOML file that holds it. Must not: read anything but these files. Cold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import msgspec

from tzproxy.config.document import Table
from tzproxy.config.problems import Path, Problems, format_path
from tzproxy.config.scalars import UNREADABLE, FileData

_ROLES = ("system", "user", "assistant")
_TEMPLATES: list[tuple[str, ...]] = [
    *((f"{role}_template",) for role in _ROLES),
    *(("input_wrappers", role) for role in _ROLES),
    ("templates", "*", "path"),
]
_VARIANT: list[tuple[str, ...]] = [
    *_TEMPLATES,
    ("system_instructions",),
    *(("evaluator", *rest) for rest in _TEMPLATES),
    *(("fuser", *rest) for rest in _TEMPLATES),
]
_FUNCTION: list[tuple[str, ...]] = [
    *((f"{role}_schema",) for role in _ROLES),
    ("output_schema",),
    ("schemas", "*", "path"),
    *(("variants", "*", *rest) for rest in _VARIANT),
]
_EVALUATOR: list[tuple[str, ...]] = [
    ("evaluators", "*", "variants", "*", *rest)
    for rest in (
        ("system_instructions",),
        ("evaluator", "system_instructions"),
        ("fuser", "system_instructions"),
    )
]
FILE_KEYS: list[tuple[str, ...]] = [
    *(("functions", "*", *rest) for rest in (*_FUNCTION, *_EVALUATOR)),
    *(("evaluations", "*", *rest) for rest in _EVALUATOR),
    ("tools", "*", "parameters"),
]
"""Where files stand in a configuration; `*` is any name."""

_BASE_PATH = ("gateway", "template_filesystem_access", "base_path")


class _Tree:
    """The patterns as nested tables, so that a document is walked once and not once a pattern."""

    def __init__(self, patterns: list[tuple[str, ...]]) -> None:
        self.is_file = () in patterns
        heads = dict.fromkeys(pattern[0] for pattern in patterns if pattern)
        self.children = {
            head: _Tree([pattern[1:] for pattern in patterns if pattern and pattern[0] == head])
            for head in heads
        }


_FILE_TREE = _Tree(FILE_KEYS)


class _Reference(msgspec.Struct):
    """A path-valued key that was found: the table that holds it, and what it names."""

    table: Table
    key: str
    path: Path
    file: str
    target: str


class FileReader:
    """Reads the files of all documents of one load and gives them their template keys."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._references: list[_Reference] = []
        self._texts: dict[str, str | None] = {}

    def collect(self, document: Table, file: str) -> None:
        """Find the document's path-valued keys and read their files; `finish` puts them in place."""
        folder = os.path.dirname(file) or "."
        for table, key, path in _find(document, _FILE_TREE, ()):
            target = self._resolve(table[key], path, folder, file)
            if target is None or not self._read(target, path, file):
                table[key] = UNREADABLE
            else:
                self._references.append(_Reference(table, key, path, file, target))
        access = document.get("gateway", {})
        access = access.get(_BASE_PATH[1]) if isinstance(access, dict) else None
        if isinstance(access, dict) and "base_path" in access:
            target = self._resolve(access["base_path"], _BASE_PATH, folder, file)
            if target is not None and not os.path.isdir(target):
                self._report(_BASE_PATH, f"Expected a directory, but '{target}' is not one", file)
                target = None
            access["base_path"] = UNREADABLE if target is None else target

    def finish(self) -> dict[str, str]:
        """Put the contents in place of the paths; return the absolute path of each template key."""
        prefix = common_folder([reference.target for reference in self._references])
        paths = {}
        for reference in self._references:
            text = self._texts[reference.target]
            key = reference.target.removeprefix(prefix)
            if text is not None:
                reference.table[reference.key] = FileData(key=key, path=reference.target, text=text)
                paths[key] = reference.target
        return paths

    def _report(self, path: Path, reason: str, file: str) -> None:
        self._problems.add_line(f"{format_path(path)}: {reason} (in {file})")

    def _resolve(self, value: object, path: Path, folder: str, file: str) -> str | None:
        if not isinstance(value, str):
            self._report(path, f"Expected a string, found {_kind(value)}", file)
            return None
        target = os.path.realpath(os.path.join(folder, value))
        if value.endswith("/") and os.path.isfile(target):
            self._report(path, f"Failed to resolve path `{value}`: Not a directory", file)
            return None
        if not os.path.exists(target):
            base = os.path.realpath(folder)
            reason = f"Failed to resolve path `{value}` (base: `{base}`): No such file or directory"
            self._report(path, reason, file)
            return None
        return target

    def _read(self, target: str, path: Path, file: str) -> bool:
        if os.path.isdir(target):
            self._report(path, f"Expected a file path, but '{target}' is a directory", file)
            return False
        if target not in self._texts:
            self._texts[target] = None
            try:
                with open(target, encoding="utf-8", newline="") as stream:
                    self._texts[target] = stream.read()
            except (OSError, UnicodeDecodeError) as exc:
                self._report(path, f"Failed to read file at {target}: {exc}", file)
        return self._texts[target] is not None


def _find(value: Any, tree: _Tree, path: Path) -> Iterator[tuple[Table, str, Path]]:
    # Where the document has something other than a table, decoding says so.
    if not isinstance(value, dict):
        return
    for head, child in tree.children.items():
        keys = list(value) if head == "*" else [head] if head in value else []
        for key in keys:
            if child.is_file:
                yield value, key, (*path, key)
            else:
                yield from _find(value[key], child, (*path, key))


def common_folder(paths: list[str]) -> str:
    """Return the longest folder, with a slash at its end, that all absolute paths share; "" for none."""
    folders = [path.split("/")[:-1] for path in paths]
    # Works on any sequences, here on folder names rather than characters.
    shared = os.path.commonprefix(folders)
    prefix = "/".join(shared) + "/"
    return "" if prefix == "/" else prefix


def _kind(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "float"
        case list():
            return "array"
    return "table"
