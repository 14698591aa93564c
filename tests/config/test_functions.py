"""Tests of `tzproxy.config.functions`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, MODEL, SCHEMA
from tzproxy.config.functions import ChatFunctionConfig, SpecificTool, schema_slots, template_slots
from tzproxy.config.variants import ChatCompletionConfig

FUNCTION = MODEL + '[functions.f]\ntype = "chat"\nvariants = {}\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"none"', "none"),
        ('"auto"', "auto"),
        ('"required"', "required"),
        ('{ specific = "t" }', SpecificTool(specific="t")),
    ],
)
def test_tool_choices(load: Load, text: str, expected: object) -> None:
    """A word, or a table that names a tool; the tool need not exist yet."""
    function = load(FUNCTION + f"tool_choice = {text}").config.functions["f"]
    assert isinstance(function, ChatFunctionConfig)
    assert function.tool_choice == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"xx"', "unknown variant `xx`, expected one of `none`, `auto`, `required`, `specific`"),
        ('"specific"', "unknown variant `specific`"),
        ('{ special = "t" }', "unknown variant `special`"),
        ("{ specific = 1 }", "expected a string"),
        ("1", "expected a tool choice"),
    ],
)
def test_other_tool_choices_are_refused(find_problems: FindProblems, text: str, words: str) -> None:
    """The message lists what is possible."""
    problems = find_problems(FUNCTION + f"tool_choice = {text}")
    assert len(problems) == 1
    assert problems[0].startswith("functions.f.tool_choice")
    assert words in problems[0]


def test_slots_tell_older_forms_from_newer_ones(load: Load) -> None:
    """Schemas and templates fill slots; how they were given decides how plain text is treated."""
    loaded = load(
        MODEL
        + """
[functions.f]
type = "chat"
system_schema = "s"
schemas.ticket.path = "s"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
templates.system.path = "t"
templates.ticket.path = "t"
templates.extra.path = "t"
user_template = "t"
input_wrappers.assistant = "t"
""",
        files={"s": SCHEMA, "t": ""},
    )
    function = loaded.config.functions["f"]
    schemas = {name: (slot.legacy, slot.key) for name, slot in schema_slots(function).items()}
    assert schemas == {"system": (True, "system_schema"), "ticket": (False, "schemas.ticket.path")}
    variant = function.variants["v"]
    assert isinstance(variant, ChatCompletionConfig)
    templates = {name: (slot.legacy, slot.key) for name, slot in template_slots(variant).items()}
    assert templates == {
        "system": (False, "templates.system.path"),
        "ticket": (False, "templates.ticket.path"),
        "extra": (False, "templates.extra.path"),
        "user": (True, "user_template"),
        "assistant": (True, "input_wrappers.assistant"),
    }


def test_a_function_without_variants_loads(load: Load) -> None:
    """The table may be empty but not absent."""
    assert load(FUNCTION).config.functions["f"].variants == {}


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('[functions.f]\ntype = "chat"', "functions.f: missing field `variants`"),
        ("[functions.f]\nvariants = {}", "functions.f: missing tag field `type`"),
        (
            '[functions.f]\ntype = "chatt"\nvariants = {}',
            "functions.f.type: unknown variant `chatt`, expected `chat` or `json` (did you mean `chat`?)",
        ),
        (
            '[metrics.m]\ntype = "int"\noptimize = "max"\nlevel = "inference"',
            "metrics.m.type: unknown variant `int`, expected `boolean` or `float`",
        ),
        ('[metrics.m]\ntype = "float"\nlevel = "episode"', "metrics.m: missing field `optimize`"),
    ],
)
def test_shapes(find_problems: FindProblems, toml: str, problem: str) -> None:
    """Missing and unknown keys are named."""
    assert find_problems(toml) == [problem]


def test_odd_function_names_are_allowed(load: Load) -> None:
    """Empty names, spaces, dots and quotes are names."""
    rest = ']\ntype = "json"\nvariants = {}\n'
    loaded = load(CHAT + f'[functions.""{rest}[functions."a b.c\\"d"{rest}')
    assert set(loaded.config.functions) == {"f", "", 'a b.c"d'}
