"""The states of an experiment and the way from one to the next. Pure functions. Cold.

The states are written as JSON, in the original's shapes:
`{"type":"nursery_and_bandits","nursery":{"variants":["c"]},"sampling_probabilities":{"a":0.6,"b":0.4}}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, structs

from tzproxy.clickhouse.queries.experiments import VariantStatistics
from tzproxy.config.experimentation import AdaptiveExperiment
from tzproxy.experimentation.proportions import optimal_proportions
from tzproxy.experimentation.stopping import find_winner, make_arm

FOR_A_VARIANCE = 2
"""Samples without which there is no variance, however few the configuration asks for."""


class Nursery(Struct, frozen=True):
    """Variants with too few samples to be compared; drawn equally."""

    variants: tuple[str, ...]


class Stopped(Struct, frozen=True, tag="stopped"):
    """One variant has won, or there is only one."""

    winner_variant_name: str


class NurseryOnly(Struct, frozen=True, tag="nursery_only"):
    """Nothing can be compared yet."""

    variants: tuple[str, ...]


class BanditsOnly(Struct, frozen=True, tag="bandits_only"):
    """All are compared. The probabilities' sum is 1."""

    sampling_probabilities: dict[str, float]


class NurseryAndBandits(Struct, frozen=True, tag="nursery_and_bandits"):
    """Some are compared; each variant of the nursery gets one over the number of all."""

    nursery: Nursery
    sampling_probabilities: dict[str, float]


class NurseryAndStopped(Struct, frozen=True, tag="nursery_and_stopped"):
    """One of those compared has won, the rest has too few samples."""

    nursery: Nursery
    stopped_variant_name: str


State = Stopped | NurseryOnly | BanditsOnly | NurseryAndBandits | NurseryAndStopped


def initial_state(settings: AdaptiveExperiment) -> State:
    """Return the state of an experiment that has not looked at any feedback yet."""
    return NurseryOnly((*settings.candidate_variants, *settings.fallback_variants))


def next_state(
    settings: AdaptiveExperiment, statistics: Iterable[VariantStatistics], *, maximise: bool
) -> State | None:
    """Return what the statistics make of an experiment, whatever its state was.

    Args:
        settings: the experiment.
        statistics: of its metric, by variant; variants without samples may be missing.
        maximise: whether more of the metric is better.

    Returns:
        None when the statistics are not finite numbers, which an absurd value among the feedback may do.
    """
    candidates = settings.candidate_variants
    if len(candidates) == 1:
        return Stopped(candidates[0])
    least = max(settings.min_samples_per_variant, FOR_A_VARIANCE)
    known: dict[str, VariantStatistics] = {
        entry.variant_name: entry
        for entry in statistics
        if entry.count >= least and entry.variant_name in candidates
    }
    nursery = Nursery(tuple(name for name in candidates if name not in known))
    compared = [name for name in candidates if name in known]
    if len(compared) < 2:
        # One that could be compared, with nothing to compare it with, goes back to the others.
        return NurseryOnly(candidates)
    arms = []
    for name in compared:
        entry = known[name]
        if entry.mean is None or entry.variance is None:
            return None
        arms.append(make_arm(entry.count, entry.mean, entry.variance, maximise=maximise))
    winner = find_winner(arms, delta=settings.delta, epsilon=settings.epsilon)
    if winner is not None:
        won = compared[winner]
        return NurseryAndStopped(nursery, won) if nursery.variants else Stopped(won)
    shares = optimal_proportions(arms, epsilon=settings.epsilon, min_prob=settings.min_prob)
    probabilities = dict(zip(compared, shares, strict=True))
    return NurseryAndBandits(nursery, probabilities) if nursery.variants else BanditsOnly(probabilities)


def weights(state: State) -> dict[str, float]:
    """Return the probability of each variant that the state draws; the sum is 1."""
    match state:
        case Stopped(winner):
            return {winner: 1.0}
        case NurseryOnly(variants):
            return dict.fromkeys(variants, 1 / len(variants))
        case BanditsOnly(probabilities):
            return dict(probabilities)
        case NurseryAndBandits(nursery, probabilities):
            every = len(nursery.variants) + len(probabilities)
            return _mixed(nursery, every, probabilities)
        case NurseryAndStopped(nursery, winner):
            return _mixed(nursery, len(nursery.variants) + 1, {winner: 1.0})


def _mixed(nursery: Nursery, every: int, others: Mapping[str, float]) -> dict[str, float]:
    rest = 1 - len(nursery.variants) / every
    return {
        **dict.fromkeys(nursery.variants, 1 / every),
        **{name: rest * share for name, share in others.items()},
    }


def moved(old: State, new: State, *, by: float) -> bool:
    """Tell whether a state says something else than another, or draws more than a share `by` anew."""
    if _without_shares(old) != _without_shares(new):
        return True
    before, after = weights(old), weights(new)
    if before.keys() != after.keys():
        return True
    return sum(abs(share - before[name]) for name, share in after.items()) / 2 > by


def _without_shares(state: State) -> State:
    if isinstance(state, BanditsOnly | NurseryAndBandits):
        return structs.replace(state, sampling_probabilities={})
    return state
