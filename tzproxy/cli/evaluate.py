"""Runs an evaluation for the command line, by a gateway that runs or by one in this process."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tzproxy.cli.evaluation_report import JsonLines, Pretty, Report
from tzproxy.cli.logs import configure, level_of
from tzproxy.client.base import embedded, http_address
from tzproxy.client.calls import Call
from tzproxy.client.errors import BaseTensorZeroError, TensorZeroError
from tzproxy.client.streams import Events
from tzproxy.client.transport import Carrier
from tzproxy.config import read_environment
from tzproxy.errors import ConfigError

ROUTE = "/internal/evaluations/run"
INTERRUPTED = 130


class EvaluateOptions(Struct, frozen=True, kw_only=True):
    """What was asked for. `request`: the body, as the route takes it."""

    request: Mapping[str, Any]
    is_jsonl: bool
    cutoffs: Mapping[str, float]
    gateway_url: str | None
    config_file: str
    data_dir: Path


def run(options: EvaluateOptions) -> int:
    """Run it, print what comes, and return the exit status: 1 also for a mean below its cutoff."""
    try:
        environment = read_environment(os.environ)
        configure("json" if options.is_jsonl else "pretty", level_of(environment.log_filter or "warn"))
        # A gateway in this process has its say in the events, too.
        logging.getLogger("tzproxy.evaluations").setLevel(logging.ERROR)
        store = environment.clickhouse_url
        carrier = _carrier(options, None if store is None else store.reveal())
    except (BaseTensorZeroError, ConfigError, ValueError) as exc:
        return _failed(str(exc))
    report: Report = JsonLines() if options.is_jsonl else Pretty()
    try:
        with closing(carrier), closing(events(carrier, msgspec.json.encode(options.request))) as arriving:
            for event in arriving:
                report.take(event)
    except TensorZeroError as exc:
        return _failed(_words(exc))
    except BaseTensorZeroError as exc:
        return _failed(str(exc))
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        report.close()
    problem = report.problem or report.summary.problem(options.cutoffs)
    if problem is not None:
        return _failed(problem)
    return 0


def events(carrier: Carrier, body: bytes) -> Generator[dict[str, Any]]:
    """Begin a run and yield its events; closing this before the end ends the run.

    Raises:
        TensorZeroError: when the run is refused.
        TensorZeroInternalError: when there is no gateway, or it goes away.
    """
    call: Call[object] = Call("POST", ROUTE, lambda answer: answer, body)
    source = carrier.loop.run(carrier.begun(call))
    arrived = Events()
    try:
        while not arrived.is_over:
            arrived.feed(carrier.loop.run(source.read()))
            while (event := arrived.pop()) is not None:
                yield msgspec.json.decode(event)
    finally:
        source.leave(arrived.is_over)


def _carrier(options: EvaluateOptions, store_url: str | None) -> Carrier:
    if options.gateway_url is None:
        return embedded(options.config_file, store_url, options.data_dir, None)
    from tzproxy.client.http import HttpCarrier  # noqa: PLC0415 - not for embedded gateways

    return HttpCarrier(http_address(options.gateway_url, None, None))


def _words(error: TensorZeroError) -> str:
    try:
        return str(msgspec.json.decode(error.text or "", type=dict[str, Any])["error"])
    except (msgspec.DecodeError, KeyError):
        return str(error)


def _failed(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - the command's own words
    return 1
