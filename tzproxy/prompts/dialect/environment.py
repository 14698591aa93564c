"""jinja2 set up for the dialect: from template text to something that renders.

Owns the sandbox: compiled code sees the functions named here and nothing else, and no value is ever asked
for a Python attribute. Compiling is not hot; `Template.render` is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

from tzproxy.prompts.dialect import operators, runtime, steps
from tzproxy.prompts.dialect.codegen import Generator
from tzproxy.prompts.dialect.failures import SYNTAX_ERROR, TemplateFailure, invalid, locate
from tzproxy.prompts.dialect.functions import FUNCTIONS
from tzproxy.prompts.dialect.objects import Body, Loop, Macro
from tzproxy.prompts.dialect.parser import parse_template
from tzproxy.prompts.dialect.registry import FILTERS, TESTS, apply_filter, apply_test
from tzproxy.prompts.dialect.values import (
    SILENT,
    UNDEFINED,
    Kwargs,
    Undefined,
    call_value,
    iterate,
    truth,
)

_IGNORED_ENDINGS = (".j2", ".jinja2", ".jinja")
_MODES = {
    **dict.fromkeys(("html", "htm", "xml"), "html"),
    **dict.fromkeys(("json", "json5", "js", "yaml", "yml"), "json"),
}

_NAMESPACE: dict[str, Any] = {
    "__builtins__": {"enumerate": enumerate, "isinstance": isinstance},
    "S": SILENT,
    "U": UNDEFINED,
    "Kwargs": Kwargs,
    "Loop": Loop,
    "Macro": Macro,
    "Undefined": Undefined,
    "apply_filter": apply_filter,
    "apply_test": apply_test,
    "call_value": call_value,
    "functions": FUNCTIONS,
    "iterate": iterate,
    "truth": truth,
    **{
        name: getattr(operators, name)
        for name in (
            "add",
            "attribute",
            "concatenate",
            "contained",
            "cut",
            "divide",
            "equal",
            "floor_divide",
            "greater",
            "greater_or_equal",
            "less",
            "less_or_equal",
            "merged_kwargs",
            "multiply",
            "negate",
            "power",
            "remainder",
            "subscript",
            "subtract",
            "unequal",
        )
    },
    **{
        name: getattr(steps, name)
        for name in ("enclose", "escape_mode", "make_map", "set_attribute", "spread", "unpack")
    },
    **{f"filter_{name}": operation.function for name, operation in FILTERS.items()},
    **{f"test_{name}": operation.function for name, operation in TESTS.items() if name.isidentifier()},
}
"""Everything that compiled templates can name."""


def escape_mode_of(name: str) -> str:
    """Auto-escape mode that the name of a template asks for by its ending."""
    for ending in _IGNORED_ENDINGS:
        if name.endswith(ending):
            name = name.removesuffix(ending)
            break
    return _MODES.get(name.rsplit(".", 1)[-1], "none")


class DialectEnvironment(SandboxedEnvironment):
    """jinja2's sandbox with the parser and the code generator of the dialect."""

    code_generator_class = Generator

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return parse_template(source, name or "<string>")


class Template:
    """One compiled template.

    Attributes:
        name: Key of the template.
        mode: Auto-escape mode: `none`, `html` or `json`.
        root: The compiled function of the whole template.
        blocks: The compiled function of each block.
        tree: The syntax tree.
    """

    __slots__ = (
        "_constant",
        "_find",
        "_needs_state",
        "_shared",
        "_stores",
        "blocks",
        "mode",
        "name",
        "root",
        "tree",
    )

    def __init__(
        self, environment: DialectEnvironment, name: str, source: str, find: Callable[[str], Template]
    ) -> None:
        """Compile a template.

        Args:
            environment: The sandbox.
            name: Key of the template; its ending decides on auto-escaping.
            source: Text of the template.
            find: Finds other templates while this one renders.

        Raises:
            TemplateFailure: It is no template.
        """
        self.name = name
        self.mode = escape_mode_of(name)
        self._find = find
        self.tree = environment._parse(source, name, None)
        generator = Generator(environment, name, None)
        try:
            generator.visit(self.tree)
            code = compile(generator.stream.getvalue(), f"<template {name}>", "exec")  # type: ignore[attr-defined]
        except (RecursionError, SyntaxError, MemoryError) as exc:
            failure = TemplateFailure(SYNTAX_ERROR, f"template is nested too deeply ({exc})", line=1)
            failure.name = name
            raise failure from exc
        namespace = {**_NAMESPACE, "K": generator.constants, "__place__": _place(name, generator.debug_info)}
        exec(code, namespace)
        self.root: Body = namespace["root"]
        self.blocks: dict[str, Body] = namespace["blocks"]
        self._needs_state = generator.needs_state
        self._stores = generator.root_stores
        self._shared = runtime.RenderState(find, self, {})
        self._constant = _constant_text(self.tree.body)

    def render(self, context: dict[str, Any]) -> str:
        """The text for these values.

        Args:
            context: The variables, plain JSON data. It is not changed.

        Raises:
            TemplateFailure: With name and line.
        """
        # PERF: text without expressions costs nothing (test_render_static)
        if self._constant is not None:
            return self._constant
        output: list[str] = []
        # PERF: most templates change nothing in their state, so they share one (test_render_three_variables)
        state = runtime.RenderState(self._find, self, context) if self._needs_state else self._shared
        try:
            self.root(state, context.copy() if self._stores else context, output)
        except TemplateFailure as exc:
            locate(exc)
            raise
        except RecursionError as exc:
            failure = invalid("recursion limit exceeded").with_traceback(exc.__traceback__)
            locate(failure)
            raise failure from None
        return "".join(output)


def _constant_text(body: Iterable[nodes.Node]) -> str | None:
    """The text of a template that has nothing but text."""
    parts = []
    for node in body:
        if not isinstance(node, nodes.Output) or not isinstance(node.nodes[0], nodes.TemplateData):
            return None
        parts.append(node.nodes[0].data)
    return "".join(parts)


def _place(name: str, lines: list[tuple[int, int]]) -> Callable[[int], tuple[str, int]]:
    """How to find the template's line of a line of code."""
    starts = [code_line for _, code_line in lines]

    def place(code_line: int) -> tuple[str, int]:
        position = bisect_right(starts, code_line)
        return name, lines[position - 1][0] if position else 1

    return place
