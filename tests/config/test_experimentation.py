"""Tests of `tzproxy.config.experimentation`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT
from tzproxy.config.experimentation import AdaptiveExperiment, ExperimentationConfig, StaticExperiment

EXPERIMENT = CHAT + "[functions.f.experimentation]\n"


def test_a_list_gives_each_the_weight_one(load: Load) -> None:
    """Candidates may be a list or a map."""
    listed = load(EXPERIMENT + 'type = "static"\ncandidate_variants = ["v"]').config.functions["f"]
    mapped = load(EXPERIMENT + 'type = "static"\ncandidate_variants = { v = 1 }').config.functions["f"]
    assert listed.experimentation == mapped.experimentation
    assert listed.experimentation == ExperimentationConfig(
        base=StaticExperiment(candidate_variants={"v": 1.0})
    )


def test_defaults_of_an_adaptive_experiment(load: Load) -> None:
    """All parameters but metric and candidates have documented defaults."""
    toml = '[metrics.q]\ntype = "float"\noptimize = "max"\nlevel = "inference"\n' + EXPERIMENT
    loaded = load(toml + 'type = "adaptive"\nmetric = "q"\ncandidate_variants = ["v"]\nunknown = 1')
    experimentation = loaded.config.functions["f"].experimentation
    assert experimentation is not None
    base = experimentation.base
    assert isinstance(base, AdaptiveExperiment)
    assert (base.min_samples_per_variant, base.delta, base.epsilon) == (10, 0.05, 0.0)
    assert (base.update_period_s, base.min_prob, base.max_samples_per_variant) == (300, 0.0, 10_000)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("namespaces = {}", "functions.f.experimentation: missing tag field `type`"),
        ('type = "static"', "functions.f.experimentation: missing field `candidate_variants`"),
        (
            'type = "static"\ncandidate_variants = ["v", "v"]',
            "functions.f.experimentation.candidate_variants: "
            "duplicate variant name in `candidate_variants`: `v`",
        ),
        (
            'type = "static"\ncandidate_variants = { v = "1" }',
            'functions.f.experimentation.candidate_variants.v: invalid type: string "1", expected f64',
        ),
        (
            'type = "static"\ncandidate_variants = [1]',
            "functions.f.experimentation.candidate_variants[0]: invalid type: integer `1`, expected a string",
        ),
        (
            'type = "static"\ncandidate_variants = ["v"]\nnamespaces.n = {}',
            "functions.f.experimentation.namespaces.n: missing tag field `type`",
        ),
        (
            'type = "adaptive"\nmetric = "q"\ncandidate_variants = ["v"]\nalgorithm = "x"',
            "functions.f.experimentation.algorithm: unknown variant `x`, expected `track_and_stop`",
        ),
    ],
)
def test_malformed_experiments_are_reported(find_problems: FindProblems, lines: str, problem: str) -> None:
    """Types, names and the tables of namespaces are read strictly."""
    assert problem in find_problems(EXPERIMENT + lines)
