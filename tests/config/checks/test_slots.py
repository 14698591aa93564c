"""Tests of `tzproxy.config.checks.slots`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import MODEL

FILES = {"s": "{}", "t": "text"}


def function(schemas: str, templates: str, *, more: str = "") -> str:
    """Return a function with the given schemas and a variant with the given templates."""
    return f"""{MODEL}
[functions.f]
type = "chat"
{schemas}
[functions.f.variants.v]
type = "chat_completion"
model = "m"
{templates}
{more}
"""


PLACE = "functions.f.variants.v"
BOTH = "Cannot specify both"


@pytest.mark.parametrize(
    ("schemas", "templates", "problem"),
    [
        (
            'user_schema = "s"\nschemas.user.path = "s"',
            'user_template = "t"',
            f"functions.f: {BOTH} `schemas.user.path` and `user_schema`",
        ),
        (
            "",
            'user_template = "t"\ntemplates.user.path = "t"',
            f"{PLACE}: {BOTH} `templates.user.path` and `user_template`",
        ),
        (
            "",
            'user_template = "t"\ninput_wrappers.user = "t"',
            f"{PLACE}: {BOTH} `user_template` and `input_wrappers.user`",
        ),
        (
            "",
            'templates.system.path = "t"\ninput_wrappers.system = "t"',
            f"{PLACE}: {BOTH} `templates.system.path` and `input_wrappers.system`",
        ),
        (
            'assistant_schema = "s"',
            'input_wrappers.assistant = "t"',
            f"{PLACE}.input_wrappers.assistant: "
            f"{BOTH} `input_wrappers.assistant` and a schema for `assistant`",
        ),
        ('user_schema = "s"', "", f"{PLACE}.user_template: template is required when schema is specified"),
        (
            'schemas.system.path = "s"',
            'user_template = "t"',
            f"{PLACE}.system_template: template is required when schema is specified",
        ),
        (
            'schemas.g.path = "s"',
            'templates.h.path = "t"',
            f"{PLACE}.templates.g: is required when `functions.f.schemas.g` is specified",
        ),
    ],
)
def test_slots_that_do_not_fit(
    find_problems: FindProblems, schemas: str, templates: str, problem: str
) -> None:
    """Two of one kind, and a schema without template, are refused."""
    assert find_problems(function(schemas, templates), files=FILES) == [problem]


@pytest.mark.parametrize(
    ("schemas", "templates"),
    [
        ('user_schema = "s"', 'templates.user.path = "t"'),
        ('schemas.user.path = "s"', 'user_template = "t"'),
        ("", 'templates.anything.path = "t"\nsystem_template = "t"'),
        ('schemas.g.path = "s"', 'templates.g.path = "t"'),
    ],
)
def test_forms_may_be_mixed(load: Load, schemas: str, templates: str) -> None:
    """Older and newer forms meet in one slot; templates need no schema."""
    assert load(function(schemas, templates), files=FILES).warnings == []


@pytest.mark.parametrize(
    ("kind", "table"),
    [("experimental_best_of_n_sampling", "evaluator"), ("experimental_mixture_of_n", "fuser")],
)
def test_evaluators_and_fusers_need_templates_too(find_problems: FindProblems, kind: str, table: str) -> None:
    """They render the same input."""
    more = f'[functions.f.variants.b]\ntype = "{kind}"\ncandidates = ["v"]\n{table} = {{ model = "m" }}'
    problems = find_problems(function('user_schema = "s"', 'user_template = "t"', more=more), files=FILES)
    expected = "user_template: template is required when schema is specified"
    assert problems == [f"functions.f.variants.b.{table}.{expected}"]


def test_dynamic_examples_need_none(load: Load) -> None:
    """They show the input as it is."""
    more = '[functions.f.variants.d]\ntype = "experimental_dynamic_in_context_learning"\nmodel = "m"\nk = 1\n'
    more += 'embedding_model = "openai::e"'
    toml = function('user_schema = "s"', 'user_template = "t"', more=more)
    assert load(toml, files=FILES).warnings == []
