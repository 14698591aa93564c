"""One search, from the initial variants to the frontier of what was found. Cold: minutes to hours.

What it has come to is a `SearchState` after each iteration, so that another process can go on from there. All
chance comes from the plan's seed and the iteration's number. Knows no store and no task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random

from msgspec import UNSET, Struct, field

from tzproxy.config import LoadedConfig
from tzproxy.errors import StoreUnavailableError, TzproxyError
from tzproxy.evaluations.evaluations import Evaluations
from tzproxy.evaluations.request import EvaluationRequest
from tzproxy.inference.engine import Engine
from tzproxy.optimization.gepa.analysis import Analysis, analyse
from tzproxy.optimization.gepa.candidate import Candidate, as_request, configuration
from tzproxy.optimization.gepa.context import describe_evaluators, describe_function, pretty, section
from tzproxy.optimization.gepa.errors import SearchError
from tzproxy.optimization.gepa.frontier import draw_parent, find_frontier
from tzproxy.optimization.gepa.mutation import mutate
from tzproxy.optimization.gepa.plan import Plan
from tzproxy.optimization.gepa.reflection import Reflection
from tzproxy.optimization.gepa.scores import EvaluatorStats, Scores, improves, statistics
from tzproxy.optimization.gepa.status import Completed, Progress
from tzproxy.optimization.gepa.trial import Answered, Trial, Trials

logger = logging.getLogger(__name__)
STORE_PAUSE_S = 10.0
STORE_PAUSES = 30
"""How often something is tried again, after how long, while the store is away."""


class SearchState(Struct, kw_only=True):
    """What a search has come to. `iteration`: how many are over."""

    iteration: int = 0
    frontier: dict[str, Candidate] = field(default_factory=dict)
    scores: dict[str, Scores] = field(default_factory=dict)
    """On the validation datapoints, of the frontier."""
    statistics: dict[str, dict[str, EvaluatorStats]] = field(default_factory=dict)
    """The same, summed up, of all that got so far."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Why an iteration was skipped, by its number."""


class SearchParts(Struct, frozen=True, kw_only=True):
    """What a search works with."""

    loaded: LoadedConfig
    engine: Engine
    evaluations: Evaluations
    report: Callable[[Progress], None]
    """Is told each step."""
    keep: Callable[[SearchState], Awaitable[None]]
    """Is given the state after each iteration."""


class Search:
    """A search under way. `run` it once."""

    def __init__(
        self, task_id: str, plan: Plan, parts: SearchParts, state: SearchState | None = None
    ) -> None:
        """Begin, or go on from a state that was kept.

        Raises:
            RequestError: when the configuration lacks what the plan needs.
        """
        self._name = f"GEPA task {task_id}"
        self._plan = plan
        self._parts = parts
        self._state = state or SearchState()
        self._trials = Trials(parts.evaluations, plan)
        self._reflection = Reflection(parts.engine, plan.api_key_id, plan.reflection)
        by_function = plan.evaluation_name is None
        target = parts.evaluations.targets.find(
            EvaluationRequest(
                evaluation_name=plan.evaluation_name,
                function_name=plan.function_name if by_function else None,
                evaluator_names=list(plan.goals) if by_function else None,
            )
        )
        self._background = "\n\n".join(
            [
                section("function", pretty(describe_function(parts.loaded, plan.function_name))),
                section("evaluators", pretty(describe_evaluators(target))),
            ]
        )

    async def run(self) -> Completed:
        """Search to the end. Cancelling gives up what is under way.

        Raises:
            SearchError: when nothing could be scored.
            TzproxyError: when the initial variants cannot be evaluated.
        """
        plan, state = self._plan, self._state
        if not state.scores:
            await self._patiently(self._begin)
            await self._parts.keep(state)
        while state.iteration < plan.max_iterations:
            number = state.iteration
            try:
                await self._patiently(partial(self._iterate, number))
            except TzproxyError as exc:
                logger.warning("%s: iteration %d was skipped: %s", self._name, number, exc.message)
                state.skipped[str(number)] = exc.message
            state.iteration = number + 1
            await self._parts.keep(state)
        found = [one for one in state.frontier.values() if one.name not in plan.bases]
        return Completed(
            {one.name: configuration(one, plan.bases[one.base]) for one in found},
            state.statistics,
            state.skipped or UNSET,
        )

    def _step(self, number: int, step: str) -> None:
        self._parts.report(Progress(number, self._plan.max_iterations, step))

    async def _begin(self) -> None:
        """Evaluate the initial variants, side by side, on the validation datapoints."""
        self._step(0, "evaluating_initial_variants")
        plan = self._plan
        initial = plan.initial()
        concurrency = max(1, plan.max_concurrency // len(initial))
        at_once = asyncio.Semaphore(max(1, plan.max_concurrency // concurrency))

        async def evaluate(candidate: Candidate) -> Trial | TzproxyError:
            async with at_once:
                try:
                    return await self._trials.run(candidate, plan.validation, concurrency)
                except TzproxyError as exc:
                    return exc

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(evaluate(candidate)) for candidate in initial]
        problem: str | None = None
        for candidate, task in zip(initial, tasks, strict=True):
            trial = task.result()
            if isinstance(trial, TzproxyError):
                raise trial
            problem = problem or trial.problem
            self._admit(candidate, trial.scores)
        if not any(row for scores in self._state.scores.values() for row in scores.values()):
            raise SearchError(f"no initial variant could be scored on any datapoint: {problem}")
        await self._prune()

    def _admit(self, candidate: Candidate, scores: Scores) -> None:
        state = self._state
        state.frontier[candidate.name] = candidate
        state.scores[candidate.name] = scores
        state.statistics[candidate.name] = statistics(scores, self._plan.goals)

    async def _prune(self) -> dict[str, int]:
        """Drop what is beaten; return how often each of the rest is the best."""
        state, plan = self._state, self._plan
        scores = dict(state.scores)
        # Many candidates on many datapoints take a while.
        wins = await asyncio.to_thread(find_frontier, scores, plan.validation, plan.goals)
        for name in [name for name in state.frontier if name not in wins]:
            del state.frontier[name], state.scores[name]
        return wins

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something, again and again while the store is away, but not for ever."""
        for _ in range(STORE_PAUSES):
            try:
                return await work()
            except StoreUnavailableError as exc:
                logger.warning("%s waits for the store: %s", self._name, exc.message)
                await asyncio.sleep(STORE_PAUSE_S)
        return await work()

    async def _iterate(self, number: int) -> None:
        """Make one child, and keep it if it is better than its parent.

        Raises:
            TzproxyError: when there can be no child, or it cannot be evaluated.
        """
        plan, state = self._plan, self._state
        random = Random(f"{plan.seed} iteration {number}")
        parent = state.frontier[draw_parent(await self._prune(), random)]
        batch = random.sample(plan.train, min(plan.batch_size, len(plan.train)))
        self._step(number, "evaluating_parent")
        before = await self._trials.run(parent, batch, plan.max_concurrency, keeps_answers=True)
        self._step(number, "analyzing")
        analyses = await self._analyses(parent, before.answered)
        self._step(number, "mutating")
        child = await self._child(number, parent, analyses)
        self._step(number, "evaluating_child")
        after = await self._trials.run(child, batch, plan.max_concurrency)
        if not improves(after.scores, before.scores, plan.goals):
            logger.info("%s: %s is no better than its parent", self._name, child.name)
            return
        self._step(number, "validating_child")
        trial = await self._trials.run(child, plan.validation, plan.max_concurrency)
        self._admit(child, trial.scores)
        await self._prune()

    async def _analyses(self, parent: Candidate, answered: Sequence[Answered]) -> list[Analysis]:
        """Have all answers analysed; those that cannot be are left out, as long as one can."""
        plan = self._plan
        if not answered:
            raise SearchError(f"{parent.name} has answered no datapoint of the batch")
        at_once = asyncio.Semaphore(plan.max_concurrency)

        async def look(case: Answered) -> Analysis | TzproxyError:
            async with at_once:
                try:
                    return await analyse(
                        self._reflection,
                        plan.analysis_model,
                        background=self._background,
                        templates=parent.templates,
                        case=case,
                    )
                except TzproxyError as exc:
                    return exc

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(look(case)) for case in answered]
        results = [task.result() for task in tasks]
        analyses = [result for result in results if isinstance(result, Analysis)]
        for result in results:
            if not isinstance(result, Analysis):
                logger.warning("%s: an analysis failed: %s", self._name, result.message)
                if not analyses:
                    raise result
        return analyses

    async def _child(self, number: int, parent: Candidate, analyses: Sequence[Analysis]) -> Candidate:
        plan = self._plan
        templates = await mutate(
            self._reflection,
            plan.mutation_model,
            background=self._background,
            templates=parent.templates,
            analyses=analyses,
            shows_cases=plan.include_inference_for_mutation,
        )
        child = Candidate(name=self._name_of_child(number, parent), base=parent.base, templates=templates)
        # A template that does not compile ends here, and not with every datapoint.
        catalog = self._parts.engine.catalog
        catalog.dynamic_variant(
            catalog.functions[plan.function_name], bytes(as_request(child, plan.bases[child.base]))
        )
        return child

    def _name_of_child(self, number: int, parent: Candidate) -> str:
        """Name a child like no other: what an earlier search has found may be in the configuration."""
        plan = self._plan
        taken = {*self._parts.loaded.functions[plan.function_name].variants, *self._state.statistics}
        first = name = f"{plan.variant_prefix}-iter-{number}-{parent.name}"
        again = 2
        while name in taken:
            name, again = f"{first}-{again}", again + 1
        return name
