"""Tests of `tzproxy.config.checks.evaluators`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT

FUNCTION = "functions.f.evaluators.e"
EVALUATION = '[evaluations.x]\ntype = "inference"\nfunction_name = "f"\n'


def judge(*actives: str, place: str = FUNCTION, model: str = "m") -> str:
    """Return a judge with a variant for each given `active` line."""
    text = f'{CHAT}{EVALUATION}[{place}]\ntype = "llm_judge"\noutput_type = "float"\noptimize = "max"\n'
    if not actives:
        text += "variants = {}"
    for index, active in enumerate(actives):
        text += (
            f'[{place}.variants.v{index}]\ntype = "chat_completion"\nmodel = "{model}"\njson_mode = "on"\n'
        )
        text += f'system_instructions = "tensorzero.toml"\n{active}\n'
    return text


ON, OFF = "active = true", "active = false"


@pytest.mark.parametrize(
    ("actives", "found"),
    [
        ([], 0),
        ([OFF], 0),
        (["", ""], 0),
        ([OFF, OFF], 0),
        ([ON, ON], 2),
        ([""], None),
        ([ON], None),
        ([ON, ""], None),
        ([OFF, ON, ""], None),
    ],
)
def test_exactly_one_variant_judges(
    load: Load, find_problems: FindProblems, actives: list[str], found: int | None
) -> None:
    """A single variant is active by itself, of several exactly one says so."""
    toml = judge(*actives)
    if found is None:
        assert load(toml).config
        return
    assert find_problems(toml) == [
        f"{FUNCTION}.variants: Evaluator `e` in `[functions.f.evaluators]` must have exactly 1 variant "
        f"that is active. Found {found} variants with nonzero weights."
    ]


def test_the_place_is_named_after_the_table(find_problems: FindProblems) -> None:
    """A judge of a top-level evaluation is named by the evaluation."""
    problems = find_problems(judge(ON, ON, place="evaluations.x.evaluators.e"))
    assert "Evaluator `e` in `[evaluations.x]` must have exactly 1" in problems[0]


def test_a_judge_is_checked_like_a_function(find_problems: FindProblems) -> None:
    """Its models and candidates must exist; findings stand at the judge's own keys."""
    assert find_problems(judge("", model="zz")) == [
        f"{FUNCTION}.variants.v0.model: Model name 'zz' not found in model table"
    ]
    more = f'[{FUNCTION}.variants.b]\ntype = "experimental_best_of_n_sampling"\ncandidates = ["v9"]\n'
    more += 'evaluator = { model = "m", json_mode = "on", system_instructions = "tensorzero.toml" }'
    problems = find_problems(judge(ON) + more)
    assert problems[0].startswith(f"{FUNCTION}.variants.b.candidates: Unknown candidate variant: v9")


@pytest.mark.parametrize(
    ("toml", "path", "words"),
    [
        (
            CHAT + '[evaluations."a::b"]\ntype = "inference"\nfunction_name = "f"',
            "evaluations.a::b",
            'evaluation names cannot contain "::" (referenced in `[evaluations.a::b]`)',
        ),
        (
            CHAT + '[functions.f.evaluators."a::b"]\ntype = "exact_match"',
            "functions.f.evaluators.a::b",
            'Evaluator names cannot contain "::" (referenced in `[functions.f.evaluators]`)',
        ),
        (
            CHAT + '[evaluations.x]\ntype = "inference"\nfunction_name = "ghost"',
            "evaluations.x.function_name",
            "Function `ghost` not found (referenced in `[evaluations.x]`)",
        ),
        (
            CHAT + '[evaluations.x]\ntype = "inference"\nfunction_name = "tensorzero::default"',
            "evaluations.x.function_name",
            "Function `tensorzero::default` not found",
        ),
        (
            CHAT + EVALUATION + 'evaluators.e = { type = "tool_use", behavior = "any_of", tools = [] }',
            "evaluations.x.evaluators.e.tools",
            "Evaluator `e` in `[evaluations.x]`: `tools` must be a non-empty list when behavior is `any_of`",
        ),
        (
            CHAT + EVALUATION + 'evaluators.e = { type = "regex" }',
            "evaluations.x.evaluators.e",
            "at least one of `must_match` or `must_not_match` must be specified",
        ),
    ],
)
def test_evaluators_that_could_not_run(find_problems: FindProblems, toml: str, path: str, words: str) -> None:
    """Names, functions, tools and patterns are checked in both places."""
    problems = find_problems(toml)
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: ")
    assert words in problems[0]


def test_a_built_in_function_can_be_evaluated(load: Load) -> None:
    """It exists, although no file has it."""
    load('[evaluations.x]\ntype = "inference"\nfunction_name = "tensorzero::optimization::gepa::analyze"')


@pytest.mark.parametrize(
    ("pattern", "ok"),
    [
        (r"(?i)yes|no", True),
        (r"^\d{3}-[a-z]+$", True),
        (r"\p{Greek}+\z", True),
        (r"(?<year>\d{4})", True),
        (r"[[:alpha:]]", True),
        (r"\\1", True),
        (r"(unclosed", False),
        (r"a{2,1}", False),
        (r"(?=ahead)", False),
        (r"(?<!behind)", False),
        (r"(a)\1", False),
    ],
)
def test_patterns_are_those_of_the_original(
    load: Load, find_problems: FindProblems, pattern: str, ok: bool
) -> None:
    """What is malformed or needs backtracking is refused, what only Python lacks is not."""
    toml = f"{CHAT}[functions.f.evaluators.e]\ntype = 'regex'\nmust_not_match = '{pattern}'"
    if ok:
        assert load(toml).config
        return
    problems = find_problems(toml)
    assert problems[0].startswith(
        f"{FUNCTION}.must_not_match: Evaluator `e` in `[functions.f.evaluators]`: invalid"
    )
