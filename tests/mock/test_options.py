"""The mock's options."""

from __future__ import annotations

import pytest

from tzproxy.mock.options import MockOptions, format_arguments, parse_options


def test_arguments_round_trip() -> None:
    """Formatted arguments parse back to equal options."""
    options = MockOptions(
        host="::1",
        port=0,
        latency_ms=2.5,
        tokens=7,
        answer_bytes=9,
        error_rate=0.25,
        error_status=503,
        seed=-4,
    )
    assert parse_options(format_arguments(options)) == options


@pytest.mark.parametrize(
    "arguments",
    [["--port", "70000"], ["--error-rate", "1.5"], ["--latency-ms", "x"], ["--error-status", "200"]],
)
def test_refuses_values_out_of_range(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A value out of range ends with a usage message and exit status 2."""
    with pytest.raises(SystemExit) as caught:
        parse_options(arguments)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_help_lists_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names each field of the options as a flag."""
    with pytest.raises(SystemExit):
        parse_options(["--help"])
    shown = capsys.readouterr().out
    assert all("--" + name.replace("_", "-") in shown for name in MockOptions.__struct_fields__)
