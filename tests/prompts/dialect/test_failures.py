"""Wording of failures."""

from __future__ import annotations

from tzproxy.prompts.dialect.failures import TemplateFailure, invalid, locate


def test_description_has_kind_detail_and_place() -> None:
    """Each part is there only when it is known."""
    failure = TemplateFailure("undefined value")
    assert failure.describe() == "undefined value"
    failure.name, failure.line = "t", 3
    assert failure.describe() == "undefined value (in t:3)"
    assert invalid("no").describe() == "invalid operation: no"


def test_causes_follow_line_by_line() -> None:
    """What lies behind a failure is listed below it."""
    inner = TemplateFailure("undefined value")
    inner.name, inner.line = "inner", 1
    outer = TemplateFailure("could not render include", 'error in "inner"', source=inner)
    outer.source = TemplateFailure("invalid operation", "x", source=inner)
    assert outer.describe_all() == (
        'could not render include: error in "inner"\n'
        "Caused by: invalid operation: x\nCaused by: undefined value (in inner:1)"
    )


def test_place_is_that_of_the_innermost_template() -> None:
    """Of several compiled functions on the way the last one counts; a place once set stays."""
    code = "def run(inner):\n\n    inner()"
    outer = {"__place__": lambda line: ("outer", line)}
    inner = {"__place__": lambda line: ("inner", line * 10)}
    exec(code, outer)
    exec(code, inner)

    def fail() -> None:
        raise invalid("x")

    try:
        outer["run"](lambda: inner["run"](fail))
    except TemplateFailure as exc:
        locate(exc)
        assert (exc.name, exc.line) == ("inner", 30)
        exc.line = 7
        locate(exc)
        assert exc.line == 7
