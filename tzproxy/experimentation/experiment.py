"""One adaptive experiment in this process: its settings, its states so far, the sampler that follows them.

Asks no store; `updater` does. Cold: draws are made by the sampler alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec
from msgspec import Struct

from tzproxy._speedups.sampling import AdaptiveSampler
from tzproxy.clickhouse.queries.experiments import ExperimentKey, StateRow
from tzproxy.config.experimentation import AdaptiveExperiment
from tzproxy.experimentation.state import State, initial_state, weights

STATES_KEPT = 10_000
"""Newest states of an experiment that are kept in memory; an older episode follows the oldest of them."""

DECODER = msgspec.json.Decoder(State)


class Target(Struct, frozen=True, kw_only=True):
    """What an experiment is about.

    `namespace` None is the function's base experiment. `maximise`: more of the metric is better. `variants`
    are all of the function.
    """

    function_name: str
    namespace: str | None
    settings: AdaptiveExperiment
    maximise: bool
    variants: frozenset[str]


class Experiment:
    """An experiment and its sampler.

    An episode follows the state that was in force when it began, so all processes that know the same rows
    draw the same variant for it, at any time.
    """

    def __init__(self, target: Target) -> None:
        """Begin with equal shares of candidates and fallbacks."""
        settings = target.settings
        self.target = target
        self.key = ExperimentKey(
            function_name=target.function_name,
            namespace=target.namespace or "",
            metric=settings.metric,
            candidate_variants=tuple(sorted(settings.candidate_variants)),
        )
        self.sampler = AdaptiveSampler(
            target.function_name,
            target.variants,
            settings.candidate_variants,
            settings.fallback_variants,
            weights(initial_state(settings)),
        )
        self._rows: dict[str, tuple[StateRow, State]] = {}

    @property
    def name(self) -> str:
        """How logs call it."""
        namespace = self.target.namespace
        suffix = "" if namespace is None else f" in namespace `{namespace}`"
        return f"function `{self.target.function_name}`{suffix}"

    def learn(self, rows: Iterable[StateRow]) -> bool:
        """Take over states from the store, in any order; return whether one of this experiment was news.

        Rows of another experiment on the same function and namespace (it had other candidates or another
        metric) count for episodes that began before the first row of this one. A row that cannot be read
        (a later version's) is left out.
        """
        news = own_news = False
        for row in rows:
            mine = (row.function_name, row.namespace) == (self.key.function_name, self.key.namespace)
            if not mine or row.id in self._rows:
                continue
            try:
                state = DECODER.decode(row.state)
            except msgspec.DecodeError:
                continue
            news = True
            own_news = own_news or self._is_own(row)
            self._rows[row.id] = (row, state)
        if news:
            self._settle()
        return own_news

    def newest(self) -> State | None:
        """Return the last state that this experiment was given, in force or about to be."""
        own = [entry for entry in self._rows.values() if self._is_own(entry[0])]
        return max(own, key=lambda entry: _order(entry[0]))[1] if own else None

    def _is_own(self, row: StateRow) -> bool:
        return (row.metric, tuple(sorted(row.candidate_variants))) == (
            self.key.metric,
            self.key.candidate_variants,
        )

    def _settle(self) -> None:
        ordered = sorted(self._rows.values(), key=lambda entry: _order(entry[0]))
        begins = next((_order(row) for row, _ in ordered if self._is_own(row)), None)
        valid = [
            (row, state)
            for row, state in ordered
            if self._is_own(row) or begins is None or _order(row) < begins
        ][-STATES_KEPT:]
        self._rows = {row.id: (row, state) for row, state in valid}
        self.sampler.set_eras([(int(row.effective_at_ms), weights(state)) for row, state in valid])


def _order(row: StateRow) -> tuple[float, int]:
    return row.effective_at_ms, UUID(row.id).int
