"""Names that come from outside."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from tzproxy.prompts.dialect.parser import parse_template
from tzproxy.prompts.dialect.variables import enclosed_names, undeclared_variables


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{{ a.b.c }}{{ a }}{{ d['e'].f }}", {"a.b.c", "a", "d"}),
        ("{% set a = a %}{{ a }}", set()),
        ("{{ x }}{% set x = 1 %}{{ x }}", {"x"}),
        ("{% if c %}{% set x = 1 %}{% endif %}{{ x }}", {"c", "x"}),
        ("{% for a, b in c.d %}{{ a }}{{ b.x }}{{ loop.index }}{% else %}{{ a }}{% endfor %}", {"c.d", "a"}),
        ("{% for x in xs if x.ok and y %}{% endfor %}", {"xs", "y"}),
        ("{% with a = b %}{{ a }}{% endwith %}{{ a }}", {"b", "a"}),
        ("{% set t %}{{ x }}{% endset %}{{ t }}", {"x"}),
        ("{% filter replace(q, 'a') %}{{ x }}{% endfilter %}", {"x"}),
        ("{% block b %}{{ super() }}{{ x }}{% endblock %}{{ self.b() }}", {"x"}),
        ("{% macro m(a, b=c) %}{{ a }}{{ d }}{{ caller() }}{% endmacro %}{{ m(e) }}", {"c", "d", "e"}),
        ("{% call(a) m(b) %}{{ a }}{{ c }}{% endcall %}", {"m", "b", "c"}),
        ("{% import n as m %}{{ m.x }}{% from n import y as z %}{{ z }}", set()),
        ("{% include n %}{% extends n %}", set()),
        ("{{ f(a, *b, c=d, **e) }}{{ x|default(y) is eq(z) }}", {"f", "a", "b", "d", "e", "x", "y", "z"}),
        ("{{ [a, {'k': b}] ~ c if d else -e }}", {"a", "b", "c", "d", "e"}),
        ("{% autoescape a %}{{ b }}{% endautoescape %}{% do c(d) %}", {"b", "c", "d"}),
        ("{{ range(3) }}", {"range"}),
    ],
)
def test_undeclared_names(source: str, names: set[str]) -> None:
    """Reading counts where nothing before has set the name; attributes count with their path."""
    assert undeclared_variables(parse_template(source, "t")) == names


def test_macros_enclose_what_they_do_not_set() -> None:
    """Parameters and own variables are not taken from around; `caller` shows that it is asked for."""
    source = "{% macro m(a, b=c) %}{% set d = e.f %}{{ d }}{{ caller() }}{{ m }}{% endmacro %}"
    macro = parse_template(source, "t").body[0]
    assert isinstance(macro, nodes.Macro)
    assert enclosed_names(macro) == {"c", "e", "caller", "m"}
