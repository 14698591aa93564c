"""Decides when an evaluator has seen enough datapoints. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tzproxy.evaluations.statistics import ScoreStatistics

MIN_DATAPOINTS = 20


class Stopping:
    """The evaluators of a run that have reached their precision. Without targets nobody ever does."""

    def __init__(
        self, kinds: Mapping[str, Literal["boolean", "float"]], targets: Mapping[str, float]
    ) -> None:
        """Begin with no evaluator stopped.

        Args:
            kinds: what the values of each evaluator are.
            targets: half width at which an evaluator stops, by its name; others run to the end.
        """
        self._running = {name: ScoreStatistics(kind) for name, kind in kinds.items()}
        self._targets = {name: target for name, target in targets.items() if name in kinds}
        self._has_evaluators = bool(kinds)
        self._datapoints = 0

    def note(self, values: Mapping[str, bool | float | None]) -> bool:
        """Take the values of another datapoint; null is nothing to count. Return whether all have stopped."""
        if not self._targets:
            return self.is_over
        self._datapoints += 1
        for name, value in values.items():
            statistics = self._running.get(name)
            if statistics is not None and value is not None:
                statistics.add(value)
        if self._datapoints < MIN_DATAPOINTS:
            return self.is_over
        for name, target in self._targets.items():
            half_width = self._running[name].half_width if name in self._running else None
            if half_width is not None and half_width <= target:
                del self._running[name]
        return self.is_over

    def is_running(self, name: str) -> bool:
        """Whether an evaluator wants to see more."""
        return name in self._running

    @property
    def is_over(self) -> bool:
        """Whether no evaluator wants to see more."""
        return self._has_evaluators and not self._running
