"""Tests of `tzproxy._speedups.sampling`: recorded vectors, a few-line reference, and shares."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy._speedups.sampling import AdaptiveSampler, Sampler, episode_unit

VARIANTS = ["Gamma", "alpha", "beta"]
VECTORS = [
    # function, episode, first bytes of the hash, order of uniform attempts, first of {alpha: 0.7, beta: 0.3}
    ("draft_email", "01890a5d-ac96-774b-bcce-b302099a8057", "9d742a7e", "alpha beta Gamma", "alpha"),
    ("draft_email", "0196fdd9-1a9e-7d91-9a30-5c0dd4c0c2f1", "ade8fdeb", "beta alpha Gamma", "alpha"),
    ("draft_email", "00000000-0000-0000-0000-000000000000", "4ef86074", "Gamma alpha beta", "alpha"),
    ("extract", "01890a5d-ac96-774b-bcce-b302099a8057", "4064a174", "Gamma alpha beta", "alpha"),
    ("tensorzero::default", "01890a5d-ac96-774b-bcce-b302099a8057", "eb98c416", "beta alpha Gamma", "beta"),
    ("résumé", "01890a5d-ac96-774b-bcce-b302099a8057", "eab27394", "beta alpha Gamma", "beta"),
]


def order_of(sampler: Sampler, episode: bytes) -> list[str]:
    """Draw until nothing is left."""
    drawn: list[str] = []
    following = sampler.first(episode)
    while following is not None:
        assert following not in drawn
        drawn.append(following)
        following = sampler.after(episode, drawn)
    return drawn


@pytest.mark.parametrize(("function", "episode", "head", "uniform", "static"), VECTORS)
def test_recorded_vectors(function: str, episode: str, head: str, uniform: str, static: str) -> None:
    """The choices are those of TensorZero for the same functions and episodes."""
    raw = uuid.UUID(episode).bytes
    assert episode_unit(function, raw) == int(head, 16) / 2**32
    assert order_of(Sampler(function, VARIANTS), raw) == uniform.split()
    assert Sampler(function, VARIANTS, {"alpha": 0.7, "beta": 0.3}).first(raw) == static


# ---- the reference: the rules as they are written down, with no regard for speed


def reference_unit(function: str, episode: bytes) -> float:
    """The number that decides."""
    return int.from_bytes(sha256(function.encode() + episode).digest()[:4], "big") / 2**32


def reference_pick(
    function: str,
    episode: bytes,
    active: Sequence[str],
    weights: Mapping[str, float] | None,
    fallbacks: Sequence[str],
) -> str | None:
    """One draw among the active variants."""
    u = reference_unit(function, episode)
    ordered = sorted(active, key=str.encode)
    if weights is not None:
        total = sum(weights.get(name, 0.0) for name in ordered)
        if total > 0:
            running = 0.0
            for name in ordered:
                running += weights.get(name, 0.0)
                if running > u * total:
                    return name
            return [name for name in ordered if weights.get(name, 0.0) > 0][-1]
        for name in fallbacks:
            if name in active:
                return name
        allowed = set(weights) | set(fallbacks)
        ordered = [name for name in ordered if name in allowed] if allowed else ordered
    return ordered[int(u * len(ordered))] if ordered else None


NAMES = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True)
WEIGHTS = st.sampled_from([0.0, 1e-300, 0.1, 0.3, 1.0, 2.0, 1e300])
EPISODES = st.binary(min_size=16, max_size=16)


@given(st.data(), NAMES, st.text(max_size=10), EPISODES)
def test_every_draw_agrees_with_the_reference(
    data: st.DataObject, names: list[str], function: str, episode: bytes
) -> None:
    """Weighted, fallback and last-resort draws follow the written rules to the end."""
    weighted = data.draw(st.none() | st.dictionaries(st.sampled_from(names), WEIGHTS))
    rest = [name for name in names if weighted is None or name not in weighted]
    fallbacks = (
        [] if weighted is None or not rest else data.draw(st.lists(st.sampled_from(rest), unique=True))
    )
    sampler = Sampler(function, names, weighted, fallbacks)
    tried: list[str] = []
    while True:
        active = [name for name in names if name not in tried]
        expected = reference_pick(function, episode, active, weighted, fallbacks) if active else None
        drawn = sampler.after(episode, tried) if tried else sampler.first(episode)
        assert drawn == expected
        if drawn is None:
            return
        tried.append(drawn)


@given(NAMES, EPISODES)
def test_the_first_draw_is_a_draw_with_nothing_tried(names: list[str], episode: bytes) -> None:
    """Both ways into the sampler agree."""
    for weights in (None, dict.fromkeys(names[:2], 0.5)):
        sampler = Sampler("f", names, weights)
        assert sampler.first(episode) == sampler.after(episode, [])


DRAWS = 100_000


def chi_square(sampler: Sampler | AdaptiveSampler, shares: Mapping[str, float], seed: int) -> float:
    """How far the first variants of 100,000 seeded episodes of one moment are from what is expected."""
    source = random.Random(seed)
    moment = bytes.fromhex("019c00000000")
    drawn = Counter(sampler.first(moment + source.randbytes(10)) for _ in range(DRAWS))
    assert set(drawn) == set(shares)
    return sum((drawn[name] - DRAWS * share) ** 2 / (DRAWS * share) for name, share in shares.items())


SHARES = {"a": 0.5, "b": 0.3, "c": 0.15, "d": 0.05}


def test_shares_are_the_weights() -> None:
    """Over many episodes each variant is drawn as often as its weight says (3 degrees, p = 0.001)."""
    weights = {name: 7 * share for name, share in SHARES.items()}
    assert chi_square(Sampler("f", SHARES, weights), SHARES, 7) < 16.27


def test_uniform_shares_are_equal() -> None:
    """Over many episodes variants of a function without weights are drawn alike (6 degrees, p = 0.001)."""
    shares = {f"v{number}": 1 / 7 for number in range(7)}
    assert chi_square(Sampler("f", shares), shares, 8) < 22.46


def test_shares_of_an_adaptive_experiment_are_those_in_force() -> None:
    """Before its first era they are the initial ones, then those of the era (3 degrees, p = 0.001)."""
    names = list(SHARES)
    moving = AdaptiveSampler("f", names, names, (), dict.fromkeys(names, 0.25))
    assert chi_square(moving, dict.fromkeys(names, 0.25), 9) < 16.27
    moving.set_eras([(0, {"a": 1.0}), (int("019c00000000", 16), SHARES), (1 << 47, {"b": 1.0})])
    assert chi_square(moving, SHARES, 10) < 16.27


def test_eras_begin_with_their_first_millisecond() -> None:
    """An episode belongs to the era that began last; the offset in ids of workflow runs does not count."""
    moving = AdaptiveSampler("f", "abc", "abc", (), {"a": 1.0})
    moving.set_eras([(1_000, {"b": 1.0}), (2_000, {"c": 1.0})])
    for at_ms, expected in ((999, "a"), (1_000, "b"), (1_999, "b"), (2_000, "c")):
        for offset_ms in (0, 10_000_000_000_000):
            assert moving.first((at_ms + offset_ms).to_bytes(6, "big") + bytes(10)) == expected
    moving.set_eras([])
    assert moving.first(bytes(16)) == "a"


def test_eras_must_be_in_order() -> None:
    """Others are refused, and the ones in force stay; what is no episode's id is refused too."""
    moving = AdaptiveSampler("f", "ab", "ab", (), {"a": 1.0})
    with pytest.raises(ValueError, match="ascending"):
        moving.set_eras([(5, {"b": 1.0}), (4, {"b": 1.0})])
    assert moving.first(bytes(16)) == "a"
    with pytest.raises(ValueError, match="16 bytes"):
        moving.first(b"short")


def test_names_are_walked_byte_by_byte() -> None:
    """The order is that of the UTF-8 bytes: upper case before lower case, accents last."""
    assert Sampler("f", ["é", "b", "B", "a"]).names == ("B", "a", "b", "é")


def test_fallbacks_come_in_their_own_order_when_the_weighted_ones_are_used_up() -> None:
    """After the candidates the fallback list is followed, whatever the episode."""
    sampler = Sampler("f", ["a", "b", "c", "d"], {"c": 1.0}, ["d", "a"])
    for number in range(20):
        assert order_of(sampler, bytes([number] * 16)) == ["c", "d", "a"]


def test_weight_zero_is_a_last_resort() -> None:
    """A candidate of weight zero is drawn only after all others; a variant outside the experiment never."""
    sampler = Sampler("f", ["a", "b", "zero", "outside"], {"a": 1.0, "zero": 0.0}, ["b"])
    for number in range(20):
        assert order_of(sampler, bytes([number] * 16)) == ["a", "b", "zero"]


def test_without_any_candidate_all_are_equal() -> None:
    """A function whose weights are all zero draws uniformly, as if it had none."""
    plain, zero = Sampler("f", VARIANTS), Sampler("f", VARIANTS, {}, [])
    for number in range(20):
        episode = bytes([number] * 16)
        assert order_of(zero, episode) == order_of(plain, episode)


def test_nothing_to_draw_from() -> None:
    """A function without variants gives None."""
    assert Sampler("f", []).first(bytes(16)) is None
    assert Sampler("f", [], {}).first(bytes(16)) is None
    assert Sampler("f", ["a"]).after(bytes(16), ["a"]) is None


def test_none_is_refused() -> None:
    """A missing episode is a TypeError, not a crash."""
    sampler = Sampler("f", ["a", "b"])
    with pytest.raises(TypeError):
        sampler.first(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        sampler.after(None, [])  # type: ignore[arg-type]
