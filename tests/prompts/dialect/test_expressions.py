"""Expressions become jinja2's nodes, in MiniJinja's order of operators."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from tzproxy.prompts.dialect.expressions import ExpressionParser


def _parsed(source: str) -> nodes.Node:
    parser = ExpressionParser("{{ " + source + " }}")
    parser.stream.next()
    return parser.parse_expression()


def _shape(node: nodes.Node) -> object:
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.Name):
        return node.name
    return (type(node).__name__, *[_shape(child) for child in node.iter_child_nodes()])


@pytest.mark.parametrize(
    ("source", "shape"),
    [
        ("1 + 2 * 3", ("Add", 1, ("Mul", 2, 3))),
        ("1 - 2 - 3", ("Sub", ("Sub", 1, 2), 3)),
        ("2 ** 3 ** 2", ("Pow", ("Pow", 2, 3), 2)),
        ("a or b and not c", ("Or", "a", ("And", "b", ("Not", "c")))),
        ("a ~ b + c", ("Add", ("Concat", "a", "b"), "c")),
        ("1 < 2 < 3", ("Compare", ("Compare", 1, ("Operand", 2)), ("Operand", 3))),
        ("a not in b", ("Not", ("Compare", "a", ("Operand", "b")))),
        ("-a|abs", ("Filter", ("Neg", "a"))),
        ("a is not odd", ("Not", ("Test", "a"))),
        ("a is divisibleby 3 and b", ("And", ("Test", "a", 3), "b")),
        ("(1, 2)", ("List", 1, 2)),
        ("()", ("List",)),
        ("'a' 'b'", "ab"),
        ("a.b[0].1", ("Getitem", ("Getitem", ("Getattr", "a"), 0), 1)),
        ("a[1:2]", ("Getitem", "a", ("Slice", 1, 2))),
        ("a if b else c if d else e", ("CondExpr", "b", "a", ("CondExpr", "d", "c", "e"))),
        ("f(a, *b, c=1, **d)", ("Call", "f", "a", ("Keyword", "b"), ("Keyword", 1), ("Keyword", "d"))),
        ("none", None),
    ],
)
def test_shapes(source: str, shape: object) -> None:
    """Precedence and association of every operator."""
    assert _shape(_parsed(source)) == shape


def test_filter_names_may_have_dots() -> None:
    """A dotted name is one name."""
    node = _parsed("a|b . c.d")
    assert isinstance(node, nodes.Filter)
    assert node.name == "b.c.d"
