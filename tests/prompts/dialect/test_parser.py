"""Statements become jinja2's nodes."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.parser import parse_template


def _statement(source: str) -> nodes.Node:
    return parse_template(source, "t").body[0]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("{% for x in y %}{% endfor %}", nodes.For),
        ("{% if x %}{% endif %}", nodes.If),
        ("{% set x = 1 %}", nodes.Assign),
        ("{% set x %}{% endset %}", nodes.AssignBlock),
        ("{% with x = 1 %}{% endwith %}", nodes.With),
        ("{% macro m(a, b=1) %}{% endmacro %}", nodes.Macro),
        ("{% call m() %}{% endcall %}", nodes.CallBlock),
        ("{% filter upper %}{% endfilter %}", nodes.FilterBlock),
        ("{% autoescape true %}{% endautoescape %}", nodes.ScopedEvalContextModifier),
        ("{% do f() %}", nodes.ExprStmt),
        ("{% block b %}{% endblock %}", nodes.Block),
        ("{% extends 'a' %}", nodes.Extends),
        ("{% include 'a' ignore missing with context %}", nodes.Include),
        ("{% import 'a' as b %}", nodes.Import),
        ("{% from 'a' import b as c, d %}", nodes.FromImport),
        ("{{ x }}", nodes.Output),
    ],
)
def test_each_statement_has_its_node(source: str, kind: type[nodes.Node]) -> None:
    """Every statement of the language is parsed into the node that jinja2 has for it."""
    assert isinstance(_statement(source), kind)


def test_a_failure_carries_name_and_line() -> None:
    """A syntax error knows the template and the line where reading stopped."""
    with pytest.raises(TemplateFailure) as caught:
        parse_template("a\n{% for x of y %}", "t.txt")
    assert caught.value.describe() == ("syntax error: unexpected identifier, expected in (in t.txt:2)")


def test_elif_is_an_if_inside_of_else() -> None:
    """A chain of conditions nests."""
    node = _statement("{% if a %}1{% elif b %}2{% else %}3{% endif %}")
    assert isinstance(node, nodes.If)
    assert isinstance(node.else_[0], nodes.If)


def test_deep_nesting_is_refused_and_does_not_crash() -> None:
    """Too many brackets are a syntax error."""
    with pytest.raises(TemplateFailure, match="template exceeds maximum recursion limits"):
        parse_template("{{ " + "(" * 5000 + "x", "t")
    with pytest.raises(TemplateFailure, match="template exceeds maximum recursion limits"):
        parse_template("{% if x %}" * 5000, "t")
