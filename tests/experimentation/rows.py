"""Rows of states, and a store of them in memory, for tests of experiments."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.experiments import ExperimentKey, StateRow, VariantStatistics
from tzproxy.config.experimentation import AdaptiveExperiment
from tzproxy.errors import StoreUnavailableError
from tzproxy.experimentation.experiment import Experiment, Target
from tzproxy.experimentation.state import State

SETTINGS = AdaptiveExperiment(metric="q", candidate_variants=("a", "b"), fallback_variants=("z",))
EPISODE_MS = 1_790_000_000_000
"""When the episodes of these tests begin: 2026."""


def experiment(
    settings: AdaptiveExperiment = SETTINGS, *, variants: str = "abcz", namespace: str | None = None
) -> Experiment:
    """An experiment of function `f`."""
    return Experiment(
        Target(
            function_name="f",
            namespace=namespace,
            settings=settings,
            maximise=True,
            variants=frozenset(variants),
        )
    )


def row(
    state: State,
    at_ms: int,
    *,
    candidates: str = "ab",
    function: str = "f",
    namespace: str = "",
    metric: str = "q",
) -> StateRow:
    """A row that takes effect `at_ms` after `EPISODE_MS`."""
    return StateRow(
        id=new_uuid7(),
        function_name=function,
        namespace=namespace,
        metric=metric,
        candidate_variants=tuple(candidates),
        state=msgspec.json.encode(state).decode(),
        effective_at_ms=EPISODE_MS + at_ms,
        written_at_ms=EPISODE_MS + at_ms,
    )


def episode(number: int, at_ms: int = 0) -> bytes:
    """The id of an episode that begins `at_ms` after `EPISODE_MS`; ids differ by their number."""
    random_bits = number.to_bytes(9, "big")
    return (EPISODE_MS + at_ms).to_bytes(6, "big") + b"\x70" + random_bits


class MemoryStore:
    """What the experiments' store does, in memory. `clock_ms` is its time; `away` makes it fail."""

    def __init__(self) -> None:
        self.rows: list[StateRow] = []
        self.known: list[VariantStatistics] = []
        self.clock_ms = EPISODE_MS
        self.away = False
        self.asked = itertools.count()
        self.looks = 0

    async def statistics(
        self, function_name: str, metric: str, variants: Sequence[str], *, namespace: str | None, newest: int
    ) -> list[VariantStatistics]:
        """Return what is known."""
        self._answer()
        self.looks += 1
        return list(self.known)

    async def states(self, functions: Sequence[str], *, written_since_ms: int, newest: int) -> list[StateRow]:
        """Return the rows written since."""
        self._answer()
        return [entry for entry in self.rows if entry.written_at_ms >= written_since_ms]

    async def add_state(self, key: ExperimentKey, state: str, *, delay_ms: int) -> None:
        """Add a row."""
        self._answer()
        self.rows.append(
            StateRow(
                **msgspec.structs.asdict(key),
                id=new_uuid7(),
                state=state,
                effective_at_ms=self.clock_ms + delay_ms,
                written_at_ms=self.clock_ms,
            )
        )

    def states_written(self) -> list[State]:
        """The states, as they were written."""
        return [msgspec.json.decode(entry.state, type=State) for entry in self.rows]

    def _answer(self) -> None:
        next(self.asked)
        if self.away:
            raise StoreUnavailableError("Error connecting to ClickHouse: no route")
