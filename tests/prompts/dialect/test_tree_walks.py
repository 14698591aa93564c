"""Questions about syntax trees."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from tzproxy.prompts.dialect.parser import parse_template
from tzproxy.prompts.dialect.tree_walks import (
    is_special_call,
    needs_loop,
    statements_inside,
    statements_of_frame,
)


def _names(found: object) -> list[str]:
    return [node.name for node in found if isinstance(node, nodes.Macro)]  # type: ignore[attr-defined]


def test_frames_and_functions_end_at_different_statements() -> None:
    """A loop has a frame of its own but no function; a macro has both."""
    source = (
        "{% macro a() %}{% macro b() %}{% endmacro %}{% endmacro %}"
        "{% if x %}{% macro c() %}{% endmacro %}{% endif %}"
        "{% for y in z %}{% macro d() %}{% endmacro %}{% else %}{% macro e() %}{% endmacro %}{% endfor %}"
        "{% filter upper %}{% macro f() %}{% endmacro %}{% endfilter %}"
    )
    body = parse_template(source, "t").body
    assert _names(statements_of_frame(body)) == ["a", "c", "e", "f"]
    assert _names(statements_inside(body)) == ["a", "c", "d", "e", "f"]


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("{{ x }}", False),
        ("{{ loop.index }}", True),
        ("{% for y in z %}{{ loop.index }}{% endfor %}", True),
        ("{% include 'a' %}", True),
        ("{% block a %}{% endblock %}", True),
        ("{% if x %}{{ y.loop }}{% endif %}", False),
    ],
)
def test_loops_are_tracked_where_someone_may_ask(source: str, needed: bool) -> None:
    """`loop` itself, and everything that may see it from elsewhere."""
    assert needs_loop(parse_template(source, "t").body) is needed


@pytest.mark.parametrize(
    ("source", "special"),
    [
        ("super()", True),
        ("super(1)", False),
        ("loop(x)", True),
        ("loop()", False),
        ("loop(x=1)", False),
        ("self.a()", True),
        ("x.a()", False),
        ("x()", False),
        ("x[0]()", False),
    ],
)
def test_calls_that_print_by_themselves(source: str, special: bool) -> None:
    """Only these write into the output directly."""
    output = parse_template("{{ " + source + " }}", "t").body[0]
    assert isinstance(output, nodes.Output)
    assert isinstance(output.nodes[0], nodes.Call)
    assert is_special_call(output.nodes[0]) is special
