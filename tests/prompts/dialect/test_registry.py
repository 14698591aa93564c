"""Which filters and tests there are."""

from __future__ import annotations

import inspect

import pytest

from tzproxy.prompts.dialect.arguments import UNLIMITED, Operation
from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.registry import FILTERS, TESTS, apply_filter, apply_test
from tzproxy.prompts.dialect.values import Kwargs

_FILTERS = (
    "abs attr batch bool capitalize chain count d default dictsort e escape first float format groupby "
    "indent int items join last length lines list lower map max min pprint reject rejectattr replace reverse "
    "round safe select selectattr slice sort split string sum title tojson trim unique upper zip"
)
_TESTS = (
    "boolean defined divisibleby endingwith eq equalto escaped even false filter float ge greaterthan gt in "
    "int integer iterable le lessthan lower lt mapping ne none number odd safe sameas sequence startingwith "
    "string test true undefined upper == != < <= > >="
)


def test_the_names_are_those_of_the_original() -> None:
    """Not one filter or test more or less."""
    assert sorted(FILTERS) == _FILTERS.split()
    assert set(TESTS) == set(_TESTS.split())


@pytest.mark.parametrize("name", ["truncate", "urlencode", "wordcount", "random", "center", "xmlattr"])
def test_other_filters_of_jinja_do_not_exist(name: str) -> None:
    """They fail when they are reached."""
    with pytest.raises(TemplateFailure, match=f"unknown filter.*filter {name} is unknown"):
        apply_filter(None, name, ("x",))


def test_unknown_tests_fail() -> None:
    """As filters do."""
    with pytest.raises(TemplateFailure, match="unknown test.*test callable is unknown"):
        apply_test(None, "callable", ("x",))
    assert apply_test(None, "odd", (3,)) is True


@pytest.mark.parametrize("operation", [*FILTERS.values(), *TESTS.values()])
def test_declared_numbers_of_arguments_fit_the_functions(operation: Operation) -> None:
    """Each function takes as many arguments as its entry says, since the compiled code relies on it."""
    parameters = list(inspect.signature(operation.function).parameters.values())[1:]
    positional = [parameter for parameter in parameters if parameter.kind == parameter.POSITIONAL_OR_KEYWORD]
    variable = any(parameter.kind == parameter.VAR_POSITIONAL for parameter in parameters)
    required = sum(parameter.default is parameter.empty for parameter in positional)
    assert operation.minimum == max(required, 1)
    assert operation.maximum == (UNLIMITED if variable else len(positional))
    assert operation.keywords == any(parameter.name == "kwargs" for parameter in parameters)


def test_filters_by_name() -> None:
    """`map`, `select` and their like run other filters and tests."""
    assert apply_filter(None, "map", (["a"], "upper")) == ["A"]
    assert apply_filter(None, "map", ([{"a": {"b": 1}}, {}], Kwargs(attribute="a.b", default=0))) == [1, 0]
    assert apply_filter(None, "select", ([0, 1, 2],)) == [1, 2]
    assert apply_filter(None, "reject", ([1, 2, 3], "gt", 1)) == [1]
    assert apply_filter(None, "selectattr", ([{"a": 1}, {"a": 0}], "a")) == [{"a": 1}]
    assert apply_filter(None, "rejectattr", ([{"a": 1}, {"a": 0}], "a", "eq", 1)) == [{"a": 0}]
    for name, args in (("map", ("nope",)), ("map", ()), ("map", (1,)), ("select", ("nope",))):
        with pytest.raises(TemplateFailure):
            apply_filter(None, name, ([1], *args))
    with pytest.raises(TemplateFailure, match="too many arguments"):
        apply_filter(None, "map", ([1], "upper", Kwargs(attribute="a")))
