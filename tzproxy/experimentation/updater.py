"""Keeps the experiments of a process in step with the store. Runs beside the requests, never in them.

Every process does the same: it reads which states others have left, and once in an update period it looks at
the feedback and, if that says something new, leaves a state itself. A state takes effect only after everybody
has had time to read it; so all processes agree about every episode without talking to each other, and a
restart finds everything again. Cold.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec

from tzproxy.clickhouse.queries.experiments import ExperimentKey, StateRow, VariantStatistics
from tzproxy.errors import StoreError
from tzproxy.experimentation.experiment import STATES_KEPT, Experiment
from tzproxy.experimentation.state import State, Stopped, moved, next_state

logger = logging.getLogger(__name__)

LEAST_MOVE = 0.01
"""A state that would draw fewer episodes anew than this share is not worth leaving."""

LEAST_PERIOD_S = 1.0
POLLS_PER_PERIOD = 5
POLL_S = (0.5, 10.0)
"""Least and greatest time between two looks at what others have left."""

POLLS_UNTIL_EFFECT = 3
OVERLAP_MS = 60_000
"""How far back each look goes, for rows that became visible later than others."""

FIRST_LOOK_S = 10.0
"""How long `ready` waits for the states that are there."""

READING = "states"
"""What fails when states cannot be read; looks at feedback go by their experiments' names."""

ENCODER = msgspec.json.Encoder()


class Store(Protocol):
    """See `tzproxy.clickhouse.queries.experiments.ExperimentStore`."""

    async def statistics(
        self, function_name: str, metric: str, variants: Sequence[str], *, namespace: str | None, newest: int
    ) -> list[VariantStatistics]:
        """Return what is known of each variant."""
        ...

    async def states(self, functions: Sequence[str], *, written_since_ms: int, newest: int) -> list[StateRow]:
        """Return the newest states."""
        ...

    async def add_state(self, key: ExperimentKey, state: str, *, delay_ms: int) -> None:
        """Add a state."""
        ...


class _Turn:
    """An experiment and when this process looks at its feedback again (seconds of the loop's clock)."""

    def __init__(self, experiment: Experiment, now: float) -> None:
        self.experiment = experiment
        self.due = now
        self.period = max(LEAST_PERIOD_S, float(experiment.target.settings.update_period_s))

    def postpone(self, now: float) -> None:
        """Look again after a period, and a little more so that not all processes look at once."""
        self.due = now + self.period * (1 + random.random() / 10)


class ExperimentUpdater:
    """The background tasks of a worker: `start`, wait until it is `ready`, and `close` it."""

    def __init__(self, experiments: Sequence[Experiment], store: Store) -> None:
        """Note what to keep in step; ask nothing yet."""
        self._experiments = list(experiments)
        self._store = store
        self._functions = sorted({entry.key.function_name for entry in self._experiments})
        periods = [entry.target.settings.update_period_s for entry in self._experiments]
        self._poll_s = min(max(min(periods, default=0) / POLLS_PER_PERIOD, POLL_S[0]), POLL_S[1])
        self._read_until_ms = 0.0
        self._failing: set[str] = set()
        self._is_informed = False
        self._absurd: set[str] = set()
        self._has_read = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin the background tasks inside the running loop."""
        if not self._experiments:
            return
        clock = asyncio.get_running_loop().time
        schedule = [_Turn(experiment, clock()) for experiment in self._experiments]
        # Two, so that a store that is slow to count feedback keeps nobody from what others have left: who
        # does not know a state when it takes effect draws other variants than they.
        self._tasks = [
            asyncio.create_task(self._keep_reading(schedule), name="experiments' states"),
            asyncio.create_task(self._keep_looking(schedule), name="experiments' feedback"),
        ]

    async def ready(self) -> None:
        """Wait until the states that are there were read, so that no known episode moves.

        A store that does not answer does not hold up the start for long.
        """
        if not self._tasks:
            return
        try:
            await asyncio.wait_for(self._has_read.wait(), FIRST_LOOK_S)
        except TimeoutError:
            self._note_away(READING, f"no answer within {FIRST_LOOK_S:g} s")

    async def close(self) -> None:
        """End the background tasks."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
            self._tasks = []

    async def _keep_reading(self, schedule: Sequence[_Turn]) -> None:
        while True:
            self._is_informed = await self._guarded(READING, partial(self._read, schedule))
            self._has_read.set()
            await asyncio.sleep(self._poll_s)

    async def _keep_looking(self, schedule: Sequence[_Turn]) -> None:
        clock = asyncio.get_running_loop().time
        await self._has_read.wait()
        while True:
            for turn in schedule:
                if not self._is_informed or turn.due > clock():
                    continue
                if await self._guarded(turn.experiment.name, partial(self._look, turn.experiment)):
                    turn.postpone(clock())
            await asyncio.sleep(self._poll_s)

    async def _guarded(self, what: str, step: Callable[[], Awaitable[None]]) -> bool:
        """Take a step; return whether it could be taken. Everything stays as it was if not."""
        try:
            await step()
        except StoreError as exc:
            self._note_away(what, exc.message)
            return False
        except Exception:
            # The task's border: a row that nobody expected must not end it.
            if what not in self._failing:
                logger.exception("adaptive experiments: going on with the weights as they are")
            self._failing.add(what)
            return False
        if what in self._failing:
            self._failing.remove(what)
            if not self._failing:
                logger.info("adaptive experiments follow the store again")
        return True

    def _note_away(self, what: str, reason: str) -> None:
        if not self._failing:
            logger.warning("adaptive experiments keep their weights, the store cannot be asked: %s", reason)
        self._failing.add(what)

    async def _read(self, schedule: Sequence[_Turn] = ()) -> None:
        """Learn what others have left; later looks are postponed where somebody has just looked."""
        since = max(0, int(self._read_until_ms) - OVERLAP_MS)
        rows = await self._store.states(self._functions, written_since_ms=since, newest=STATES_KEPT)
        now = asyncio.get_running_loop().time()
        news = {experiment.name for experiment in self._experiments if experiment.learn(rows)}
        for turn in schedule:
            if self._has_read.is_set() and turn.experiment.name in news:
                turn.postpone(now)
        self._read_until_ms = max((row.written_at_ms for row in rows), default=self._read_until_ms)

    async def _look(self, experiment: Experiment) -> None:
        """Look at the feedback, and leave a state if it says something new."""
        target = experiment.target
        settings = target.settings
        statistics = await self._store.statistics(
            target.function_name,
            settings.metric,
            settings.candidate_variants,
            namespace=target.namespace,
            newest=settings.max_samples_per_variant,
        )
        state = next_state(settings, statistics, maximise=target.maximise)
        if state is None:
            if experiment.name not in self._absurd:
                self._absurd.add(experiment.name)
                logger.warning(
                    "adaptive experiment of %s keeps its weights: the mean of `%s` is no finite number",
                    experiment.name,
                    settings.metric,
                )
            return
        if not _is_news(experiment, state):
            return
        await self._read()
        if not _is_news(experiment, state):
            # Another process has said it meanwhile.
            return
        await self._store.add_state(
            experiment.key,
            ENCODER.encode(state).decode(),
            delay_ms=int(self._poll_s * POLLS_UNTIL_EFFECT * 1000),
        )
        if isinstance(state, Stopped):
            logger.info("adaptive experiment of %s: `%s` has won", experiment.name, state.winner_variant_name)
        await self._read()


def _is_news(experiment: Experiment, state: State) -> bool:
    before = experiment.newest()
    return before is None or moved(before, state, by=LEAST_MOVE)
