"""Tests of `tzproxy.cli.logs`: levels, formats and what the libraries may say."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from typing import Any

import pytest

from tzproxy.cli import logs
from tzproxy.cli.logs import JsonFormatter, PlainFormatter, configure, level_of, log_config

RECORD: dict[str, Any] = {
    "name": "tzproxy.http",
    "levelname": "INFO",
    "levelno": logging.INFO,
    "created": 1769860800.25,
    "msecs": 250.0,
    "msg": "asked for %s",
    "args": ('"é"\n',),
}


@pytest.mark.parametrize(
    ("log_filter", "level"),
    [
        (None, "INFO"),
        ("", "INFO"),
        ("error", "ERROR"),
        ("WARN", "WARNING"),
        ("info", "INFO"),
        ("debug", "DEBUG"),
        ("trace", "DEBUG"),
        ("off", "CRITICAL"),
        ("nonsense", "INFO"),
        ("warn,tensorzero=debug", "DEBUG"),
        ("tensorzero_core=error,debug", "ERROR"),
        ("warn, gateway=info", "INFO"),
        ("tzproxy.http=debug", "DEBUG"),
        ("hyper=debug", "INFO"),
        ("warn,hyper=debug", "WARNING"),
        ("nonsense,error", "ERROR"),
    ],
)
def test_filters(log_filter: str | None, level: str) -> None:
    """What names the gateway counts most, then what names nobody; other targets do not matter."""
    assert level_of(log_filter) == level


def test_debug_lowers_the_level_unless_a_filter_says_otherwise() -> None:
    """`gateway.debug` is for the level that nobody chose."""
    assert level_of(None, debug=True) == "DEBUG"
    assert level_of("hyper=trace", debug=True) == "DEBUG"
    assert level_of("warn", debug=True) == "WARNING"


def test_plain_lines() -> None:
    """Time in UTC, level, logger, message."""
    record = logging.makeLogRecord({**RECORD, "args": ("it",)})
    assert PlainFormatter().format(record) == "2026-01-31T12:00:00Z  INFO tzproxy.http: asked for it"


def test_json_lines() -> None:
    """One object a line, whatever the message holds."""
    line = JsonFormatter().format(logging.makeLogRecord(RECORD))
    assert "\n" not in line
    assert json.loads(line) == {
        "timestamp": "2026-01-31T12:00:00.250Z",
        "level": "INFO",
        "target": "tzproxy.http",
        "message": 'asked for "é"\n',
    }


def test_traces_are_part_of_their_line() -> None:
    """A trace does not break a log of one object a line."""
    try:
        raise KeyError("x")
    except KeyError:
        record = logging.makeLogRecord({**RECORD, "exc_info": sys.exc_info()})
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("KeyError: 'x'")


@pytest.mark.parametrize("log_format", ["pretty", "json"])
def test_configured_logging_goes_to_stderr(log_format: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway speaks from its level on, libraries only when it matters, nobody on stdout."""
    configure(log_format, "INFO")
    logging.getLogger("tzproxy.x").debug("too quiet")
    logging.getLogger("tzproxy.x").info("ours")
    logging.getLogger("httpx").info("chatter")
    logging.getLogger("httpx").warning("theirs")
    logging.getLogger("_granian").info("chatter")
    logging.getLogger("_granian").warning("the server's")
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 3
    for line, message in zip(lines, ("ours", "theirs", "the server's"), strict=True):
        if log_format == "json":
            assert json.loads(line)["message"] == message
        else:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +(INFO|WARNING) [\w.]+: " + message, line)


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretty lines are for people at a terminal only."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            """Be one."""
            return True

    monkeypatch.setattr(logs.sys, "stderr", Terminal())
    assert log_config("pretty", "INFO")["handlers"]["stderr"] == {"()": "tzproxy.cli.terminal.handler"}
    assert log_config("json", "INFO")["handlers"]["stderr"]["formatter"] == "json"
    monkeypatch.setattr(logs.sys, "stderr", io.StringIO())
    assert log_config("pretty", "INFO")["handlers"]["stderr"]["formatter"] == "plain"
