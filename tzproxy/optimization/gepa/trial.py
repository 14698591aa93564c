"""Has a candidate answer datapoints, and evaluators look at the answers: an ordinary evaluation run. Cold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing

import msgspec
from msgspec import UNSET, Struct

from tzproxy.evaluations.evaluations import Evaluations
from tzproxy.evaluations.events import Failure as Unanswered
from tzproxy.evaluations.events import FatalError, Success, Value
from tzproxy.evaluations.request import EvaluationRequest
from tzproxy.optimization.gepa.candidate import Candidate, as_request
from tzproxy.optimization.gepa.errors import SearchError
from tzproxy.optimization.gepa.plan import Plan
from tzproxy.optimization.gepa.scores import Scores
from tzproxy.types.response import ChatResponse

ENCODER = msgspec.json.Encoder()


class Answered(Struct, frozen=True, kw_only=True):
    """One datapoint, what a candidate answered, and what evaluators said. The texts are JSON."""

    datapoint_id: str
    input: str
    reference: str | None
    output: str
    values: Mapping[str, Value]
    errors: Mapping[str, str]


class Trial(Struct, frozen=True):
    """What a candidate came to. `problem` is the first thing that went wrong, if anything did."""

    scores: Scores
    answered: Sequence[Answered]
    problem: str | None


class Trials:
    """Evaluates the candidates of one search."""

    def __init__(self, evaluations: Evaluations, plan: Plan) -> None:
        self._evaluations = evaluations
        self._plan = plan

    async def run(
        self,
        candidate: Candidate,
        datapoint_ids: Sequence[str],
        concurrency: int,
        *,
        keeps_answers: bool = False,
    ) -> Trial:
        """Evaluate one; answers that are kept are in the order of the datapoints. Cancelling ends the run.

        Raises:
            TzproxyError: when the run cannot begin or breaks off; single failures are part of the result.
        """
        plan = self._plan
        request = EvaluationRequest(
            evaluation_name=plan.evaluation_name,
            function_name=plan.function_name if plan.evaluation_name is None else None,
            evaluator_names=list(plan.goals) if plan.evaluation_name is None else None,
            datapoint_ids=list(datapoint_ids),
            internal_dynamic_variant_config=as_request(candidate, plan.bases[candidate.base]),
            concurrency=concurrency,
            inference_cache="off",
        )
        run = await self._evaluations.begin(request, plan.api_key_id)
        answered: dict[str, Answered] = {}
        scores: Scores = {}
        problem: str | None = None
        async with aclosing(run.events()) as events:
            async for event in events:
                match event:
                    case Success():
                        scores[event.datapoint.id] = {
                            name: float(value)
                            for name, value in event.evaluations.items()
                            if value is not None
                        }
                        if keeps_answers:
                            answered[event.datapoint.id] = read_success(event)
                        problem = problem or next(iter(event.evaluator_errors.values()), None)
                    case Unanswered():
                        problem = problem or event.message
                    case FatalError():
                        raise SearchError(event.message)
        return Trial(scores, [answered[one] for one in datapoint_ids if one in answered], problem)


def read_success(event: Success) -> Answered:
    """Take what later steps need out of an event."""
    response, datapoint = event.response, event.datapoint
    output = response.content if isinstance(response, ChatResponse) else response.output
    return Answered(
        datapoint_id=datapoint.id,
        input=ENCODER.encode(datapoint.input).decode(),
        reference=None if datapoint.output is UNSET else ENCODER.encode(datapoint.output).decode(),
        output=ENCODER.encode(output).decode(),
        values=event.evaluations,
        errors=event.evaluator_errors,
    )
