"""`[functions.F.experimentation]`, and the description of what the sampler does for a function.

Must not: draw variants. Cold.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tzproxy.config.decode import INVALID, Context, Reads, decode, reader_of, wrong_type
from tzproxy.config.problems import Path
from tzproxy.config.scalars import F64, U64, FiniteF64


def _read_weights(value: object, path: Path, context: Context) -> object:
    if isinstance(value, list):
        names = reader_of(tuple[str, ...])(value, path, context)
        if names is INVALID:
            return INVALID
        doubled = {name for name in names if names.count(name) > 1}
        for name in sorted(doubled):
            context.problems.add(path, f"duplicate variant name in `candidate_variants`: `{name}`")
        return dict.fromkeys(names, 1.0)
    return reader_of(dict[str, F64])(value, path, context)


Weights = Annotated[dict[str, float], Reads(_read_weights)]


class StaticExperiment(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="static"):
    """`type = "static"`: fixed weights.

    Attributes:
        candidate_variants: weight by variant; a list gives each the weight 1; required.
        fallback_variants: tried in this order when no candidate is left; default none.
    """

    candidate_variants: Weights
    fallback_variants: tuple[str, ...] = ()


class StaticWeightsExperiment(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="static_weights"
):
    """`type = "static_weights"`: deprecated form of `static`.

    Attributes:
        candidate_variants: weight by variant; required.
        fallback_variants: tried in this order when no candidate is left; default none.
    """

    candidate_variants: dict[str, F64]
    fallback_variants: tuple[str, ...] = ()


class UniformExperiment(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="uniform"):
    """`type = "uniform"`: deprecated; equal weights.

    Attributes:
        candidate_variants: default none; with no fallbacks either, all variants.
        fallback_variants: default none.
    """

    candidate_variants: tuple[str, ...] | None = None
    fallback_variants: tuple[str, ...] | None = None


class AdaptiveExperiment(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="adaptive"):
    """`type = "adaptive"`: track-and-stop on a metric.

    Attributes:
        metric: metric to optimise; required.
        candidate_variants: variants to compare, not empty; required.
        fallback_variants: tried in this order when no candidate is left; default none.
        algorithm: default `track_and_stop`.
        min_samples_per_variant: samples of each before any decision, at least 1; default 10.
        delta: accepted probability of a wrong decision, between 0 and 1; default 0.05.
        epsilon: difference that does not matter, at least 0; default 0.
        update_period_s: seconds between recomputations; default 300.
        min_prob: least share of each variant; default 0.
        max_samples_per_variant: newest samples that count; default 10000.
    """

    metric: str
    candidate_variants: tuple[str, ...]
    fallback_variants: tuple[str, ...] = ()
    algorithm: Literal["track_and_stop"] = "track_and_stop"
    min_samples_per_variant: U64 = 10
    delta: F64 = 0.05
    epsilon: FiniteF64 = 0.0
    update_period_s: U64 = 300
    min_prob: F64 = 0.0
    max_samples_per_variant: U64 = 10_000


class TrackAndStopExperiment(AdaptiveExperiment, frozen=True, kw_only=True, tag="track_and_stop"):
    """`type = "track_and_stop"`: deprecated name of `adaptive`."""


Experiment = (
    StaticExperiment
    | StaticWeightsExperiment
    | UniformExperiment
    | AdaptiveExperiment
    | TrackAndStopExperiment
)


class ExperimentationConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[functions.F.experimentation]`.

    Attributes:
        base: the experiment of requests without a namespace, or with one that has no own experiment.
        namespaces: experiments by namespace; default none.
    """

    base: Experiment
    namespaces: dict[str, Experiment] = {}


def _read_experimentation(value: object, path: Path, context: Context) -> object:
    if not isinstance(value, dict):
        return context.reject(path, wrong_type(value, "a map"))
    base = decode(Experiment, value, path, context)
    namespaces = decode(dict[str, Experiment], value.get("namespaces", {}), (*path, "namespaces"), context)
    if base is INVALID or namespaces is INVALID:
        return INVALID
    return ExperimentationConfig(base=base, namespaces=namespaces)


Experimentation = Annotated[ExperimentationConfig, Reads(_read_experimentation)]


class UniformSampling(msgspec.Struct, frozen=True, tag="uniform"):
    """Uniform over all variants of the function.

    Attributes:
        variants: their names, sorted.
    """

    variants: tuple[str, ...]


class StaticSampling(msgspec.Struct, frozen=True, tag="static"):
    """Fixed weights; a variant in neither attribute can only be pinned.

    Attributes:
        weights: weight by variant, sorted by name; zeros only where an experiment lists them.
        fallbacks: tried in this order when no weight is left.
    """

    weights: dict[str, float]
    fallbacks: tuple[str, ...]


class AdaptiveSampling(msgspec.Struct, frozen=True, tag="adaptive"):
    """Weights that follow a metric.

    Attributes:
        settings: the experiment as configured.
    """

    settings: AdaptiveExperiment


Sampling = UniformSampling | StaticSampling | AdaptiveSampling


class FunctionSampling(msgspec.Struct, frozen=True):
    """How the variants of a function are drawn.

    Attributes:
        base: without a namespace, or with one that has no entry.
        namespaces: by namespace.
    """

    base: Sampling
    namespaces: dict[str, Sampling]
