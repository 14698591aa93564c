"""From the syntax tree to Python code: expressions, and the lines that failures name.

Owns how an expression is written and which template line each step of it belongs to. Nothing a template says
is written as code: names and literals are written by `repr`, everything else is a call of our own functions.
Not hot itself, but what it writes is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator

from tzproxy.prompts.dialect.arguments import Operation
from tzproxy.prompts.dialect.constants import NotConstantError, constant_value
from tzproxy.prompts.dialect.expressions import KEYWORD_SPLAT, SPLAT
from tzproxy.prompts.dialect.functions import FUNCTIONS
from tzproxy.prompts.dialect.registry import FILTERS, TESTS

_OPERATORS: dict[type[nodes.Expr], str] = {
    nodes.Add: "add",
    nodes.Sub: "subtract",
    nodes.Mul: "multiply",
    nodes.Div: "divide",
    nodes.FloorDiv: "floor_divide",
    nodes.Mod: "remainder",
    nodes.Pow: "power",
}

_COMPARISONS = {
    "eq": "equal",
    "ne": "unequal",
    "lt": "less",
    "lteq": "less_or_equal",
    "gt": "greater",
    "gteq": "greater_or_equal",
    "in": "contained",
}

_LOOP_ATTRIBUTES = {
    "first": "{}.index0 == 0",
    "index": "{}.index0 + 1",
    "index0": "{}.index0",
    "last": "{}.is_last()",
}
"""Attributes of `loop` that are written out; the others are asked for."""

_MARK = re.compile("\x01(\\d+)\x02")
"""In front of a step of an expression: its template line. Literals hold no control characters."""

_STATELESS = frozenset(("range", "dict", "namespace"))


class ExpressionGenerator(CodeGenerator):
    """The half of the generator that writes expressions.

    Attributes:
        constants: Values that cannot be written as literals; the code calls them `K`.
        line: Line of the template that the next step belongs to.
        needs_state: Whether the template changes the state of its rendering, so that it needs one of its own.
        root_stores: Whether `root` stores into the frame that it is given.
        is_root: Whether `root` is being written.
        loop: Variable of the loop around the expression that is being written, None if it cannot be told.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.constants: list[Any] = []
        self.line = 1
        self.needs_state = False
        self.root_stores = False
        self.is_root = False
        self.loop: str | None = None
        self._mapped_line = 0
        self._names = 0

    # ---- writing

    def new_name(self, prefix: str) -> str:
        """A Python name that the module does not use yet."""
        self._names += 1
        return f"{prefix}{self._names}"

    def set_line(self, node: nodes.Node) -> None:
        """Let the following steps belong to the line of a node."""
        self.line = node.lineno

    def at(self, code: str) -> str:
        """Code whose failure belongs to the current line; in parentheses or at the start of a statement."""
        return f"\x01{self.line}\x02{code}"

    def put(self, statement: str) -> None:
        """Write a statement, over as many lines of Python as it has lines of the template."""
        parts = _MARK.split(statement)
        self.newline()
        if parts[0]:
            self.write(parts[0])
        for number, code in zip(parts[1::2], parts[2::2], strict=True):
            if int(number) != self._mapped_line:
                self._mapped_line = int(number)
                self._write_debug_info = self._mapped_line
                self.newline()
            self.write(code)

    def constant(self, value: Any) -> str:
        """A constant as code."""
        plain = value is None or isinstance(value, str | int)
        if plain or (isinstance(value, float) and math.isfinite(value)):
            return repr(value)
        self.constants.append(value)
        return f"K[{len(self.constants) - 1}]"

    # ---- expressions

    def expression(self, node: nodes.Node, frame: str) -> str:
        """Code that yields the value of an expression."""
        try:
            code = self.constant(constant_value(node))
        except NotConstantError:
            write = getattr(self, f"_{type(node).__name__.lower()}")
            written: str = write(node, frame)
            return written
        self.set_line(node)
        return code

    def condition(self, node: nodes.Node, frame: str) -> str:
        """Code that yields whether an expression is true."""
        if isinstance(node, nodes.And | nodes.Or) and not _is_constant(node):
            operator = "and" if isinstance(node, nodes.And) else "or"
            self.set_line(node)
            left = self.condition(node.left, frame)
            return f"({left} {operator} {self.condition(node.right, frame)})"
        code = self.expression(node, frame)
        if isinstance(node, nodes.Compare | nodes.Not | nodes.Test):
            return code
        return self.at(f"truth({code})")

    def lookup(self, name: str, frame: str) -> str:
        """Code that yields the value of a name."""
        default = f"functions[{name!r}]" if name in FUNCTIONS else "U"
        return f"{frame}.get({name!r}, {default})"

    def _name(self, node: nodes.Name, frame: str) -> str:
        self.set_line(node)
        return self.lookup(node.name, frame)

    def _getattr(self, node: nodes.Getattr, frame: str) -> str:
        self.set_line(node)
        if self.loop is not None and isinstance(node.node, nodes.Name) and node.node.name == "loop":
            # PERF: no look-up for what most loops ask (test_render_loop)
            code = _LOOP_ATTRIBUTES.get(node.attr, "{}.get({!r})")
            return f"({code.format(self.loop, node.attr)})"
        value = self.expression(node.node, frame)
        return self.at(f"attribute({value}, {node.attr!r})")

    def _getitem(self, node: nodes.Getitem, frame: str) -> str:
        self.set_line(node)
        value = self.expression(node.node, frame)
        if isinstance(node.arg, nodes.Slice):
            bounds = [
                "None" if bound is None else self.expression(bound, frame)
                for bound in (node.arg.start, node.arg.stop, node.arg.step)
            ]
            return self.at(f"cut({value}, {', '.join(bounds)})")
        key = self.expression(node.arg, frame)
        return self.at(f"subscript({value}, {key})")

    def _list(self, node: nodes.List, frame: str) -> str:
        self.set_line(node)
        return "[" + ", ".join(self.expression(item, frame) for item in node.items) + "]"

    def _dict(self, node: nodes.Dict, frame: str) -> str:
        self.set_line(node)
        pairs = [
            (self.expression(pair.key, frame), self.expression(pair.value, frame)) for pair in node.items
        ]
        if all(isinstance(pair.key, nodes.Const) for pair in node.items):
            return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        return self.at("make_map(" + ", ".join(f"({key}, {value})" for key, value in pairs) + ")")

    def _binary(self, node: nodes.BinExpr, frame: str) -> str:
        self.set_line(node)
        left = self.expression(node.left, frame)
        right = self.expression(node.right, frame)
        return self.at(f"{_OPERATORS[type(node)]}({left}, {right})")

    _add = _sub = _mul = _div = _floordiv = _mod = _pow = _binary

    def _concat(self, node: nodes.Concat, frame: str) -> str:
        self.set_line(node)
        parts = [self.expression(part, frame) for part in node.nodes]
        return self.at(f"concatenate({', '.join(parts)})")

    def _compare(self, node: nodes.Compare, frame: str) -> str:
        self.set_line(node)
        operand = node.ops[0]
        left = self.expression(node.expr, frame)
        right = self.expression(operand.expr, frame)
        return self.at(f"{_COMPARISONS[operand.op]}({left}, {right})")

    def _and(self, node: nodes.And | nodes.Or, frame: str) -> str:
        self.set_line(node)
        value = self.new_name("v")
        left = self.at(f"truth({value} := {self.expression(node.left, frame)})")
        right = self.expression(node.right, frame)
        if isinstance(node, nodes.Or):
            return f"({value} if {left} else {right})"
        return f"({right} if {left} else {value})"

    _or = _and

    def _not(self, node: nodes.Not, frame: str) -> str:
        self.set_line(node)
        return f"(not {self.condition(node.node, frame)})"

    def _neg(self, node: nodes.Neg, frame: str) -> str:
        self.set_line(node)
        value = self.expression(node.node, frame)
        self.set_line(node)
        return self.at(f"negate({value})")

    def _condexpr(self, node: nodes.CondExpr, frame: str) -> str:
        self.set_line(node)
        test = self.condition(node.test, frame)
        value = self.expression(node.expr1, frame)
        otherwise = "S" if node.expr2 is None else self.expression(node.expr2, frame)
        return f"({value} if {test} else {otherwise})"

    # ---- calls

    def _call(self, node: nodes.Call, frame: str) -> str:
        return self.call(node, frame)

    def call(self, node: nodes.Call, frame: str, caller: str | None = None) -> str:
        """Code of a call; `caller` is the code of the body of a call block, which has just been written."""
        last_line = self.line
        self.set_line(node)
        code = self._called(node, frame, caller)
        if caller is not None:
            # The original takes a call block to be called where its body ends.
            self.line = last_line
        return self.at(code)

    def _called(self, node: nodes.Call, frame: str, caller: str | None) -> str:
        target = node.node
        if isinstance(target, nodes.Name):
            self.needs_state = self.needs_state or target.name not in _STATELESS
            args = self._tuple(node.args, frame, caller)
            return f"st.call_function({frame}, {target.name!r}, {args})"
        if isinstance(target, nodes.Getattr):
            if isinstance(target.node, nodes.Name) and target.node.name == "self":
                self.needs_state = True
                return f"st.block_text({target.attr!r}, {frame})"
            owner = self.expression(target.node, frame)
            args = self._tuple(node.args, frame, caller)
            return f"st.call_method({owner}, {target.attr!r}, {args})"
        value = self.expression(target, frame)
        return f"call_value(st, {value}, {self._tuple(node.args, frame, caller)})"

    def _tuple(self, arguments: Sequence[nodes.Node], frame: str, caller: str | None) -> str:
        positional, keywords = self._arguments(arguments, frame, caller)
        codes = [*positional, keywords] if keywords else positional
        return f"({', '.join(codes)},)" if codes else "()"

    def _arguments(
        self, arguments: Sequence[nodes.Node], frame: str, caller: str | None = None
    ) -> tuple[list[str], str]:
        """Codes of the positional arguments, and the code of all keyword arguments together."""
        positional: list[str] = []
        for argument in arguments:
            if not isinstance(argument, nodes.Keyword):
                positional.append(self.expression(argument, frame))
            elif argument.key == SPLAT:
                positional.append(self.at(f"*spread({self.expression(argument.value, frame)})"))
        parts: list[str] = []
        named: list[str] = []
        for argument in arguments:
            if isinstance(argument, nodes.Keyword) and argument.key == KEYWORD_SPLAT:
                parts.append(f"{{{', '.join(named)}}}")
                parts.append(self.expression(argument.value, frame))
                named = []
            elif isinstance(argument, nodes.Keyword) and argument.key != SPLAT:
                named.append(f"{argument.key!r}: {self.expression(argument.value, frame)}")
        if caller is not None:
            named.append(f"'caller': {caller}")
        last = f"{{{', '.join(named)}}}"
        if parts:
            return positional, self.at(f"merged_kwargs({', '.join([*parts, last])})")
        return positional, f"Kwargs({last})" if named else ""

    # ---- filters and tests

    def _filter(self, node: nodes.Filter, frame: str) -> str:
        self.set_line(node)
        assert node.node is not None
        return self._operation(node, self.expression(node.node, frame), frame)

    def _test(self, node: nodes.Test, frame: str) -> str:
        self.set_line(node)
        return self._operation(node, self.expression(node.node, frame), frame)

    def filter_chain(self, node: nodes.Filter, value: str, frame: str) -> str:
        """Code of filters over a value that is code already."""
        self.set_line(node)
        if node.node is not None:
            assert isinstance(node.node, nodes.Filter)
            value = self.filter_chain(node.node, value, frame)
        return self._operation(node, value, frame)

    def _operation(self, node: nodes.Filter | nodes.Test, value: str, frame: str) -> str:
        kind = type(node).__name__.lower()
        operation: Operation | None = (FILTERS if kind == "filter" else TESTS).get(node.name)
        positional, keywords = self._arguments(node.args, frame)
        if operation is not None and not any("*spread(" in code for code in positional):
            separate = bool(keywords) and operation.keywords
            count = 1 + len(positional) + (bool(keywords) and not separate)
            if operation.minimum <= count <= operation.maximum:
                if keywords:
                    positional.append(f"kwargs={keywords}" if separate else keywords)
                return self.at(f"{kind}_{node.name}({', '.join(['st', value, *positional])})")
        # Unknown names and wrong numbers of arguments fail while the template runs, if they are reached.
        codes = [value, *positional, *([keywords] if keywords else [])]
        return self.at(f"apply_{kind}(st, {node.name!r}, ({', '.join(codes)},))")


def _is_constant(node: nodes.Node) -> bool:
    try:
        constant_value(node)
    except NotConstantError:
        return False
    return True
