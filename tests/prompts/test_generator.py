"""The generator of templates makes templates that are worth comparing."""

from __future__ import annotations

from random import Random

from tzproxy.errors import ConfigError, TemplateError
from tzproxy.prompts import TemplateSet

from .generator import TemplateMaker, literal


def test_most_templates_load_and_many_render() -> None:
    """A comparison over templates that all fail would show little."""
    random = Random(1)
    rendered = 0
    for _ in range(200):
        source, context = TemplateMaker(random).make()
        try:
            TemplateSet({"t": source}).render("t", context)
        except (ConfigError, TemplateError):
            continue
        rendered += 1
    assert rendered > 100


def test_literals_say_what_the_values_are() -> None:
    """A literal renders as the value does."""
    value = {"b": [1, 2.5, None, True, "é\"'\n"], "a": {}}
    templates = TemplateSet({"v": "{{ v }}", "l": "{{ " + literal(value) + " }}"})
    assert templates.render("l", {}) == templates.render("v", {"v": value})
