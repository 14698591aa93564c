"""Templates against what the original gateway made of them."""

from __future__ import annotations

import pytest

from .corpus import RECORDED, iter_cases, play


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.jsonl")))
def test_output_and_errors_are_those_of_the_original(name: str) -> None:
    """Every recorded template yields the recorded bytes, or the recorded error text with its line."""
    cases = list(iter_cases(name))
    assert len(cases) > 40
    outcomes = [(case.template, play(case), case.outcome) for case in cases]
    assert [outcome for outcome in outcomes if outcome[1] != outcome[2]] == []


def test_rendering_changes_no_variable() -> None:
    """The variables given to a template are the same after rendering, whatever it sets."""
    for case in iter_cases("statements"):
        before = repr(case.context)
        play(case)
        assert repr(case.context) == before
