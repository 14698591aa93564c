"""Constant expressions, worked out while a template is compiled.

Owns which expressions are constant and their values. It is not only an optimization: `1 and 0` is `false`
where it is constant and `0` where it is not. Not hot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from tzproxy.prompts.dialect import operators
from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.printing import display
from tzproxy.prompts.dialect.values import is_true, order_key


class NotConstantError(Exception):
    """The expression has to be evaluated while the template runs."""


_ARITHMETIC: dict[type[nodes.Expr], Callable[[Any, Any], Any]] = {
    nodes.Add: operators.add,
    nodes.Sub: operators.subtract,
    nodes.Mul: operators.multiply,
    nodes.Div: operators.divide,
    nodes.FloorDiv: operators.floor_divide,
    nodes.Mod: operators.remainder,
    nodes.Pow: operators.power,
}

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operators.same,
    "ne": lambda left, right: not operators.same(left, right),
    "lt": lambda left, right: order_key(left) < order_key(right),
    "lteq": lambda left, right: order_key(left) <= order_key(right),
    "gt": lambda left, right: order_key(left) > order_key(right),
    "gteq": lambda left, right: order_key(left) >= order_key(right),
    "in": lambda left, right: operators.contains(right, left),
}


def constant_value(node: nodes.Node) -> Any:
    """The value of a constant expression.

    Raises:
        NotConstantError: It is none, or evaluating it fails (and shall fail at run time only).
    """
    if isinstance(node, nodes.Const):
        return node.value
    try:
        return _computed(node)
    except (TemplateFailure, OverflowError):
        raise NotConstantError from None


def _literal(node: nodes.Node) -> Any:
    if not isinstance(node, nodes.Const):
        raise NotConstantError
    return node.value


def _computed(node: nodes.Node) -> Any:
    if isinstance(node, nodes.List):
        return [_literal(item) for item in node.items]
    if isinstance(node, nodes.Dict):
        return {_literal(pair.key): _literal(pair.value) for pair in node.items}
    if isinstance(node, nodes.Not):
        return not is_true(constant_value(node.node))
    if isinstance(node, nodes.Neg):
        return operators.negate(constant_value(node.node))
    if isinstance(node, nodes.And | nodes.Or):
        left, right = constant_value(node.left), constant_value(node.right)
        if isinstance(node, nodes.Or):
            return left if is_true(left) else right
        return right if is_true(left) and is_true(right) else False
    if isinstance(node, nodes.BinExpr) and type(node) in _ARITHMETIC:
        return _ARITHMETIC[type(node)](constant_value(node.left), constant_value(node.right))
    if isinstance(node, nodes.Compare):
        operand = node.ops[0]
        return _COMPARISONS[operand.op](constant_value(node.expr), constant_value(operand.expr))
    if isinstance(node, nodes.Concat):
        return "".join(display(constant_value(part)) for part in node.nodes)
    raise NotConstantError
