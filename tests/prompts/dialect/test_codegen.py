"""What statements do, in the points where MiniJinja differs from jinja2."""

from __future__ import annotations

import pytest

from tzproxy.prompts import TemplateSet


def _render(source: str, **context: object) -> str:
    return TemplateSet({"t": source}).render("t", context)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # one frame for all rounds of a loop
        ("{% for x in xs %}{{ y|default('-') }}{% set y = x %}{% endfor %}{{ y|default('-') }}", "-12-"),
        # leaving a loop in its first round counts as an empty loop
        ("{% for x in xs %}{% break %}{% else %}e{% endfor %}", "e"),
        ("{% for x in xs %}{% if x == 2 %}{% break %}{% endif %}{% else %}e{% endfor %}", ""),
        # filters and captures open no scope
        ("{% filter upper %}{% set y = 'a' %}{% endfilter %}{{ y }}", "a"),
        ("{% set z %}{% set y = 'a' %}{% endset %}{{ y }}", "a"),
        # with does
        ("{% with y = 1 %}{% set y = y + 1 %}{{ y }}{% endwith %}{{ y is defined }}", "2false"),
        # macros see later changes of the frame that they stand in
        ("{% macro m() %}{{ y|default('-') }}{% endmacro %}{{ m() }}{% set y = 1 %}{{ m() }}", "-1"),
        # defaults are worked out from the last to the first
        ("{% macro m(a, b=a) %}{{ b is defined }}{% endmacro %}{{ m(1) }}", "false"),
        # a condition on a loop does not see the loop
        ("{% for x in xs %}{% for y in xs if loop.first %}{{ y }}{% endfor %}|{% endfor %}", "123|||"),
        ("{% for x in xs if x > 1 %}{{ loop.length }}{{ x }}{% endfor %}", "2223"),
        # recursive loops
        ("{% for x in t recursive %}{{ x.n }}{{ loop.depth }}{{ loop(x.t) }}{% endfor %}", "a1b2c1"),
        ("{% for x in t recursive %}{{ x.n }}{{ loop(x.t)|upper }}{% endfor %}", "aBc"),
        # several names at once
        ("{% set a, (b, c) = [1, [2, 3]] %}{{ a }}{{ b }}{{ c }}", "123"),
        # namespaces
        ("{% set n = namespace(i=0) %}{% for x in xs %}{% set n.i = n.i + x %}{% endfor %}{{ n.i }}", "6"),
        # call blocks
        ("{% macro m() %}<{{ caller(1) }}>{% endmacro %}{% call(x) m() %}{{ x }}{% endcall %}", "<1>"),
        # escaping for a part
        (
            "{% autoescape true %}{{ q }}{% autoescape false %}{{ q }}{% endautoescape %}{% endautoescape %}",
            "&lt;<",
        ),
        ("{% do range(2) %}", ""),
        ("{% if false %}{% elif true %}{% endif %}", ""),
    ],
)
def test_statements(source: str, text: str) -> None:
    """Scopes, loops, macros and captures."""
    tree = [{"n": "a", "t": [{"n": "b", "t": []}]}, {"n": "c", "t": []}]
    assert _render(source, xs=[1, 2, 3], t=tree, q="<") == text


def test_included_templates_share_the_frame() -> None:
    """They see loop variables, and what they set stays."""
    templates = TemplateSet(
        {
            "a": "{% for x in [1, 2] %}{% include 'b' %}{{ y }};{% endfor %}",
            "b": "{{ loop.index }}{% set y = x %}",
        }
    )
    assert templates.render("a", {}) == "11;22;"


def test_templates_extend_each_other() -> None:
    """Blocks are replaced over several levels, with what they replace at hand."""
    templates = TemplateSet(
        {
            "base": "[{% block a %}base{% endblock %}|{{ v|default('-') }}]",
            "mid": "{% extends 'base' %}{% block a %}mid {{ super() }}{% endblock %}",
            "top": "lost{% extends 'mid' %}{% set v = 1 %}lost{% block a %}top {{ super() }}{% endblock %}",
        }
    )
    assert templates.render("top", {}) == "lost[top mid base|1]"
    assert templates.render("mid", {}) == "[mid base|-]"


def test_modules_export_what_they_set() -> None:
    """Also when they set a name to the value that it has outside."""
    templates = TemplateSet(
        {"a": "{% import 'b' as m %}{{ m.v }}{{ m.w is defined }}{{ m }}", "b": "{% set v = v %}b"}
    )
    assert templates.render("a", {"v": 1, "w": 2}) == "1falseb"
