"""Tests of `tzproxy.config.checks.optimizers`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems

GEPA = '[optimizers.o]\ntype = "gepa"\nfunction_name = "f"\nanalysis_model = "a"\nmutation_model = "b"\n'


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "optimizers.o: GEPA optimizer `o` must specify exactly one of"),
        (
            'evaluator_names = ["e"]\nevaluation_name = "x"',
            "optimizers.o: GEPA optimizer `o` cannot specify both",
        ),
        (
            "evaluator_names = []",
            "optimizers.o.evaluator_names: GEPA optimizer `o` must specify at least one evaluator name",
        ),
    ],
)
def test_a_prompt_search_needs_its_evaluators(find_problems: FindProblems, lines: str, problem: str) -> None:
    """Exactly one of the two ways, and not an empty one."""
    problems = find_problems(GEPA + lines)
    assert len(problems) == 1
    assert problems[0].startswith(problem)
