"""Checks of `[functions.F.experimentation]`."""

from __future__ import annotations

import math

from tzproxy.config.checks.scope import Scope
from tzproxy.config.experimentation import AdaptiveExperiment, Experiment, StaticSampling, UniformExperiment
from tzproxy.config.functions import BaseFunctionConfig
from tzproxy.config.judges import iter_evaluators
from tzproxy.config.problems import Path, list_names, suggest
from tzproxy.config.root import Config
from tzproxy.config.sampling import experiment_sampling

_LEAST_SHARE_SLACK = 1e-9


def check_experimentation(function: BaseFunctionConfig, path: Path, config: Config, scope: Scope) -> None:
    """Report experiments of a function that could not be sampled."""
    experimentation = function.experimentation
    if experimentation is None:
        return
    here = (*path, "experimentation")
    weighted = [name for name, variant in function.variants.items() if variant.weight is not None]
    if weighted:
        scope.problems.add(
            here,
            "Cannot mix `experimentation` configuration with individual variant `weight` values: "
            f"remove them from {list_names(weighted)}",
        )
    names = scope.names(*(str(part) for part in path), "variants")
    _check_experiment(experimentation.base, here, names, config, scope)
    for namespace, experiment in experimentation.namespaces.items():
        place = (*here, "namespaces", namespace)
        if not namespace or namespace.startswith("tensorzero::"):
            scope.warn(place, "no request can name it: it must not be empty or start with `tensorzero::`")
        _check_experiment(experiment, place, names, config, scope)


def _check_experiment(
    experiment: Experiment, path: Path, names: frozenset[str], config: Config, scope: Scope
) -> None:
    candidates = list(experiment.candidate_variants or ())
    fallbacks = list(experiment.fallback_variants or ())
    adaptive = isinstance(experiment, AdaptiveExperiment)
    noun = "Track-and-Stop" if adaptive else "static experimentation:"
    for kind, listed in (("candidate", candidates), ("fallback", fallbacks)):
        for name in dict.fromkeys(listed):
            if name not in names:
                hint = suggest(name, names)
                reason = f"{noun} {kind} variant `{name}` does not exist in function variants{hint}"
                scope.problems.add((*path, f"{kind}_variants"), reason)
        doubled = sorted({name for name in listed if listed.count(name) > 1})
        # The older uniform type counts a candidate once, however often it is named.
        if doubled and not (kind == "candidate" and isinstance(experiment, UniformExperiment)):
            reason = f"`{kind}_variants` contains duplicate entries: {', '.join(doubled)}"
            scope.problems.add((*path, f"{kind}_variants"), reason)
    shared = sorted(set(candidates) & set(fallbacks))
    if shared:
        scope.problems.add(
            path,
            "variants cannot appear in both `candidate_variants` and `fallback_variants`: "
            + ", ".join(shared),
        )
    if isinstance(experiment, AdaptiveExperiment):
        _check_adaptive(experiment, path, config, scope)
        return
    sampling = experiment_sampling(experiment, tuple(sorted(names)))
    if isinstance(sampling, StaticSampling):
        _check_weights(sampling, path, scope)


def _check_weights(sampling: StaticSampling, path: Path, scope: Scope) -> None:
    for name, weight in sampling.weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            scope.problems.add(
                (*path, "candidate_variants", name),
                f"Invalid weight for variant `{name}` in static experimentation config: {weight}",
            )
    if not any(weight > 0 for weight in sampling.weights.values()) and not sampling.fallbacks:
        scope.problems.add(
            path,
            "Experimentation config has no active candidate variants and no fallback variants. "
            "At least one is required.",
        )


def _check_adaptive(experiment: AdaptiveExperiment, path: Path, config: Config, scope: Scope) -> None:
    metrics = scope.names("metrics") | {evaluator.metric for evaluator in iter_evaluators(config)}
    if experiment.metric not in metrics:
        known = ", ".join(f"`{name}`" for name in sorted(metrics)) or "none"
        reason = f"Track-and-Stop metric `{experiment.metric}` does not exist; available metrics: {known}"
        scope.problems.add((*path, "metric"), reason)
    count = len(experiment.candidate_variants)
    least, most = experiment.min_samples_per_variant, experiment.max_samples_per_variant
    share = experiment.min_prob
    for key, valid, rule in (
        ("candidate_variants", count > 0, "cannot be empty"),
        ("min_samples_per_variant", least >= 1, f"must be at least 1, got {least}"),
        ("max_samples_per_variant", most >= least, f"must be at least `min_samples_per_variant`, got {most}"),
        ("delta", 0 < experiment.delta < 1, f"must be between 0 and 1, got {experiment.delta}"),
        ("epsilon", experiment.epsilon >= 0, f"must be non-negative, got {experiment.epsilon}"),
        ("min_prob", math.isfinite(share) and share >= 0, f"must be finite and non-negative, got {share}"),
        (
            "min_prob",
            not share * count > 1 + _LEAST_SHARE_SLACK,
            f"times the number of candidates must not exceed 1, got {share} * {count}",
        ),
    ):
        if not valid:
            scope.problems.add((*path, key), f"Track-and-Stop `{key}` {rule}")
