"""Derives how each function's variants are drawn from its experiments and weights.

Must not: draw, or check; `checks` refuses what cannot be drawn. Cold.
"""

from __future__ import annotations

from collections.abc import Mapping

from tzproxy.config.experimentation import (
    AdaptiveExperiment,
    AdaptiveSampling,
    Experiment,
    FunctionSampling,
    Sampling,
    StaticSampling,
    UniformExperiment,
    UniformSampling,
)
from tzproxy.config.functions import BaseFunctionConfig


def function_sampling(function: BaseFunctionConfig) -> FunctionSampling:
    """Return the effective sampler of a function, with its namespaces."""
    experimentation = function.experimentation
    if experimentation is None:
        return FunctionSampling(base=_by_weight(function), namespaces={})
    names = tuple(sorted(function.variants))
    return FunctionSampling(
        base=experiment_sampling(experimentation.base, names),
        namespaces={
            name: experiment_sampling(entry, names) for name, entry in experimentation.namespaces.items()
        },
    )


def _by_weight(function: BaseFunctionConfig) -> Sampling:
    weights = {name: variant.weight for name, variant in function.variants.items()}
    if all(weight is None for weight in weights.values()):
        return UniformSampling(tuple(sorted(weights)))
    return StaticSampling(
        weights={
            name: weight for name, weight in sorted(weights.items()) if weight is not None and weight > 0
        },
        fallbacks=tuple(name for name, weight in weights.items() if weight is None),
    )


def experiment_sampling(experiment: Experiment, names: tuple[str, ...]) -> Sampling:
    """Return what an experiment table means; `names` are all variants of the function, sorted."""
    if isinstance(experiment, AdaptiveExperiment):
        return AdaptiveSampling(experiment)
    if isinstance(experiment, UniformExperiment):
        if experiment.candidate_variants is None and experiment.fallback_variants is None:
            return UniformSampling(names)
        weights = dict.fromkeys(sorted(experiment.candidate_variants or ()), 1.0)
        return StaticSampling(weights, experiment.fallback_variants or ())
    return StaticSampling(dict(sorted(experiment.candidate_variants.items())), experiment.fallback_variants)


def reachable_variants(sampling: Sampling) -> frozenset[str]:
    """Return the variants that the sampler can ever choose."""
    match sampling:
        case UniformSampling(variants):
            return frozenset(variants)
        case StaticSampling(weights, fallbacks):
            return frozenset(weights) | frozenset(fallbacks)
        case AdaptiveSampling(settings):
            return frozenset(settings.candidate_variants) | frozenset(settings.fallback_variants)


def adaptive_functions(sampling: Mapping[str, FunctionSampling]) -> list[str]:
    """Return the functions with an adaptive experiment, be it in a namespace; they need a store."""
    return [
        name
        for name, entry in sampling.items()
        if any(isinstance(used, AdaptiveSampling) for used in (entry.base, *entry.namespaces.values()))
    ]
