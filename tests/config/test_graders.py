"""Tests of `tzproxy.config.graders`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from tzproxy.config.graders import GraderMessage, ScoreModelGrader
from tzproxy.config.optimizers import OpenAIRftConfig

RFT = '[optimizers.o]\ntype = "openai_rft"\nmodel = "m"\n'
RFT += 'grader = { type = "score_model", name = "g", model = "m", '


def test_a_grading_model_is_read(load: Load) -> None:
    """Its prompt has messages, its scores two bounds."""
    toml = RFT + 'input = [{ role = "developer", content = "Judge." }], range = [0, 1.5] }'
    optimizer = load(toml).config.optimizers["o"]
    assert isinstance(optimizer, OpenAIRftConfig)
    assert optimizer.grader == ScoreModelGrader(
        name="g", model="m", input=(GraderMessage(role="developer", content="Judge."),), range=(0.0, 1.5)
    )


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('input = [{ role = "system", content = "x" }]', "input[0].role: unknown variant `system`"),
        ('input = [{ role = "user" }]', "input[0]: missing field `content`"),
        ('input = ["x"]', "input[0]: invalid type"),
        ("input = [], range = [1]", "range: invalid length 1"),
        ("input = [], range = [1, 2, 3]", "range: invalid length 3"),
        ("input = [], range = [0, inf]", "range[1]: invalid value"),
    ],
)
def test_grading_models_that_cannot_be_asked(find_problems: FindProblems, keys: str, problem: str) -> None:
    """What the provider would refuse later is refused now."""
    problems = find_problems(RFT + keys + " }")
    assert len(problems) == 1
    assert problems[0].startswith(f"optimizers.o.grader.{problem}")
