"""printf-style formatting."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.printf import format_printf


@pytest.mark.parametrize(
    ("template", "args", "text"),
    [
        ("%s-%s", (None, True), "none-true"),
        ("%5s|%-5s|", ("é", "é"), "   é|é   |"),
        ("%.2s", ("abc",), "ab"),
        ("%d %i", (True, 3), "1 3"),
        ("%#x %#o %X", (255, 8, 255), "0xff 0o10 FF"),
        ("%05d|%+d|% d", (-42, 42, 42), "-0042|+42| 42"),
        ("%s", (1234567.5,), "1.23457e+06"),
        ("%s", (2.0,), "2.0"),
        ("%.1f %e %g", (2, 3, 4), "2.0 3.000000e+00 4"),
        ("%(a)s %(b)d", ({"a": "x", "b": 2},), "x 2"),
        ("%c%c%%", (65, "b"), "Ab%"),
        ("%f %F %s", (float("inf"), float("nan"), float("-inf")), "inf NAN -inf"),
    ],
)
def test_fields(template: str, args: tuple[object, ...], text: str) -> None:
    """Flags, widths, precisions and letters."""
    assert format_printf(template, args) == text


@pytest.mark.parametrize(
    ("template", "args", "detail"),
    [
        ("%d", (2.5,), "invalid format spec at offset 1; 'float' cannot be formatted in decimal format"),
        ("%f", ("x",), "'string' cannot be formatted in fixed-point notation"),
        ("ab%", (), "incomplete format spec at offset 3; missing conversion type"),
        ("%y", (1,), "invalid conversion type 'y' in format spec at offset 1"),
        ("%s %s", (1,), "missing an argument for format spec at offset '4'"),
        ("%(a", ({},), "missing closing '\\)'"),
        ("%(a)s", ({},), "missing an argument"),
        ("%(a)s", (1,), "format argument must be a mapping"),
        ("%c", ("ab",), "requires integer or char"),
        ("%c", (-1,), "arg not in range"),
        ("%999999999999d", (1,), "a width is limited"),
        ("%99999999999999999999999d", (1,), "invalid integer in the format string"),
    ],
)
def test_failures(template: str, args: tuple[object, ...], detail: str) -> None:
    """Malformed formats and values that do not fit say so, with the place."""
    with pytest.raises(TemplateFailure, match=detail):
        format_printf(template, args)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.sampled_from(["%d", "%5d", "%-5d", "%05d", "%+d", "% d", "%x", "%X"]),
    st.integers(0, 2**64),
)
def test_integers_are_formatted_as_in_python(template: str, number: int) -> None:
    """Where both languages agree the results are equal."""
    assert format_printf(template, (number,)) == template % number


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.sampled_from(["%e", "%.2f", "%10.3f", "%-9.1f", "%09.2f", "%g", "%+.3g", "%G"]),
    st.floats(min_value=-1e12, max_value=1e12).filter(bool),
)
def test_floats_are_formatted_as_in_python(template: str, number: float) -> None:
    """Where both languages agree the results are equal."""
    assert format_printf(template, (number,)) == template % number
