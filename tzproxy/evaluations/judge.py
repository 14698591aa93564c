"""Asks judges: an inference of the judge's function, unless a person has judged the same answer. Warm."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.queries.evaluations import HumanScore
from tzproxy.config.evaluators import LlmJudgeConfig
from tzproxy.evaluations.errors import ScoreError
from tzproxy.evaluations.judge_input import judge_input
from tzproxy.evaluations.outcome import TREE, Outcome
from tzproxy.evaluations.target import Evaluator
from tzproxy.inference.engine import Engine
from tzproxy.types.request import CacheOptions, InferenceRequest, Input

VALUE: msgspec.json.Decoder[bool | float] = msgspec.json.Decoder(bool | float)


class Judgement(Struct, frozen=True, kw_only=True):
    """What a judge, or a person in its place, came to."""

    value: bool | float
    evaluator_inference_id: str
    is_human: bool = False


class HumanScores(Protocol):
    """Finds what people said. See `tzproxy.clickhouse.queries.evaluations.EvaluationStore`."""

    async def find_human_score(self, metric_name: str, datapoint_id: str, output: str) -> HumanScore | None:
        """Return a person's score of an answer to a datapoint, if there is one."""
        ...


class Judges:
    """Asks the judges of one run. What people say of answers while it goes on is for later runs."""

    def __init__(
        self,
        engine: Engine,
        scores: HumanScores,
        *,
        judged: Collection[tuple[str, str]],
        tags: dict[str, str],
        cache: CacheOptions,
        api_key_id: str | None,
    ) -> None:
        """Prepare to ask.

        Args:
            engine: what answers.
            scores: what people said.
            judged: metrics, each with a datapoint, of which they said anything: others are not looked up.
            tags: of the judges' inferences.
            cache: whether they may be given before.
            api_key_id: the client's, as the engine takes it.
        """
        self._engine = engine
        self._scores = scores
        self._judged = judged
        self._tags = tags
        self._cache = cache
        self._api_key_id = api_key_id

    async def ask(self, evaluator: Evaluator, config: LlmJudgeConfig, outcome: Outcome) -> Judgement | None:
        """Return a judgement; None: the datapoint has nothing that the judge could compare with.

        Raises:
            TzproxyError: when the judge cannot be asked, does not answer or gives no score.
        """
        human = None
        if (evaluator.metric, outcome.datapoint.id) in self._judged:
            human = await self._scores.find_human_score(
                evaluator.metric, outcome.datapoint.id, outcome.stored_output
            )
        if human is not None:
            return Judgement(
                value=_value(human.value, evaluator.name),
                evaluator_inference_id=human.evaluator_inference_id,
                is_human=True,
            )
        shown = judge_input(config, outcome)
        return None if shown is None else await self._infer(evaluator, shown)

    async def _infer(self, evaluator: Evaluator, shown: Input) -> Judgement:
        request = InferenceRequest(
            function_name=evaluator.judge,
            input=shown,
            stream=False,
            dryrun=False,
            internal=True,
            tags=self._tags,
            cache_options=self._cache,
        )
        inference = await self._engine.plan(request, self._api_key_id)
        answer = await self._engine.infer(inference)
        if answer.output is None or answer.output.parsed is None:
            raise ScoreError("LLM judge output has no `parsed` field: it does not fit the output schema")
        parsed = TREE.decode(answer.output.parsed)
        score = parsed.get("score") if isinstance(parsed, dict) else None
        if not isinstance(score, int | float):
            raise ScoreError("LLM judge output has no `score` field")
        value = score if evaluator.value_type == "boolean" else float(score)
        return Judgement(value=value, evaluator_inference_id=inference.inference_id)


def _value(text: str, evaluator_name: str) -> bool | float:
    try:
        return VALUE.decode(text)
    except msgspec.DecodeError as exc:
        raise ScoreError(f"The stored human feedback for evaluator `{evaluator_name}` is no score") from exc
