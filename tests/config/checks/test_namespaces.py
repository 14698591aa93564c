"""Tests of `tzproxy.config.checks.namespaces`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, MODEL

GOLD = MODEL.replace("models.m", "models.gold").replace('routing = ["p"]', 'routing = ["p"]\nnamespace = "g"')
PLAIN = GOLD + CHAT
MODEL_VARIANT = PLAIN + '[functions.f.variants.n]\ntype = "chat_completion"\nmodel = "gold"\n'
OWN_VARIANT = PLAIN + '[functions.f.variants.n]\ntype = "chat_completion"\nmodel = "m"\nnamespace = "g"\n'
EXPERIMENT = '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["v"]\n'
HERE = "functions.f.variants.n: Variant `n` of function `f`"
USES = "uses model `gold` which has namespace `g`, but the variant is reachable from"


def namespace(name: str, variants: str) -> str:
    """Return the line of a namespace's experiment."""
    return f'namespaces.{name} = {{ type = "static", candidate_variants = {variants} }}\n'


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (MODEL_VARIANT, f"{HERE} {USES} the base experimentation config"),
        (OWN_VARIANT, f"{HERE} has namespace `g`, but is reachable from the base experimentation config"),
        (
            MODEL_VARIANT + EXPERIMENT + 'fallback_variants = ["n"]',
            f"{HERE} {USES} the base experimentation config",
        ),
        (
            MODEL_VARIANT + EXPERIMENT + namespace("h", '["n"]'),
            f"{HERE} {USES} namespace `h` experimentation config",
        ),
        (
            OWN_VARIANT + EXPERIMENT + namespace("h", '["n"]'),
            f"{HERE} has namespace `g`, but is reachable from namespace `h` experimentation config",
        ),
    ],
)
def test_a_namespace_does_not_leak(find_problems: FindProblems, toml: str, problem: str) -> None:
    """Neither the base nor another namespace may reach the variant."""
    assert find_problems(toml) == [problem]


@pytest.mark.parametrize(
    "lines",
    [
        'evaluator = { model = "gold" }\ncandidates = ["v"]',
        'evaluator = { model = "m" }\ncandidates = ["n"]',
    ],
)
def test_strategies_reach_what_their_parts_reach(find_problems: FindProblems, lines: str) -> None:
    """Candidates and evaluators count."""
    toml = MODEL_VARIANT + f'[functions.f.variants.b]\ntype = "experimental_best_of_n_sampling"\n{lines}\n'
    toml += '[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["b"]'
    problems = find_problems(toml)
    assert len(problems) == 1
    assert problems[0].startswith(f"functions.f.variants.b: Variant `b` of function `f` {USES} the base")


@pytest.mark.parametrize(
    "toml",
    [
        MODEL_VARIANT + EXPERIMENT,
        MODEL_VARIANT + EXPERIMENT + namespace("g", '["n"]'),
        OWN_VARIANT + EXPERIMENT + namespace("g", '["n", "v"]'),
        PLAIN,
    ],
)
def test_inside_its_namespace_everything_is_fine(load: Load, toml: str) -> None:
    """Its own namespace, or nobody, reaches the variant."""
    assert load(toml).warnings == []


def test_legacy_weights_reach_too(find_problems: FindProblems) -> None:
    """Without an experiment, weights decide who is reached; weight 0 is not."""
    toml = GOLD + CHAT + 'weight = 1\n[functions.f.variants.n]\ntype = "chat_completion"\nmodel = "gold"\n'
    assert find_problems(toml) == [f"{HERE} {USES} the base experimentation config"]


def test_weight_zero_is_not_reached(load: Load) -> None:
    """An excluded variant may belong to a namespace."""
    toml = (
        GOLD
        + CHAT
        + 'weight = 1\n[functions.f.variants.n]\ntype = "chat_completion"\nmodel = "gold"\nweight = 0'
    )
    assert load(toml).config
