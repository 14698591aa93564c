"""Tests of `tzproxy.experimentation.state`: from statistics to states, and from states to shares."""

from __future__ import annotations

import msgspec
import pytest

from tzproxy.clickhouse.queries.experiments import VariantStatistics
from tzproxy.config.experimentation import AdaptiveExperiment
from tzproxy.experimentation.state import (
    BanditsOnly,
    Nursery,
    NurseryAndBandits,
    NurseryAndStopped,
    NurseryOnly,
    State,
    Stopped,
    initial_state,
    moved,
    next_state,
    weights,
)

SETTINGS = AdaptiveExperiment(
    metric="q", candidate_variants=("a", "b", "c"), fallback_variants=("z",), min_samples_per_variant=10
)
FEW = VariantStatistics("a", 9, 0.9, 0.09)
CLOSE_A = VariantStatistics("a", 30, 0.55, 0.25)
CLOSE_B = VariantStatistics("b", 30, 0.5, 0.25)
CLOSE_C = VariantStatistics("c", 30, 0.4, 0.25)
FAR_A = VariantStatistics("a", 500, 0.9, 0.09)
FAR_B = VariantStatistics("b", 500, 0.2, 0.16)
FAR_C = VariantStatistics("c", 500, 0.1, 0.09)


def after(*statistics: VariantStatistics, maximise: bool = True) -> State | None:
    """The state that the statistics make."""
    return next_state(SETTINGS, statistics, maximise=maximise)


def test_in_the_beginning_everything_is_tried() -> None:
    """Candidates and fallbacks, equally often."""
    assert initial_state(SETTINGS) == NurseryOnly(("a", "b", "c", "z"))
    assert weights(initial_state(SETTINGS)) == dict.fromkeys("abcz", 0.25)


@pytest.mark.parametrize("statistics", [(), (FEW,), (CLOSE_A,), (FEW, CLOSE_B)])
def test_nothing_to_compare(statistics: tuple[VariantStatistics, ...]) -> None:
    """With fewer than two variants that have enough samples all candidates are in the nursery."""
    assert after(*statistics) == NurseryOnly(("a", "b", "c"))


def test_some_are_compared() -> None:
    """Those with enough samples share by what they need; the rest has one share each."""
    state = after(CLOSE_A, CLOSE_B)
    assert isinstance(state, NurseryAndBandits)
    assert state.nursery == Nursery(("c",))
    assert sum(state.sampling_probabilities.values()) == pytest.approx(1)
    shares = weights(state)
    assert shares["c"] == pytest.approx(1 / 3)
    assert shares["a"] == pytest.approx(state.sampling_probabilities["a"] * 2 / 3)
    assert sum(shares.values()) == pytest.approx(1)


def test_some_are_compared_and_one_has_won() -> None:
    """The winner has one share, like each of those that are still too new."""
    state = after(FAR_A, FAR_B)
    assert state == NurseryAndStopped(Nursery(("c",)), "a")
    assert weights(state) == pytest.approx({"a": 0.5, "c": 0.5})


def test_all_are_compared() -> None:
    """While nothing is decided each candidate has a share, and the fallbacks none."""
    state = after(CLOSE_A, CLOSE_B, CLOSE_C)
    assert isinstance(state, BanditsOnly)
    assert weights(state) == state.sampling_probabilities
    assert set(weights(state)) == {"a", "b", "c"}


def test_one_has_won() -> None:
    """It is the best for the direction that the metric wants, and gets everything."""
    assert after(FAR_A, FAR_B, FAR_C) == Stopped("a")
    assert after(FAR_A, FAR_B, FAR_C, maximise=False) is not None
    assert after(FAR_A, FAR_C, CLOSE_B, maximise=False) == Stopped("c")
    assert weights(Stopped("a")) == {"a": 1.0}


def test_an_only_candidate_has_won() -> None:
    """Without looking at anything."""
    assert next_state(AdaptiveExperiment(metric="q", candidate_variants=("x",)), (), maximise=True) == (
        Stopped("x")
    )


def test_a_win_is_not_for_ever() -> None:
    """Feedback that brings the others nearer opens the experiment again."""
    assert isinstance(after(VariantStatistics("a", 900, 0.22, 0.17), FAR_B, FAR_C), BanditsOnly)


def test_one_sample_has_no_variance() -> None:
    """However few samples are asked for, two are needed to compare."""
    settings = msgspec.structs.replace(SETTINGS, min_samples_per_variant=1)
    single = [VariantStatistics(name, 1, 0.5, None) for name in "abc"]
    assert next_state(settings, single, maximise=True) == NurseryOnly(("a", "b", "c"))


def test_others_feedback_is_no_matter() -> None:
    """A variant that is no candidate is not compared."""
    assert after(CLOSE_A, VariantStatistics("z", 500, 0.99, 0.01)) == NurseryOnly(("a", "b", "c"))


def test_infinite_feedback_decides_nothing() -> None:
    """Statistics that are no numbers leave the state as it is."""
    assert after(FAR_A, VariantStatistics("b", 500, None, None), FAR_C) is None


def test_a_least_share_is_kept() -> None:
    """No candidate falls below it."""
    settings = msgspec.structs.replace(SETTINGS, min_prob=0.2)
    state = next_state(settings, (CLOSE_A, CLOSE_B, CLOSE_C), maximise=True)
    assert state is not None
    assert min(weights(state).values()) >= 0.2 - 1e-9


@pytest.mark.parametrize(
    ("state", "written"),
    [
        (Stopped("a"), b'{"type":"stopped","winner_variant_name":"a"}'),
        (NurseryOnly(("a",)), b'{"type":"nursery_only","variants":["a"]}'),
        (BanditsOnly({"a": 1.0}), b'{"type":"bandits_only","sampling_probabilities":{"a":1.0}}'),
        (
            NurseryAndBandits(Nursery(("b",)), {"a": 1.0}),
            b'{"type":"nursery_and_bandits","nursery":{"variants":["b"]},"sampling_probabilities":{"a":1.0}}',
        ),
        (
            NurseryAndStopped(Nursery(("b",)), "a"),
            b'{"type":"nursery_and_stopped","nursery":{"variants":["b"]},"stopped_variant_name":"a"}',
        ),
    ],
)
def test_states_are_written_as_the_original_writes_them(state: State, written: bytes) -> None:
    """And read again."""
    assert msgspec.json.encode(state) == written
    assert msgspec.json.decode(written, type=State) == state


def test_small_moves_are_no_news() -> None:
    """Shares that move a little say nothing new; another kind of state, nursery or winner does."""
    before = BanditsOnly({"a": 0.5, "b": 0.5})
    assert not moved(before, BanditsOnly({"a": 0.505, "b": 0.495}), by=0.01)
    assert moved(before, BanditsOnly({"a": 0.52, "b": 0.48}), by=0.01)
    assert moved(before, BanditsOnly({"a": 0.5, "c": 0.5}), by=0.01)
    assert moved(before, NurseryOnly(("a", "b")), by=0.01)
    assert moved(Stopped("a"), Stopped("b"), by=0.01)
    mixed = NurseryAndBandits(Nursery(("c",)), {"a": 0.5, "b": 0.5})
    assert moved(mixed, NurseryAndBandits(Nursery(("a",)), {"c": 0.5, "b": 0.5}), by=0.01)
    assert not moved(mixed, NurseryAndBandits(Nursery(("c",)), {"a": 0.501, "b": 0.499}), by=0.01)
