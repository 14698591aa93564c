"""What expressions do, in the points where MiniJinja differs from jinja2."""

from __future__ import annotations

import pytest

from tzproxy.errors import TemplateError
from tzproxy.prompts import TemplateSet


def _render(expression: str, **context: object) -> str:
    return TemplateSet({"t": "{{ " + expression + " }}"}).render("t", context)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("x and 'b'", "0"),
        ("0 and x", "0"),
        ("1 and 0", "false"),
        ("x or 'b'", "b"),
        ("not x", "true"),
        ("'a' if x", ""),
        ("('a' if x) is defined", "false"),
        ("(y if y is defined else 'd') ~ x", "d0"),
        ("[x, [x]]", "[0, [0]]"),
        ("{'b': x, 'a': x}", '{"a": 0, "b": 0}'),
        ("{x: 1}", "{0: 1}"),
        ("(x, 1)", "[0, 1]"),
        ("x < 1 < 2", "true"),
        ("d.b.c", "3"),
        ("d['b']['c']", "3"),
        ("d.list[0].n", "1"),
        ("(d.list.0).n", "1"),
        ("d.list[1:]|length", "1"),
        ("x is not odd and x in [0]", "true"),
        ("dict(*[d.b], **{'e': 4})", '{"c": 3, "e": 4}'),
        ("range(*[1, 3])|list", "[1, 2]"),
        ("[3, 1]|sort(**{'reverse': true})", "[3, 1]"),
        ("['a']|map('replace', 'a', *['b'])|first", "b"),
        ("2 ** 100", "1267650600228229401496703205376"),
        ("1e400", "inf"),
    ],
)
def test_expressions(expression: str, text: str) -> None:
    """Operators, literals, subscripts and calls."""
    assert _render(expression, x=0, d={"b": {"c": 3}, "list": [{"n": 1}, {"n": 2}]}) == text


@pytest.mark.parametrize(
    "expression",
    [
        "y",
        "not y",
        "y and 1",
        "0 or y",
        "y ~ 'a'",
        "y == 1",
        "y[0]",
        "y.z",
        "y in [1]",
        "1 in y",
        "y[1:]",
        "[1][y:]",
        "'a' if y else 'b'",
    ],
)
def test_undefined_names_fail(expression: str) -> None:
    """An undefined name fails wherever it is used, and only when it is reached."""
    with pytest.raises(TemplateError, match="undefined value|cannot convert undefined"):
        _render(expression)
    assert _render(f"'a' if true or ({expression}) else 'b'") == "a"


@pytest.mark.parametrize(
    ("expression", "detail"),
    [
        ("'a'|nope", "unknown filter: filter nope is unknown"),
        ("1 is nope", "unknown test: test nope is unknown"),
        ("nope(1)", "unknown function: nope is unknown"),
        ("x()", "value of type number is not callable"),
        ("'a'|upper(1)", "too many arguments"),
        ("'a'|replace('b')", "missing argument"),
        ("'a'|join(*[1, 2])", "too many arguments"),
        ("'a'|join(d='x')", "cannot convert kwargs to string"),
        ("range(*1)", "number is not iterable"),
        ("dict(**1)", "attempted to apply keyword arguments from non map"),
        ("{[1]: 2}", "cannot be the key of a map"),
    ],
)
def test_what_fails_when_it_is_reached(expression: str, detail: str) -> None:
    """Unknown names and wrong arguments load, and fail at their place."""
    with pytest.raises(TemplateError, match=detail):
        _render(expression, x=1)
    assert TemplateSet({"t": "{% if false %}{{ " + expression + " }}{% endif %}"}).render("t", {}) == ""
