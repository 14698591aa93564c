"""Tests of `tzproxy.config.sampling`."""

from __future__ import annotations

import pytest

from config.conftest import Load
from config.samples import MODEL
from tzproxy.config.experimentation import (
    AdaptiveExperiment,
    AdaptiveSampling,
    Sampling,
    StaticSampling,
    UniformSampling,
)
from tzproxy.config.sampling import reachable_variants

METRIC = '[metrics.q]\ntype = "float"\noptimize = "max"\nlevel = "inference"\n'


def function(weights: dict[str, float | None], experimentation: str = "") -> str:
    """Return a configuration with one function and a variant for each weight."""
    lines = [MODEL, METRIC, '[functions.f]\ntype = "chat"']
    for name, weight in weights.items():
        lines.append(f'[functions.f.variants.{name}]\ntype = "chat_completion"\nmodel = "m"')
        lines += [] if weight is None else [f"weight = {weight}"]
    return "\n".join([*lines, experimentation])


PLAIN: dict[str, float | None] = {"b": None, "Z": None, "a": None}
EXPERIMENT = "[functions.f.experimentation]\n"


@pytest.mark.parametrize(
    ("weights", "experimentation", "expected"),
    [
        (PLAIN, "", UniformSampling(("Z", "a", "b"))),
        ({"b": 0.3, "a": 0.7}, "", StaticSampling({"a": 0.7, "b": 0.3}, ())),
        (
            {"used": 1, "never": 0, "y": None, "x": None},
            "",
            StaticSampling({"used": 1.0}, ("y", "x")),
        ),
        ({"a": 0, "b": 0}, "", StaticSampling({}, ())),
        (
            PLAIN,
            EXPERIMENT + 'type = "static"\ncandidate_variants = { b = 3, Z = 0 }\nfallback_variants = ["a"]',
            StaticSampling({"Z": 0.0, "b": 3.0}, ("a",)),
        ),
        (
            PLAIN,
            EXPERIMENT + 'type = "static_weights"\ncandidate_variants = { a = 1 }\nfallback_variants = []',
            StaticSampling({"a": 1.0}, ()),
        ),
        (PLAIN, EXPERIMENT + 'type = "uniform"', UniformSampling(("Z", "a", "b"))),
        (
            PLAIN,
            EXPERIMENT + 'type = "uniform"\ncandidate_variants = ["b", "a"]',
            StaticSampling({"a": 1.0, "b": 1.0}, ()),
        ),
        (
            PLAIN,
            EXPERIMENT + 'type = "uniform"\nfallback_variants = ["b", "a"]',
            StaticSampling({}, ("b", "a")),
        ),
        (
            PLAIN,
            EXPERIMENT + 'type = "adaptive"\nmetric = "q"\ncandidate_variants = ["a"]',
            AdaptiveSampling(AdaptiveExperiment(metric="q", candidate_variants=("a",))),
        ),
    ],
)
def test_the_effective_sampler(
    load: Load, weights: dict[str, float | None], experimentation: str, expected: Sampling
) -> None:
    """Experiments win over weights, weights over uniform; weight 0 is out, no weight is a fallback."""
    sampling = load(function(weights, experimentation)).sampling["f"]
    assert sampling.base == expected
    assert sampling.namespaces == {}


def test_the_older_name_of_adaptive_is_adaptive(load: Load) -> None:
    """`track_and_stop` gives the same sampler, its settings readable as those of `adaptive`."""
    toml = function(PLAIN, EXPERIMENT + 'type = "track_and_stop"\nmetric = "q"\ncandidate_variants = ["a"]')
    base = load(toml).sampling["f"].base
    assert isinstance(base, AdaptiveSampling)
    assert isinstance(base.settings, AdaptiveExperiment)
    assert base.settings.candidate_variants == ("a",)


def test_namespaces_have_samplers_of_their_own(load: Load) -> None:
    """Each namespace's experiment is derived like the base."""
    toml = function(
        PLAIN,
        EXPERIMENT + 'type = "static"\ncandidate_variants = ["a"]\n'
        'namespaces.n = { type = "uniform" }\nnamespaces.o = { type = "static", candidate_variants = ["b"] }',
    )
    assert load(toml).sampling["f"].namespaces == {
        "n": UniformSampling(("Z", "a", "b")),
        "o": StaticSampling({"b": 1.0}, ()),
    }


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (UniformSampling(("a", "b")), {"a", "b"}),
        (StaticSampling({"a": 0.0}, ("b",)), {"a", "b"}),
        (
            AdaptiveSampling(
                AdaptiveExperiment(metric="q", candidate_variants=("a",), fallback_variants=("c",))
            ),
            {"a", "c"},
        ),
    ],
)
def test_what_a_sampler_can_reach(sampling: Sampling, expected: set[str]) -> None:
    """Candidates, also of weight 0, and fallbacks can be drawn."""
    assert reachable_variants(sampling) == expected


def test_every_function_has_a_sampler(load: Load) -> None:
    """Built-in functions too, with nothing to draw."""
    loaded = load("")
    assert loaded.sampling.keys() == loaded.functions.keys()
    assert loaded.sampling["tensorzero::default"].base == UniformSampling(())
