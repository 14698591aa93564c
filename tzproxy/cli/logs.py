"""Logging of all processes: lines for people on a terminal, plain lines elsewhere, or JSON."""

from __future__ import annotations

import logging
import logging.config
import sys
import time
from typing import Any, Literal

import msgspec

LogFormat = Literal["pretty", "json"]
LEVELS = {
    "error": "ERROR",
    "warn": "WARNING",
    "info": "INFO",
    "debug": "DEBUG",
    "trace": "DEBUG",
    "off": "CRITICAL",
}
OWN_TARGETS = ("tzproxy", "tensorzero", "gateway")
ENCODER = msgspec.json.Encoder()


class PlainFormatter(logging.Formatter):
    """`2026-01-31T12:00:00Z  INFO tzproxy.http: message`."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)5s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        entry: dict[str, object] = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "target": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return ENCODER.encode(entry).decode()


def level_of(log_filter: str | None, *, debug: bool = False) -> str:
    """Return the level that a filter such as `debug` or `warn,tensorzero=info` asks of the gateway.

    What names the gateway (under its own name or the original's) counts more than what names nobody.
    """
    levels: dict[bool, str] = {}
    for part in (log_filter or "").split(","):
        target, _, level = part.strip().rpartition("=")
        is_ours = target.startswith(OWN_TARGETS)
        if level.lower() in LEVELS and (is_ours or not target):
            levels[is_ours] = LEVELS[level.lower()]
    return levels.get(True) or levels.get(False) or ("DEBUG" if debug else "INFO")


def log_config(log_format: LogFormat, level: str) -> dict[str, Any]:
    """Return the `dictConfig` that every process of the gateway uses."""
    formatter = "json" if log_format == "json" else "plain"
    handler: dict[str, Any] = {
        "class": "logging.StreamHandler",
        "formatter": formatter,
        "stream": "ext://sys.stderr",
    }
    if log_format == "pretty" and sys.stderr.isatty():
        handler = {"()": "tzproxy.cli.terminal.handler"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"()": "tzproxy.cli.logs.PlainFormatter"},
            "json": {"()": "tzproxy.cli.logs.JsonFormatter"},
        },
        "handlers": {"stderr": handler},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "tzproxy": {"level": level},
            "_granian": {"level": "WARNING", "handlers": ["stderr"], "propagate": False},
            "granian.access": {"level": "WARNING", "handlers": ["stderr"], "propagate": False},
        },
    }


def configure(log_format: LogFormat, level: str) -> None:
    """Configure this process."""
    logging.config.dictConfig(log_config(log_format, level))
