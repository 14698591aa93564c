"""Tests of `tzproxy.config.checks.experiments`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT

VARIANTS = CHAT + "".join(
    f'[functions.f.variants.{name}]\ntype = "chat_completion"\nmodel = "m"\n' for name in ("w", "x")
)
METRIC = '[metrics.q]\ntype = "float"\noptimize = "max"\nlevel = "inference"\n'
STATIC = VARIANTS + '[functions.f.experimentation]\ntype = "static"\n'
ADAPTIVE = METRIC + VARIANTS + '[functions.f.experimentation]\ntype = "adaptive"\nmetric = "q"\n'
PLACE = "functions.f.experimentation"


@pytest.mark.parametrize(
    ("lines", "path", "words"),
    [
        (
            'candidate_variants = ["zz"]',
            ".candidate_variants",
            "static experimentation: candidate variant `zz` does not exist in function variants",
        ),
        (
            'candidate_variants = ["v"]\nfallback_variants = ["zz"]',
            ".fallback_variants",
            "static experimentation: fallback variant `zz` does not exist",
        ),
        (
            'candidate_variants = ["v", "w"]\nfallback_variants = ["w", "v"]',
            "",
            "variants cannot appear in both `candidate_variants` and `fallback_variants`: v, w",
        ),
        (
            'candidate_variants = ["v"]\nfallback_variants = ["x", "w", "x"]',
            ".fallback_variants",
            "`fallback_variants` contains duplicate entries: x",
        ),
        (
            "candidate_variants = { v = -1, w = 1 }",
            ".candidate_variants.v",
            "Invalid weight for variant `v` in static experimentation config: -1",
        ),
        (
            "candidate_variants = { v = inf, w = 1 }",
            ".candidate_variants.v",
            "Invalid weight for variant `v`",
        ),
        ("candidate_variants = []", "", "no active candidate variants and no fallback variants"),
        ("candidate_variants = { v = 0 }", "", "no active candidate variants and no fallback variants"),
        (
            'candidate_variants = ["v"]\nnamespaces.n = { type = "static", candidate_variants = ["zz"] }',
            ".namespaces.n.candidate_variants",
            "candidate variant `zz` does not exist",
        ),
    ],
)
def test_static_experiments_that_cannot_be_drawn(
    find_problems: FindProblems, lines: str, path: str, words: str
) -> None:
    """Names exist once, weights are finite and not negative, and something can be drawn."""
    problems = find_problems(STATIC + lines)
    assert len(problems) == 1
    assert problems[0].startswith(f"{PLACE}{path}: ")
    assert words in problems[0]


def test_experiments_that_no_request_can_name_are_warnings(load: Load) -> None:
    """They load, as they always have, and are mentioned."""
    lines = 'candidate_variants = ["v"]\nnamespaces."" = { type = "static", candidate_variants = ["v"] }'
    warnings = load(STATIC + lines).warnings
    assert [line.partition(": ")[0] for line in warnings] == [f'{PLACE}.namespaces.""']


def test_the_older_static_weights_are_weights(find_problems: FindProblems) -> None:
    """Only the type of today also takes a list."""
    problems = find_problems(STATIC.replace('"static"', '"static_weights"') + 'candidate_variants = ["v"]')
    assert problems == [f"{PLACE}.candidate_variants: invalid type: sequence, expected a map"]


def test_the_older_uniform_needs_something_to_draw(find_problems: FindProblems) -> None:
    """An empty list is not the same as none."""
    problems = find_problems(STATIC.replace('"static"', '"uniform"') + "candidate_variants = []")
    assert "no active candidate variants" in problems[0]


@pytest.mark.parametrize(
    ("lines", "path", "words"),
    [
        (
            "candidate_variants = []",
            "candidate_variants",
            "Track-and-Stop `candidate_variants` cannot be empty",
        ),
        (
            'candidate_variants = ["zz"]',
            "candidate_variants",
            "Track-and-Stop candidate variant `zz` does not exist in function variants",
        ),
        ('candidate_variants = ["v", "v"]', "candidate_variants", "contains duplicate entries: v"),
        ('candidate_variants = ["v"]\nmin_samples_per_variant = 0', "min_samples_per_variant", "at least 1"),
        (
            'candidate_variants = ["v"]\nmax_samples_per_variant = 9',
            "max_samples_per_variant",
            "at least `min_samples_per_variant`, got 9",
        ),
        ('candidate_variants = ["v"]\ndelta = 0', "delta", "between 0 and 1"),
        ('candidate_variants = ["v"]\ndelta = 1', "delta", "between 0 and 1"),
        ('candidate_variants = ["v"]\nepsilon = -0.1', "epsilon", "non-negative"),
        ('candidate_variants = ["v"]\nepsilon = inf', "epsilon", "finite"),
        ('candidate_variants = ["v"]\nmin_prob = -0.1', "min_prob", "finite and non-negative"),
        ('candidate_variants = ["v", "w"]\nmin_prob = 0.6', "min_prob", "must not exceed 1"),
    ],
)
def test_adaptive_experiments_that_make_no_sense(
    find_problems: FindProblems, lines: str, path: str, words: str
) -> None:
    """Candidates and parameters are checked."""
    problems = find_problems(ADAPTIVE + lines)
    assert len(problems) == 1
    assert problems[0].startswith(f"{PLACE}.{path}: ")
    assert words in problems[0]


def test_an_unknown_metric_lists_the_known_ones(find_problems: FindProblems) -> None:
    """The metric must exist."""
    toml = ADAPTIVE.replace('metric = "q"', 'metric = "zz"') + 'candidate_variants = ["v"]'
    expected = f"{PLACE}.metric: Track-and-Stop metric `zz` does not exist; available metrics: `q`"
    assert find_problems(toml) == [expected]


@pytest.mark.parametrize(
    "toml",
    [
        STATIC + 'candidate_variants = { v = 0 }\nfallback_variants = ["w"]',
        ADAPTIVE + 'candidate_variants = ["v", "w"]\nmin_prob = 0.5\ndelta = 0.5\nepsilon = 0',
        ADAPTIVE.replace('"q"', '"tensorzero::function_name::f::evaluator_name::e"')
        + 'candidate_variants = ["v"]\n[functions.f.evaluators.e]\ntype = "exact_match"',
    ],
)
def test_what_can_be_drawn_loads(load: Load, toml: str) -> None:
    """Limits themselves, fallbacks alone and metrics of evaluators are fine."""
    assert load(toml).warnings == []


def test_weights_and_experiments_exclude_each_other(find_problems: FindProblems) -> None:
    """The message names the variants whose weight has to go."""
    toml = CHAT + 'weight = 1\n[functions.f.experimentation]\ntype = "static"\ncandidate_variants = ["v"]'
    problems = find_problems(toml)
    assert problems == [
        f"{PLACE}: Cannot mix `experimentation` configuration with individual variant `weight` values: "
        "remove them from `v`"
    ]
