"""Tests of `tzproxy.optimization.gepa.analysis`: what is shown and read. `test_search` asks."""

from __future__ import annotations

import pytest

from tzproxy.optimization.gepa.analysis import question, read_report, shown_case
from tzproxy.optimization.gepa.errors import ReplyError
from tzproxy.optimization.gepa.trial import Answered

CASE = Answered(
    datapoint_id="d",
    input='{"messages":[]}',
    reference='[{"type":"text","text":"bill"}]',
    output='[{"type":"text","text":"no"}]',
    values={"exact": False, "taste": None},
    errors={},
)


def test_what_a_model_is_shown() -> None:
    """The function and the templates, and everything about the case in its own place."""
    asked = question("BACKGROUND", {"system": "Sort {{ x }}."}, CASE)
    assert asked.startswith(
        'BACKGROUND\n\n<templates>\n<template name="system">\nSort {{ x }}.\n</template>\n'
    )
    for part in (
        "<case>\n<input>\n{\n",
        '"text": "no"',
        "<reference_answer>\n[",
        '"exact": false',
        '"taste": null',
    ):
        assert part in asked
    assert "evaluators_that_failed" not in asked


def test_a_case_without_reference() -> None:
    """What is not there is not shown; evaluators that failed say why."""
    case = Answered(
        datapoint_id="d", input="{}", reference=None, output="[]", values={}, errors={"e": "away"}
    )
    shown = shown_case(case)
    assert "reference" not in shown
    assert '<evaluators_that_failed>\n{\n  "e": "away"\n}' in shown


@pytest.mark.parametrize("kind", ["report_error", "report_improvement", "report_optimal"])
def test_reports(kind: str) -> None:
    """A report is taken with its tags, whatever stands around it; the first one counts."""
    report = f"<{kind}>\n<diagnosis>a < b</diagnosis></{kind}>"
    assert read_report(f"Sure!\n```xml\n{report}\n```\n<report_optimal>x</report_optimal>") == (kind, report)


@pytest.mark.parametrize(
    "text",
    ["", "All is well.", "<report_error>cut off", "<report_error> </report_error>", "<report_x>a</report_x>"],
)
def test_what_is_no_report(text: str) -> None:
    """It is refused, and the start of it is quoted."""
    with pytest.raises(ReplyError, match="replied without a report"):
        read_report(text + "." * 1000)
    with pytest.raises(ReplyError) as caught:
        read_report("y" * 1000)
    assert len(caught.value.message) < 400
