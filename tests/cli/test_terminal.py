"""Tests of `tzproxy.cli.terminal`: lines for a person."""

from __future__ import annotations

import logging

import pytest

from tzproxy.cli.terminal import handler


def test_lines_show_level_and_message_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets in a message are text, not styles."""
    made = handler()
    made.emit(logging.makeLogRecord({"levelname": "INFO", "levelno": 20, "msg": "tags [red]x[/red]"}))
    printed = capsys.readouterr().err
    assert "INFO" in printed
    assert "tags [red]x[/red]" in printed
