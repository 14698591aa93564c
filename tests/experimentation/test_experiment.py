"""Tests of `tzproxy.experimentation.experiment`: an episode follows the state in force when it began."""

from __future__ import annotations

import random
from collections import Counter

import msgspec

from experimentation.rows import EPISODE_MS, SETTINGS, episode, experiment, row
from tzproxy.experimentation.experiment import Experiment
from tzproxy.experimentation.state import BanditsOnly, NurseryOnly, Stopped


def firsts(made: Experiment, at_ms: int, count: int = 200) -> Counter[str | None]:
    """The first variants of episodes that begin at a time."""
    return Counter(made.sampler.first(episode(number, at_ms)) for number in range(count))


def test_in_the_beginning_everything_is_drawn() -> None:
    """Before any state is known candidates and fallbacks are equally likely."""
    drawn = firsts(experiment(), 0, 3_000)
    assert set(drawn) == {"a", "b", "z"}
    assert all(abs(count - 1_000) < 150 for count in drawn.values()), drawn
    assert experiment().newest() is None


def test_new_episodes_follow_a_new_state_and_old_ones_do_not() -> None:
    """The state that is in force when an episode begins decides for it, for ever."""
    made = experiment()
    before = {number: made.sampler.first(episode(number, -1)) for number in range(100)}
    assert made.learn([row(Stopped("b"), 0)])
    assert firsts(made, 0) == {"b": 200}
    assert {number: made.sampler.first(episode(number, -1)) for number in range(100)} == before
    made.learn([row(Stopped("a"), 1_000)])
    assert firsts(made, 999) == {"b": 200}
    assert firsts(made, 1_000) == {"a": 200}
    assert made.newest() == Stopped("a")


def test_everybody_who_knows_the_same_rows_draws_the_same() -> None:
    """The order in which rows are learned, and how often, is no matter."""
    source = random.Random(5)
    rows = [
        row(BanditsOnly({"a": share, "b": 1 - share}), at_ms)
        for at_ms, share in enumerate(source.random() for _ in range(50))
    ]
    one, other = experiment(), experiment()
    one.learn(rows)
    source.shuffle(rows)
    for start in range(0, 50, 7):
        other.learn(rows[start : start + 14])
    for number in range(500):
        asked = episode(number, number % 60)
        assert one.sampler.first(asked) == other.sampler.first(asked)


def test_shares_are_those_of_the_state() -> None:
    """Over many episodes each variant is drawn as often as the state says."""
    made = experiment()
    made.learn([row(BanditsOnly({"a": 0.8, "b": 0.2}), 0)])
    assert abs(firsts(made, 5, 5_000)["a"] - 4_000) < 150
    assert made.sampler.probabilities(EPISODE_MS) == {"a": 0.8, "b": 0.2, "c": 0.0, "z": 0.0}


def test_news_are_told_once_and_only_of_its_own() -> None:
    """A row is news the first time; rows of others are none."""
    made, entry = experiment(), row(Stopped("a"), 0)
    assert made.learn([entry])
    assert not made.learn([entry])
    assert not made.learn([row(Stopped("b"), 5, function="g"), row(Stopped("b"), 5, namespace="n")])
    assert firsts(made, 9) == {"a": 200}


def test_an_experiment_with_other_candidates_goes_on_from_the_old_one() -> None:
    """Episodes from before its first state keep their variant, later ones follow its own states."""
    made = experiment(msgspec.structs.replace(SETTINGS, candidate_variants=("a", "b", "c")))
    old = row(Stopped("b"), 0)
    assert not made.learn([old])
    assert made.newest() is None
    assert firsts(made, 50) == {"b": 200}
    assert made.learn([row(NurseryOnly(("a", "b", "c")), 100, candidates="cab")])
    assert firsts(made, 99) == {"b": 200}
    assert set(firsts(made, 100)) == {"a", "b", "c"}
    made.learn([row(Stopped("b"), 200)])
    assert set(firsts(made, 200)) == {"a", "b", "c"}


def test_a_variant_that_left_the_experiment_serves_its_episodes_on() -> None:
    """As long as the function has it; after that the first fallback does."""
    rows = [row(Stopped("c"), 0, candidates="abc")]
    still, gone = experiment(), experiment(variants="abz")
    for made in (still, gone):
        made.learn(rows)
    assert firsts(still, 1) == {"c": 200}
    assert firsts(gone, 1) == {"z": 200}


def test_after_a_failure_come_the_fallbacks_and_then_what_is_left() -> None:
    """The other candidates only after all fallbacks, and a variant outside the experiment never."""
    made = experiment()
    made.learn([row(Stopped("a"), 0)])
    for number in range(50):
        asked = episode(number, 1)
        assert made.sampler.after(asked, ["a"]) == "z"
        assert made.sampler.after(asked, ["a", "z"]) == "b"
        assert made.sampler.after(asked, ["a", "z", "b"]) is None


def test_a_row_of_a_later_version_is_left_out() -> None:
    """What cannot be read changes nothing."""
    made = experiment()
    strange = msgspec.structs.replace(row(Stopped("a"), 0), state='{"type":"paused"}')
    assert not made.learn([strange, msgspec.structs.replace(strange, id="x", state="{")])
    assert set(firsts(made, 1)) == {"a", "b", "z"}


def test_names_for_logs() -> None:
    """The function, and the namespace where there is one."""
    assert experiment().name == "function `f`"
    assert experiment(namespace="n").name == "function `f` in namespace `n`"
