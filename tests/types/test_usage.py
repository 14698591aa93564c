"""Tests of `tzproxy.types.usage`: several reports of one streamed call."""

from __future__ import annotations

from tzproxy.types.usage import NO_USAGE, Usage, largest


def test_the_first_report_is_taken_as_it_is() -> None:
    """With nothing before it, a report stands."""
    assert largest(None, Usage(1, None, 2)) == Usage(1, None, 2)


def test_the_larger_value_of_each_field_counts() -> None:
    """Reports are combined field by field: a start and an end report make one usage."""
    assert largest(Usage(10, 1, 5, 0), Usage(3, 7, 5, 2)) == Usage(10, 7, 5, 2)


def test_unknown_loses_to_known() -> None:
    """A field that one report knows is known, even when it is zero."""
    assert largest(Usage(None, 0, None, 4), Usage(0, None)) == Usage(0, 0, None, 4)
    assert largest(NO_USAGE, NO_USAGE) == NO_USAGE
