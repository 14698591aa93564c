"""Rendering of prompts and checks against schemas, as each request does them."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.prompts import JsonSchema, TemplateSet

_TEMPLATES = {
    "static": "You are a helpful assistant.\nAnswer briefly.\n",
    "one_variable": "{{ user_text }}",
    "three_variables": "Hello {{ name }}, you are {{ age }} and live in {{ city }}.",
    "if_and_for": (
        "You are {{ name }}.\n{% if tone %}Use a {{ tone }} tone.{% else %}Be neutral.{% endif %}\n"
        "{% for item in items %}- {{ item }}\n{% endfor %}Done, {{ user.name }}."
    ),
    "loop": "{% for x in items %}{{ loop.index }}.{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "filters": "{{ name|upper }} {{ items|join(', ') }} {{ city|default('nowhere') }}",
    "tojson": "{{ user|tojson }}",
    "macro": "{% macro m(x) %}<{{ x }}>{% endmacro %}{% for x in items %}{{ m(x) }}{% endfor %}",
    "escaped.html": "Hello {{ name }}, you are {{ age }} and live in {{ city }}.",
}
_CONTEXT: dict[str, object] = {
    "user_text": "What is the capital of France?",
    "name": "Zed",
    "age": 42,
    "city": "Paris",
    "tone": "dry",
    "items": ["a", "b", "c", "d", "e"],
    "user": {"name": "U", "id": 3, "score": 2.5},
}
_SCHEMA = JsonSchema(
    b'{"type":"object","required":["name"],"additionalProperties":false,"properties":'
    b'{"name":{"type":"string"},"age":{"type":"integer"},"tags":{"type":"array","items":{"type":"string"}}}}',
    key="benchmark",
)


@pytest.fixture(scope="module")
def templates() -> TemplateSet:
    """Every template, compiled."""
    return TemplateSet(_TEMPLATES)


def _run(benchmark: BenchmarkFixture, templates: TemplateSet, key: str) -> None:
    assert templates.render(key, _CONTEXT)
    benchmark(templates.render, key, _CONTEXT)


def test_render_static(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """Text without expressions."""
    _run(benchmark, templates, "static")


def test_render_one_variable(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """Nothing but a variable."""
    _run(benchmark, templates, "one_variable")


def test_render_three_variables(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """A sentence with three variables."""
    _run(benchmark, templates, "three_variables")


def test_render_if_and_for(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """A usual system prompt: variables, a condition, a loop over five items."""
    _run(benchmark, templates, "if_and_for")


def test_render_loop(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """A loop that asks for its position twice a round."""
    _run(benchmark, templates, "loop")


def test_render_filters(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """Three common filters."""
    _run(benchmark, templates, "filters")


def test_render_tojson(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """A small map as JSON."""
    _run(benchmark, templates, "tojson")


def test_render_macro(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """Five calls of a macro."""
    _run(benchmark, templates, "macro")


def test_render_escaped(benchmark: BenchmarkFixture, templates: TemplateSet) -> None:
    """Three variables, escaped for HTML."""
    _run(benchmark, templates, "escaped.html")


def test_schema_is_valid(benchmark: BenchmarkFixture) -> None:
    """A small object against its schema."""
    value: Any = {"name": "x", "age": 3, "tags": ["a", "b"]}
    assert benchmark(_SCHEMA.is_valid, value) is True


def test_schema_of_large_value(benchmark: BenchmarkFixture) -> None:
    """A list of five thousand texts."""
    value: Any = {"name": "x", "tags": [f"tag {number}" for number in range(5000)]}
    assert benchmark(_SCHEMA.is_valid, value) is True
