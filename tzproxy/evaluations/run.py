"""One run under way: datapoints side by side, their answers scored, events as they come. Warm.

What goes wrong with one datapoint or one score is said and the run goes on. A run that nobody listens to any
more is cancelled with everything that it has under way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from time import perf_counter

import msgspec
from msgspec import Struct

from tzproxy.config.evaluators import LlmJudgeConfig
from tzproxy.datasets.answers import answered
from tzproxy.errors import StoreError, TzproxyError
from tzproxy.evaluations.datapoints import Asking, inference_request
from tzproxy.evaluations.events import Complete, Event, Failure, FatalError, Start, Success, UsageCount, Value
from tzproxy.evaluations.judge import Judgement, Judges
from tzproxy.evaluations.outcome import Outcome
from tzproxy.evaluations.stopping import Stopping
from tzproxy.evaluations.supply import Supply
from tzproxy.evaluations.target import Evaluator
from tzproxy.feedback.intake import FeedbackIntake
from tzproxy.feedback.request import FeedbackRequest
from tzproxy.inference.answer import Answer
from tzproxy.inference.engine import Engine
from tzproxy.recording.sink import Sink
from tzproxy.types.content import StoredInput
from tzproxy.types.datapoints import DatapointRow
from tzproxy.types.request import InferenceRequest
from tzproxy.types.stored import read_stored_input

logger = logging.getLogger(__name__)
WAITING = 64
"""How many events may wait for the client."""

UNEXPECTED = "Internal error: the gateway failed to go on with this evaluation; see its log"


class RunParts(Struct, frozen=True, kw_only=True):
    """What a run works with."""

    engine: Engine
    intake: FeedbackIntake
    sink: Sink
    judges: Judges
    asking: Asking
    api_key_id: str | None
    feedback_tags: dict[str, str]
    """On the feedback of all evaluators."""


class EvaluationRun:
    """A run that has begun. To be iterated once."""

    def __init__(
        self,
        start: Start,
        supply: Supply,
        evaluators: Sequence[Evaluator],
        parts: RunParts,
        *,
        stopping: Stopping,
        concurrency: int,
    ) -> None:
        self.start = start
        self._supply = supply
        self._evaluators = evaluators
        self._parts = parts
        self._stopping = stopping
        self._workers = concurrency
        self._inferring: set[asyncio.Timeout] = set()
        self._room = asyncio.Semaphore(WAITING)

    async def events(self) -> AsyncGenerator[Event]:
        """Yield all events, the last one when every row of the run is stored.

        Whoever stops listening has to close this: it cancels what is under way.
        """
        yield self.start
        usage = UsageCount()
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        work = asyncio.create_task(self._work(queue))
        try:
            while (event := await queue.get()) is not None:
                usage.add(event)
                yield event
                self._room.release()
            await work
            yield Complete(evaluation_run_id=self.start.evaluation_run_id, usage=usage.total())
        except Exception as exc:
            # The border: a bug must not leave the client without an end.
            logger.exception("an evaluation run failed")
            yield FatalError(evaluation_run_id=self.start.evaluation_run_id, message=_words(exc))
        finally:
            work.cancel()
            await asyncio.wait([work])
            await self._supply.close()

    async def _work(self, queue: asyncio.Queue[Event | None]) -> None:
        """Work through all datapoints; None ends the queue, come what may."""
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._workers):
                    workers.create_task(self._worker(queue))
            await self._settle()
        finally:
            queue.put_nowait(None)

    async def _worker(self, queue: asyncio.Queue[Event | None]) -> None:
        while (row := await self._supply.take()) is not None and not self._stopping.is_over:
            event = await self._datapoint(row)
            if event is not None:
                # A client that reads slowly slows the run down: what it has not read is in memory.
                await self._room.acquire()
                queue.put_nowait(event)

    def _give_up(self) -> None:
        """End all inferences under way: nobody wants to score them. What is being scored is not wasted."""
        now = asyncio.get_running_loop().time()
        while self._inferring:
            self._inferring.pop().reschedule(now)

    async def _settle(self) -> None:
        sink = self._parts.sink
        try:
            await sink.wait_stored(sink.accepted)
        except StoreError as exc:
            logger.warning("rows of an evaluation run are still on their way: %s", exc.message)

    async def _datapoint(self, row: DatapointRow) -> Event | None:
        """Return what came of a datapoint; None where all evaluators had stopped before it was answered."""
        run_id = self.start.evaluation_run_id
        try:
            (datapoint,) = answered([row])
            stored_input = read_stored_input(row.input)
            request = inference_request(self._parts.asking, row, stored_input)
            began = perf_counter()
            answer = await self._infer(request)
            took_ms = (perf_counter() - began) * 1000
        except (TzproxyError, msgspec.DecodeError) as exc:
            message = f"Error inferring for datapoint {row.id}: {exc}"
            logger.warning("%s", message)
            return Failure(evaluation_run_id=run_id, datapoint_id=row.id, message=message)
        if answer is None or self._stopping.is_over:
            return None
        values, errors = await self._scored(row, stored_input, answer)
        if self._stopping.note(values):
            self._give_up()
        return Success(
            evaluation_run_id=run_id,
            datapoint=datapoint,
            response=answer.response(),
            evaluations=values,
            evaluator_errors=errors,
            processing_time_ms=took_ms,
        )

    async def _infer(self, request: InferenceRequest) -> Answer | None:
        engine = self._parts.engine
        try:
            async with asyncio.timeout(None) as limit:
                self._inferring.add(limit)
                try:
                    return await engine.infer(await engine.plan(request, self._parts.api_key_id))
                finally:
                    self._inferring.discard(limit)
        except TimeoutError:
            if not limit.expired():
                raise
            return None

    async def _scored(
        self, row: DatapointRow, stored_input: StoredInput, answer: Answer
    ) -> tuple[dict[str, Value], dict[str, str]]:
        """Have all evaluators that still run look at an answer, at the same time."""
        outcome = Outcome(row, stored_input, answer)
        looking = [entry for entry in self._evaluators if self._stopping.is_running(entry.name)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._score(entry, outcome)) for entry in looking]
        values: dict[str, Value] = {}
        errors: dict[str, str] = {}
        for entry, task in zip(looking, tasks, strict=True):
            result = task.result()
            if isinstance(result, TzproxyError):
                errors[entry.name] = result.message
            else:
                values[entry.name] = result
        return values, errors

    async def _score(self, evaluator: Evaluator, outcome: Outcome) -> Value | TzproxyError:
        """Return a value once its feedback is recorded, or what went wrong."""
        try:
            value: Value
            judgement: Judgement | None = None
            if isinstance(evaluator.config, LlmJudgeConfig):
                judgement = await self._parts.judges.ask(evaluator, evaluator.config, outcome)
                value = None if judgement is None else judgement.value
            elif evaluator.scorer is not None:
                value = evaluator.scorer(outcome)
            if value is not None and not outcome.answer.inference.request.dryrun:
                await self._record(evaluator, outcome, value, judgement)
        except TzproxyError as exc:
            return exc
        return value

    async def _record(
        self, evaluator: Evaluator, outcome: Outcome, value: bool | float, judgement: Judgement | None
    ) -> None:
        tags = {
            **self._parts.feedback_tags,
            "tensorzero::datapoint_id": outcome.datapoint.id,
            "tensorzero::evaluator_name": evaluator.name,
        }
        if judgement is not None:
            tags["tensorzero::evaluator_inference_id"] = judgement.evaluator_inference_id
            if judgement.is_human:
                tags["tensorzero::derived_from_human_feedback"] = "true"
        feedback = FeedbackRequest(
            metric_name=evaluator.metric,
            value=value,
            inference_id=outcome.inference_id,
            tags=tags,
            internal=True,
            dryrun=False,
        )
        await self._parts.intake.take(feedback, self._parts.api_key_id)


def _words(exc: Exception) -> str:
    """Return what the client may know of a failure that ended its run."""
    cause = exc.exceptions[0] if isinstance(exc, ExceptionGroup) else exc
    return cause.message if isinstance(cause, StoreError) else UNEXPECTED
