"""Tests of `tzproxy.config.evaluators`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT
from tzproxy.config.evaluators import EvaluationConfig, ExactMatchConfig, RegexConfig, ToolUseConfig

EVALUATOR = CHAT + "[functions.f.evaluators.e]\n"
PATH = "functions.f.evaluators.e"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('type = "exact_match"', ExactMatchConfig()),
        ('type = "exact_match"\ncutoff = 0.2', ExactMatchConfig(cutoff=0.20000000298023224)),
        ('type = "tool_use"\nbehavior = "any"', ToolUseConfig(behavior="any")),
        (
            'type = "tool_use"\nbehavior = "all_of"\ntools = ["t"]',
            ToolUseConfig(behavior="all_of", tools=("t",)),
        ),
        (
            'type = "regex"\nmust_match = "a"\nmust_not_match = "b"',
            RegexConfig(must_match="a", must_not_match="b"),
        ),
    ],
)
def test_evaluators_are_read(load: Load, lines: str, expected: object) -> None:
    """Each type has its keys."""
    assert load(EVALUATOR + lines).config.functions["f"].evaluators["e"] == expected


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('type = "exact_match"\ndescription = "d"', f"{PATH}.description: unknown field `description`"),
        ('type = "regex"\nmust_match = "a"\ndescription = "d"', f"{PATH}.description: unknown field"),
        ('type = "tool_use"', f"{PATH}: missing tag field `behavior`"),
        ('type = "tool_use"\nbehavior = 1', f"{PATH}.behavior: invalid type: integer `1`"),
        ('type = "tool_use"\nbehavior = "some"', f"{PATH}.behavior: unknown variant `some`"),
        ('type = "tool_use"\nbehavior = "any"\ntools = []', f"{PATH}.tools: unknown field `tools`"),
        ('type = "tool_use"\nbehavior = "any_of"', f"{PATH}: missing field `tools`"),
        ('type = "tool_use"\nbehavior = "any_of"\ntools = [1]', f"{PATH}.tools[0]: invalid type"),
        ('type = "nonsense"', f"{PATH}.type: unknown variant `nonsense`"),
        ('type = "llm_judge"\noptimize = "max"\nvariants = {}', f"{PATH}: missing field `output_type`"),
    ],
)
def test_malformed_evaluators_are_reported(find_problems: FindProblems, lines: str, problem: str) -> None:
    """Keys of one type are unknown to the others."""
    problems = find_problems(EVALUATOR + lines)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


JUDGE = (
    EVALUATOR
    + 'type = "llm_judge"\noutput_type = "float"\noptimize = "max"\n[functions.f.evaluators.e.variants.j]\n'
)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            'type = "chat_completion"\nmodel = "m"\nsystem_instructions = "i"',
            f"{PATH}.variants.j: missing field `json_mode`",
        ),
        (
            'type = "chat_completion"\nmodel = "m"\njson_mode = "on"',
            f"{PATH}.variants.j: missing field `system_instructions`",
        ),
        (
            'type = "chat_completion"\nmodel = "m"\njson_mode = "on"\nsystem_instructions = "i"\nweight = 1',
            f"{PATH}.variants.j.weight: unknown field `weight`",
        ),
        (
            'type = "chat_completion"\nmodel = "m"\njson_mode = "on"\nsystem_instructions = "i"\n'
            'user_template = "i"',
            f"{PATH}.variants.j.user_template: unknown field `user_template`",
        ),
    ],
)
def test_judge_variants_have_keys_of_their_own(find_problems: FindProblems, lines: str, problem: str) -> None:
    """Instructions and JSON mode are required, templates and weights unknown."""
    problems = find_problems(JUDGE + lines, files={"i": ""})
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_top_level_evaluations_are_read(load: Load) -> None:
    """The older place for evaluators is still one, under both type names."""
    for kind in ("inference", "static"):
        loaded = load(CHAT + f'[evaluations.x]\ntype = "{kind}"\nfunction_name = "f"')
        assert loaded.config.evaluations["x"] == EvaluationConfig(type=kind, function_name="f")
