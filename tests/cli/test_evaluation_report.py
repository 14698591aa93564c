"""Tests of `tzproxy.cli.evaluation_report`."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tzproxy.cli.evaluation_report import JsonLines, Pretty, Report, Summary

START: dict[str, Any] = {
    "type": "start",
    "evaluation_run_id": "r",
    "num_datapoints": 2,
    "evaluation_name": "e",
    "evaluation_config": {
        "evaluators": {
            "same": {"type": "exact_match", "cutoff": 0.25},
            "bad": {"type": "llm_judge", "optimize": "min"},
        }
    },
}
SUCCESS: dict[str, Any] = {
    "type": "success",
    "evaluation_run_id": "r",
    "datapoint": {"id": "p"},
    "response": {},
    "evaluations": {"same": True, "bad": 0.5},
    "evaluator_errors": {},
    "processing_time_ms": 1.5,
}
OTHER = {**SUCCESS, "evaluations": {"same": False}, "evaluator_errors": {"bad": "no score"}}
ERROR = {"type": "error", "evaluation_run_id": "r", "datapoint_id": "q", "message": "no answer"}
COMPLETE = {"type": "complete", "evaluation_run_id": "r", "usage": {}}


def printed(report: Report, *events: dict[str, Any]) -> None:
    """Print a run."""
    for event in events:
        report.take(event)
    report.close()


def test_for_people(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """The run, then means in the order of names; what went wrong is in the log."""
    report = Pretty()
    with caplog.at_level(logging.WARNING):
        printed(report, START, SUCCESS, OTHER, ERROR, COMPLETE)
    assert capsys.readouterr().out.splitlines() == [
        "Run ID: r",
        "Number of datapoints: 2",
        "bad: 0.50 ± 0.00 (n=1)",
        "same: 0.50 ± 0.35 (n=2)",
    ]
    assert report.problem is None
    assert caplog.messages == ["evaluator `bad`: Error scoring datapoint p: no score", "no answer"]


def test_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for the run and for each datapoint, none for the end."""
    report = JsonLines()
    printed(report, START, SUCCESS, ERROR, COMPLETE)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"evaluation_run_id": "r", "evaluation_name": "e", "num_datapoints": 2},
        {key: SUCCESS[key] for key in SUCCESS if key not in ("type", "evaluation_run_id")},
        {"datapoint_id": "q", "message": "no answer"},
    ]
    assert report.problem is None


@pytest.mark.parametrize("kind", [Pretty, JsonLines])
def test_a_run_that_is_cut_short(kind: type[Report]) -> None:
    """It has not succeeded, whether the gateway says why or not."""
    cut, failed = kind(), kind()
    printed(cut, START, SUCCESS)
    assert cut.problem is not None
    printed(failed, START, {"type": "fatal_error", "message": "away"})
    assert failed.problem == "away"


def summary(*values: dict[str, Any]) -> Summary:
    """Sum up the values of a run."""
    made = Summary()
    made.begin(START["evaluation_config"]["evaluators"])
    for value in values:
        made.add(value)
    return made


@pytest.mark.parametrize(
    ("cutoffs", "problem"),
    [
        ({}, None),
        ({"same": 0.5, "bad": 0.5}, None),
        ({"same": 0.75}, "Failed cutoffs for evaluators: same (cutoff: 0.75, got: 0.50)"),
        (
            {"same": 0.75, "bad": 0.25},
            "Failed cutoffs for evaluators: bad (cutoff: 0.25, got: 0.50)\nsame (cutoff: 0.75, got: 0.50)",
        ),
        ({"ghost": 0.0}, "Unknown evaluator in --cutoffs: `ghost`"),
    ],
)
def test_cutoffs(cutoffs: dict[str, float], problem: str | None) -> None:
    """A mean on the wrong side of its cutoff fails; one that meets it passes."""
    assert summary({"same": True, "bad": 0.5}, {"same": False}).problem(cutoffs) == problem


def test_a_mean_that_is_just_enough() -> None:
    """Nine of ten meet a cutoff of 0.9, in whichever order they come."""
    values = [{"same": number != 8} for number in range(10)]
    assert summary(*values).problem({"same": 0.9}) is None


def test_programs_are_named_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    """An evaluator in TypeScript is said to score nothing, unless the gateway shows its program."""
    report = Pretty()
    kinds = {"own": {"type": "typescript", "typescript_code": ""}, "far": {"typescript_code": "1"}}
    kinds["far"]["type"] = "typescript"
    report.take({**START, "evaluation_config": {"evaluators": kinds}})
    assert caplog.messages == ["evaluator `own` scores nothing: the gateway runs no TypeScript"]


def test_nothing_was_scored(caplog: pytest.LogCaptureFixture) -> None:
    """Where smaller is better, nothing passes; the log says so."""
    assert summary({"same": True}).problem({"bad": 0.5}) is None
    assert "evaluator `bad` has scored nothing" in caplog.text


def test_cutoffs_of_the_configuration(caplog: pytest.LogCaptureFixture) -> None:
    """They count unless the command has its own; either way the log says what to change."""
    nothing = summary()
    assert nothing.problem({}) == "Failed cutoffs for evaluators: same (cutoff: 0.25, got: 0.00)"
    assert "deprecated" in caplog.text
    caplog.clear()
    assert nothing.problem({"same": 0.0}) is None
    assert "--cutoffs counts" in caplog.text
