"""Compiled templates: sandbox, auto-escaping by name, places of failures, limits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect.environment import DialectEnvironment, Template, escape_mode_of
from tzproxy.prompts.dialect.failures import TemplateFailure, invalid

_ENVIRONMENT = DialectEnvironment()


def _find(name: str) -> Template:
    raise invalid(f"no {name}")


def _template(source: str, name: str = "t") -> Template:
    return Template(_ENVIRONMENT, name, source, _find)


def _failure(source: str, **context: object) -> TemplateFailure:
    with pytest.raises(TemplateFailure) as caught:
        _template(source).render(context)
    return caught.value


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.html", "html"),
        ("a.htm.j2", "html"),
        ("a.xml.jinja", "html"),
        ("a.json", "json"),
        ("a.json5.jinja2", "json"),
        ("a.js", "json"),
        ("a.yaml", "json"),
        ("a.yml", "json"),
        ("a.minijinja", "none"),
        ("a.txt", "none"),
        ("html", "html"),
        ("a.html.bak", "none"),
        ("a.html.j2.j2", "none"),
    ],
)
def test_the_ending_of_the_name_decides_on_escaping(name: str, mode: str) -> None:
    """One further ending of Jinja is ignored."""
    assert escape_mode_of(name) == mode
    assert _template("{{ x }}", name).mode == mode


@pytest.mark.parametrize(
    "expression",
    [
        "x.__class__",
        "x['__class__']",
        "x.__class__.__mro__",
        "''.join",
        "[].append",
        "{}.items",
        "range.__globals__",
        "namespace.__init__",
        "m.body",
        "m.closure",
        "loop._items",
        "g.grouper.__class__",
        "x|attr('__class__')",
        "[x]|map(attribute='__class__')|first",
    ],
)
def test_python_is_out_of_reach(expression: str) -> None:
    """No expression leads to an attribute of a Python object."""
    source = (
        "{% macro m() %}{% endmacro %}{% set g = ([{'a': 1}]|groupby('a'))[0] %}{% for x in xs %}{{ "
        + expression
        + " }}{% endfor %}"
    )
    assert _failure(source, xs=["a"]).kind == "undefined value"


@pytest.mark.parametrize(
    "call", ["''.format()", "[].append(1)", "{}.items()", "'a'.upper()", "range.call(1)", "(1).real()"]
)
def test_methods_of_python_do_not_exist(call: str) -> None:
    """A value has the methods that MiniJinja gives it: none."""
    assert _failure("{{ " + call + " }}").kind == "unknown method"


def test_names_of_the_compiled_code_are_no_variables() -> None:
    """What the generated module calls its helpers means nothing in a template."""
    for name in (
        "st",
        "f",
        "o",
        "t",
        "K",
        "U",
        "S",
        "enumerate",
        "isinstance",
        "functions",
        "__builtins__",
        "root",
    ):
        assert _failure("{{ " + name + " }}").kind == "undefined value"
        assert _template("{{ " + name + " }}").render({name: "value"}) == "value"


def test_text_cannot_become_code() -> None:
    """Quotes, backslashes and control characters in literals and names of blocks stay what they are."""
    hostile = "'\"\\ \x01 1\x02 {0} %s \"\"\" ''' \n\r\u2028"
    assert _template(hostile + "{{ x }}").render({"x": hostile}) == hostile + hostile
    assert _template('{{ "\\x01" ~ "\\x02" ~ "\\"" }}').render({}) == '\x01\x02"'


def test_failures_know_their_line() -> None:
    """Also in the middle of an expression over several lines, in macros and in loops."""
    assert _failure("a\n{{ x }}").line == 2
    assert _failure("{{ [\n1,\n1 + 'a'\n] }}").line == 3
    assert _failure("{% macro m() %}\n\n{{ x }}{% endmacro %}\n{{ m() }}").line == 3
    assert _failure("{% for x in [1] %}\n{{ x }}{{ x + 'a' }}\n{% endfor %}").line == 2
    assert _failure("{{ 1 }}\n{% include 'gone' %}").describe() == "invalid operation: no gone (in t:2)"


def test_recursion_ends_in_a_failure() -> None:
    """Neither macros nor loops that call themselves without end crash."""
    assert _failure("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").detail == "recursion limit exceeded"
    source = "{% for x in xs recursive %}{{ loop(xs) }}{% endfor %}"
    assert _failure(source, xs=[1]).detail == "recursion limit exceeded"


@pytest.mark.parametrize(
    "source", ["{{ " + "[" * 300 + "x" + "]" * 300 + " }}", "{% if x %}" * 140 + "a" + "{% endif %}" * 140]
)
def test_what_python_cannot_compile_is_a_syntax_error(source: str) -> None:
    """Nesting that only Python's compiler finds too deep is reported as the template's fault."""
    with pytest.raises(TemplateFailure) as caught:
        _template(source)
    assert caught.value.kind == "syntax error"
    assert caught.value.name == "t"


def test_a_long_chain_of_conditions_compiles() -> None:
    """`elif` does not nest in the compiled code."""
    source = "{% if x == 0 %}0" + "".join(f"{{% elif x == {i} %}}{i}" for i in range(1, 200)) + "{% endif %}"
    assert _template(source).render({"x": 150}) == "150"


def test_a_long_concatenation_compiles() -> None:
    """A chain of `~` does not nest either."""
    assert _template("{{ " + " ~ ".join(["x"] * 1000) + " }}").render({"x": "a"}) == "a" * 1000


def test_renderings_do_not_share_what_they_set() -> None:
    """The second rendering starts as the first one did."""
    template = _template("{{ n is defined }}{% set n = 1 %}{% macro m() %}{{ n }}{% endmacro %}{{ m() }}")
    context: dict[str, object] = {"x": 1}
    assert [template.render(context), template.render(context)] == ["false1", "false1"]
    assert context == {"x": 1}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_text_without_delimiters_comes_out_as_it_went_in(source: str) -> None:
    """Whatever characters a template has, text stays text, but for one newline at the end."""
    if source.endswith("{") or any(delimiter in source for delimiter in ("{{", "{%", "{#")):
        return
    text = source.removesuffix("\n").removesuffix("\r")
    assert _template(source).render({}) == text
    assert _template(source + "{{ x }}").render({"x": ""}) == source
