"""What `tzproxy evaluate` prints: results for people or as lines of JSON, and means against cutoffs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from tzproxy.evaluations.statistics import ScoreStatistics

logger = logging.getLogger(__name__)
ENCODER = msgspec.json.Encoder()
BAR_WIDTH = 40
CUT_SHORT = "The evaluation ended before its end."


class Summary:
    """The values of all evaluators, as far as they have come."""

    def __init__(self) -> None:
        self._evaluators: dict[str, Any] = {}
        self.statistics: dict[str, ScoreStatistics] = {}

    def begin(self, evaluators: Mapping[str, Any]) -> None:
        """Take the evaluators of the run, as its first event describes them."""
        self._evaluators = dict(evaluators)
        for name, evaluator in evaluators.items():
            if evaluator.get("type") == "typescript" and not evaluator.get("typescript_code"):
                logger.warning("evaluator `%s` scores nothing: the gateway runs no TypeScript", name)
        self.statistics = {name: ScoreStatistics("float") for name in sorted(evaluators)}

    def add(self, values: Mapping[str, bool | float | None]) -> None:
        """Take the values of a datapoint."""
        for name, value in values.items():
            if value is not None:
                self.statistics[name].add(value)

    def lines(self) -> list[str]:
        """Tell mean, standard error and number of values of each evaluator."""
        return [
            f"{name}: {entry.mean:.2f} ± {entry.standard_error or 0.0:.2f} (n={entry.count})"
            for name, entry in self.statistics.items()
        ]

    def problem(self, wanted: Mapping[str, float]) -> str | None:
        """Say which means miss their cutoffs, the command's and those of the configuration; None: no one."""
        for name in wanted:
            if name not in self._evaluators:
                return f"Unknown evaluator in --cutoffs: `{name}`"
        missed = []
        for name, entry in self.statistics.items():
            cutoff = self._cutoff(name, wanted.get(name))
            if cutoff is not None and not entry.count:
                logger.warning("evaluator `%s` has scored nothing: 0 is compared with its cutoff", name)
            # Only numbers of models may be better when they are small.
            is_min = self._evaluators[name].get("optimize") == "min"
            if cutoff is not None and (entry.mean > cutoff if is_min else entry.mean < cutoff):
                missed.append(f"{name} (cutoff: {cutoff:.2f}, got: {entry.mean:.2f})")
        return "Failed cutoffs for evaluators: " + "\n".join(missed) if missed else None

    def _cutoff(self, name: str, wanted: float | None) -> float | None:
        configured: float | None = self._evaluators[name].get("cutoff")
        if configured is None:
            return wanted
        if wanted is None:
            logger.warning("evaluator `%s`: `cutoff` in the configuration is deprecated: use --cutoffs", name)
            return configured
        logger.warning("evaluator `%s`: --cutoffs counts, not `cutoff` in the configuration", name)
        return wanted


class Report(Protocol):
    """Prints the events of one run."""

    summary: Summary
    problem: str | None
    """Why the run did not come to its end; None once it has."""

    def take(self, event: Mapping[str, Any]) -> None:
        """Print an event."""
        ...

    def close(self) -> None:
        """Print what comes at the end, be it reached or not."""
        ...


class JsonLines:
    """One JSON object a line, on stdout."""

    def __init__(self) -> None:
        self.summary = Summary()
        self.problem: str | None = CUT_SHORT

    def take(self, event: Mapping[str, Any]) -> None:
        """Print an event; the end has no line."""
        match event["type"]:
            case "start":
                self.summary.begin(event["evaluation_config"]["evaluators"])
                keys = ["evaluation_run_id", "evaluation_name", "num_datapoints"]
            case "success":
                self.summary.add(event["evaluations"])
                keys = ["datapoint", "response", "evaluations", "evaluator_errors", "processing_time_ms"]
            case "error":
                keys = ["datapoint_id", "message"]
            case "fatal_error":
                self.problem = event["message"]
                keys = ["message"]
            case _:
                self.problem = None
                return
        _print(ENCODER.encode({key: event[key] for key in keys}).decode())

    def close(self) -> None:
        """Print nothing."""


class Pretty:
    """For people: progress on stderr if that is a terminal, means on stdout, errors in the log."""

    def __init__(self) -> None:
        self.summary = Summary()
        self.problem: str | None = CUT_SHORT
        self._total = 0
        self._done = 0

    def take(self, event: Mapping[str, Any]) -> None:
        """Print an event."""
        match event["type"]:
            case "start":
                self.summary.begin(event["evaluation_config"]["evaluators"])
                self._total = event["num_datapoints"]
                _print(f"Run ID: {event['evaluation_run_id']}")
                _print(f"Number of datapoints: {self._total}")
            case "success":
                self.summary.add(event["evaluations"])
                for name, message in event["evaluator_errors"].items():
                    where = event["datapoint"]["id"]
                    logger.warning("evaluator `%s`: Error scoring datapoint %s: %s", name, where, message)
                self._progress()
            case "error":
                logger.warning("%s", event["message"])
                self._progress()
            case "fatal_error":
                self.problem = event["message"]
            case _:
                self.problem = None

    def _progress(self) -> None:
        self._done += 1
        if sys.stderr.isatty():
            filled = BAR_WIDTH * self._done // self._total
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            print(f"\r[{bar}] {self._done}/{self._total}", end="", file=sys.stderr, flush=True)  # noqa: T201

    def close(self) -> None:
        """Print the means."""
        if self._done and sys.stderr.isatty():
            print(file=sys.stderr)  # noqa: T201 - the end of the line of progress
        for line in self.summary.lines():
            _print(line)


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what the command is for
