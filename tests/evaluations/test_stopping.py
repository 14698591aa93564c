"""Tests of `tzproxy.evaluations.stopping`."""

from __future__ import annotations

from tzproxy.evaluations.stopping import Stopping


def test_an_evaluator_stops_at_its_precision() -> None:
    """Not before the twentieth datapoint, and only those with a target; others keep the run going."""
    stopping = Stopping({"a": "boolean", "b": "float"}, {"a": 1.0, "unknown": 0.0})
    for _ in range(19):
        stopping.note({"a": True, "b": 1.0})
    assert stopping.is_running("a")
    stopping.note({"a": None, "b": 1.0})
    assert not stopping.is_running("a")
    assert stopping.is_running("b")
    assert not stopping.is_over
    stopping.note({"b": 1.0})


def test_a_run_is_over_when_all_have_stopped() -> None:
    """A deviation of nothing is precise enough for a float; a proportion is never known exactly."""
    stopping = Stopping({"b": "float"}, {"b": 0.0})
    other = Stopping({"a": "boolean"}, {"a": 0.0})
    for _ in range(20):
        stopping.note({"b": 1.0})
        other.note({"a": True})
    assert stopping.is_over
    assert stopping.note({}) and not other.note({})
    assert not other.is_over


def test_without_targets_or_evaluators_nothing_stops() -> None:
    """There is nothing to wait for."""
    for stopping in (Stopping({"a": "boolean"}, {}), Stopping({}, {"a": 1.0})):
        for _ in range(25):
            stopping.note({"a": True})
        assert not stopping.is_over
