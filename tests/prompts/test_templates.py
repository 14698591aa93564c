"""The set of templates: loading, includes from files, rendering by key."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest

from tzproxy.errors import ConfigError, TemplateError
from tzproxy.prompts import TemplateSet


def test_all_problems_are_reported_at_once() -> None:
    """Loading names every broken template, each with its line, and not only the first."""
    with pytest.raises(ConfigError) as caught:
        TemplateSet({"a": "fine", "b": "x\n{{ 1 + }}", "c": "{% foo %}"})
    assert caught.value.problems == [
        "Error rendering template b: Failed to add template: "
        "syntax error: unexpected end of variable block (in b:2)",
        "Error rendering template c: Failed to add template: syntax error: unknown statement foo (in c:1)",
    ]


def test_unknown_key_is_an_error() -> None:
    """A key that nobody configured is a template error, not a crash."""
    templates = TemplateSet({"a": "x"})
    assert "a" in templates
    assert "b" not in templates
    with pytest.raises(TemplateError, match="^Template not found: b$"):
        templates.render("b", {})


def test_render_error_names_key_and_line() -> None:
    """What fails while rendering says where, down to the included template."""
    templates = TemplateSet({"outer": "\n{% include 'inner' %}", "inner": "{{ x.y }}"})
    with pytest.raises(TemplateError) as caught:
        templates.render("outer", {})
    assert caught.value.message == (
        "Error rendering template outer: Could not render template: could not render include: "
        'error in "inner" (in outer:2)\nCaused by: undefined value (in inner:1)'
    )


def test_text_without_expressions_is_the_same_object_each_time() -> None:
    """A static template is rendered once, while it is loaded."""
    templates = TemplateSet({"a": "You are a parrot.\n"})
    assert templates.render("a", {}) is templates.render("a", {"x": 1})
    assert templates.render("a", {}) == "You are a parrot."


def test_any_mapping_may_be_the_context() -> None:
    """Variables may come in any mapping."""
    assert TemplateSet({"a": "{{ x }}"}).render("a", OrderedDict(x=1)) == "1"


def test_configured_templates_include_each_other_by_key() -> None:
    """Without a base path only the keys of configured templates can be included, whatever files there are."""
    templates = TemplateSet({"a": "{% include 'sub/b' %}{% include 'c' %}", "sub/b": "B"})
    with pytest.raises(TemplateError, match="Could not load template 'c' - if this a dynamic template"):
        templates.render("a", {})


def test_files_are_followed_from_template_to_template(tmp_path: Path) -> None:
    """With a base path every literal name is read at load, also the names inside of what was read."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "one.txt").write_text("one {% include 'sub/two.txt' %}", "utf-8")
    (tmp_path / "sub" / "two.txt").write_text("two {{ x }}", "utf-8")
    templates = TemplateSet({"a": "{% include 'one.txt' %}"}, base_path=str(tmp_path))
    assert templates.included == {"one.txt": "one {% include 'sub/two.txt' %}", "sub/two.txt": "two {{ x }}"}
    (tmp_path / "one.txt").write_text("changed", "utf-8")
    assert templates.render("a", {"x": 1}) == "one two 1"


def test_configured_key_wins_over_a_file(tmp_path: Path) -> None:
    """A file of the same name as a configured template is not read."""
    (tmp_path / "b").write_text("file", "utf-8")
    templates = TemplateSet({"a": "{% include 'b' %}", "b": "configured"}, base_path=str(tmp_path))
    assert templates.render("a", {}) == "configured"
    assert templates.included == {}


def test_missing_file_fails_when_it_is_rendered(tmp_path: Path) -> None:
    """A file that is not there is a warning at load and an error at its place, even with `ignore missing`."""
    templates = TemplateSet({"a": "{% include 'gone' ignore missing %}"}, base_path=str(tmp_path))
    assert "`gone` cannot be included" in templates.warnings[0]
    with pytest.raises(TemplateError, match=r"Could not load template 'gone': the file was missing\."):
        templates.render("a", {})


def test_names_that_are_not_literal_are_refused_with_a_base_path(tmp_path: Path) -> None:
    """A name that only rendering could tell is a load error with template, line and reason."""
    source = "{% include x %}\n{% extends 'a' ~ x %}{% include ['p', y.z] %}{% include 'p' if x else f() %}"
    with pytest.raises(ConfigError) as caught:
        TemplateSet({"a": source}, base_path=str(tmp_path))
    found = [
        (problem.partition(":")[0], problem.rpartition(" found ")[2]) for problem in caught.value.problems
    ]
    assert sorted(found) == [
        ("Template a, line 1", "variable"),
        ("Template a, line 2", "call"),
        ("Template a, line 2", "expression"),
        ("Template a, line 2", "expression"),
    ]


def test_syntax_error_in_an_included_file_names_the_file(tmp_path: Path) -> None:
    """A broken included file fails the load under its own name."""
    (tmp_path / "bad").write_text("x\n{% if %}", "utf-8")
    with pytest.raises(ConfigError, match=r"Error rendering template bad: .* \(in bad:2\)"):
        TemplateSet({"a": "{% include 'bad' %}"}, base_path=str(tmp_path))


def test_variables_are_those_that_the_template_does_not_set() -> None:
    """Nested names count with their path; what is set, looped over or declared inside does not count."""
    source = (
        "{% set a = b.c %}{% for x in xs.all %}{{ x.y }}{{ loop.index }}{{ d['e'] }}{% endfor %}"
        "{% macro m(p) %}{{ p }}{{ q }}{{ caller() }}{% endmacro %}{{ m(a) }}{{ user.name|default(alt) }}"
    )
    assert TemplateSet({"t": source}).variables("t") == {"b.c", "xs.all", "d", "q", "user.name", "alt"}


def test_legacy_template_may_use_one_variable_only() -> None:
    """The problem text lists all names in order; the allowed name alone, or none, is fine."""
    templates = TemplateSet(
        {"ok": "{{ user_text }}", "none": "x", "bad": "{{ foo }}{{ bar.x }}{{ user_text }}"}
    )
    assert templates.check_legacy_template("ok", "user_text") is None
    assert templates.check_legacy_template("none", "user_text") is None
    assert templates.check_legacy_template("bad", "user_text") == (
        "template needs variables: [bar.x, foo, user_text] but only `user_text` is allowed "
        "when template has no schema"
    )


def test_set_can_be_extended_for_one_request() -> None:
    """Templates that arrive with a request see the configured ones, which do not see them."""
    templates = TemplateSet({"a": "A{{ x }}"})
    larger = templates.extended({"b": "B{% include 'a' %}"})
    assert larger.render("b", {"x": 1}) == "BA1"
    assert "b" not in templates
    with pytest.raises(ConfigError):
        templates.extended({"c": "{{"})
