"""Random templates against MiniJinja itself, where its Python binding is installed.

The binding has to be of the version that the original has (2.19); later ones print in Python's way. It keeps
maps in the order in which they were written, so it is given them sorted, and as literals, since it prints
Python's own containers as Python does.
"""

from __future__ import annotations

from importlib.metadata import version
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect.environment import DialectEnvironment, Template
from tzproxy.prompts.dialect.failures import TemplateFailure, invalid

from .generator import TemplateMaker, literal

minijinja = pytest.importorskip("minijinja")
pytestmark = pytest.mark.skipif(
    not version("minijinja").startswith("2.19."), reason="needs minijinja 2.19, the version of the original"
)

_KINDS = {
    "InvalidOperation": "invalid operation",
    "SyntaxError": "syntax error",
    "UndefinedError": "undefined value",
    "TooManyArguments": "too many arguments",
    "MissingArgument": "missing argument",
    "UnknownFilter": "unknown filter",
    "UnknownTest": "unknown test",
    "UnknownFunction": "unknown function",
    "UnknownMethod": "unknown method",
    "CannotUnpack": "cannot unpack",
}


def _theirs(name: str, source: str) -> tuple[Any, ...]:
    environment = minijinja.Environment(templates={name: source}, undefined_behavior="strict", pycompat=False)
    try:
        return ("text", environment.render_template(name))
    except minijinja.TemplateError as exc:
        return (_KINDS[exc.kind], exc.detail, exc.line)


def _find(name: str) -> Template:
    raise invalid(f"no {name}")


def _ours(name: str, source: str, context: dict[str, Any]) -> tuple[Any, ...]:
    try:
        return ("text", Template(DialectEnvironment(), name, source, _find).render(context))
    except TemplateFailure as exc:
        return (exc.kind, exc.detail, exc.line)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.sampled_from(["t.txt", "t.html", "t.json.j2"]))
def test_random_templates_come_out_the_same(seed: int, name: str) -> None:
    """Text, or kind, detail and line of the failure, are those of MiniJinja."""
    source, context = TemplateMaker(Random(seed)).make()
    settings_of_context = "".join(f"{{% set {key} = {literal(value)} %}}" for key, value in context.items())
    expected = _theirs(name, settings_of_context + source)
    assert _ours(name, settings_of_context + source, {}) == expected
    if "macro" not in source:
        # A macro sees variables of the request everywhere, what the template sets only where it encloses it.
        assert _ours(name, source, context) == expected
