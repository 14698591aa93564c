"""Files that templates pull in by name.

Owns which names can be known before rendering and where a name may lead on the disk. Reads files while a
configuration is loaded only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jinja2 import nodes

from tzproxy.prompts.dialect.parser import described

_VERBS: dict[type[nodes.Node], str] = {
    nodes.Extends: "extends",
    nodes.FromImport: "from import",
    nodes.Import: "import",
    nodes.Include: "include",
}


class TemplateName(NamedTuple):
    """One name that a template loads, or why it is not known before rendering."""

    name: str | None
    line: int
    verb: str
    reason: str = ""


def iter_loaded_names(tree: nodes.Template) -> Iterator[TemplateName]:
    """Every name in `include`, `import`, `from ... import` and `extends`.

    Known are a text, each text of a list, and both sides of `"a" if c else "b"`.
    """
    for node in tree.find_all(tuple(_VERBS)):
        verb = _VERBS[type(node)]
        for name in _iter_names(node.template):  # type: ignore[attr-defined]  # all four have it
            if isinstance(name, str):
                yield TemplateName(name, node.lineno, verb)
            else:
                yield TemplateName(None, name.lineno, verb, _reason(name))


def _iter_names(expression: nodes.Node) -> Iterator[str | nodes.Node]:
    if isinstance(expression, nodes.Const) and isinstance(expression.value, str):
        yield expression.value
    elif isinstance(expression, nodes.List):
        for item in expression.items:
            yield from _iter_names(item)
    elif isinstance(expression, nodes.CondExpr):
        yield from _iter_names(expression.expr1)
        if expression.expr2 is not None:
            yield from _iter_names(expression.expr2)
    else:
        yield expression


def _reason(expression: nodes.Node) -> str:
    return "non-string constant" if isinstance(expression, nodes.Const) else described(expression)


class TemplateDirectory:
    """The directory of `gateway.template_filesystem_access.base_path`."""

    def __init__(self, base_path: str) -> None:
        self._base = Path(base_path).resolve()

    def read(self, name: str) -> str:
        """The text of a file, its line endings as they are.

        Raises:
            OSError: The name leads outside, or there is no such file.
            UnicodeDecodeError: The file is not UTF-8.
        """
        if "\\" in name or any(segment.startswith(".") for segment in name.split("/")):
            raise PermissionError(f"`{name}` is not a name inside of the base path")
        path = (self._base / name.lstrip("/")).resolve() if not name.startswith("/") else None
        if path is None or not path.is_relative_to(self._base):
            raise PermissionError(f"`{name}` is not a name inside of the base path")
        return path.read_bytes().decode("utf-8")
