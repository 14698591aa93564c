"""Begins evaluation runs: what is evaluated, on what, and the row that says so. Cold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.datapoints import Datapoints
from tzproxy.clickhouse.queries.evaluations import EvaluationRunRow, EvaluationStore, RunMetric
from tzproxy.config.root import Config
from tzproxy.evaluations.datapoints import Asking, Selection, select
from tzproxy.evaluations.errors import EvaluationsDisabledError
from tzproxy.evaluations.events import Start
from tzproxy.evaluations.judge import Judges
from tzproxy.evaluations.request import EvaluationRequest, check_request
from tzproxy.evaluations.run import EvaluationRun, RunParts
from tzproxy.evaluations.stopping import Stopping
from tzproxy.evaluations.supply import Supply
from tzproxy.evaluations.target import Evaluator, Target, Targets, described
from tzproxy.feedback.intake import FeedbackIntake
from tzproxy.inference.engine import Engine
from tzproxy.recording.sink import Sink
from tzproxy.types.request import CacheOptions, given

ENCODER = msgspec.json.Encoder()


class Evaluations:
    """Runs evaluations. One per gateway process."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        intake: FeedbackIntake,
        sink: Sink,
        *,
        datapoints: Datapoints | None,
        store: EvaluationStore | None,
    ) -> None:
        """Compile all configured evaluators. Without `datapoints` and `store` no run can begin."""
        self.targets = Targets(config)
        self._engine = engine
        self._intake = intake
        self._sink = sink
        self._datapoints = datapoints
        self._store = store

    async def begin(self, request: EvaluationRequest, api_key_id: str | None = None) -> EvaluationRun:
        """Find what a run needs, and write that it has begun. Nothing is inferred before it is iterated.

        The public id of the client's API key becomes a tag of all that the run records.

        Raises:
            RequestError: for a request that is refused.
            EvaluationStartError: when the datapoints cannot be had as asked.
            StoreError: when the store does not answer or refuses.
        """
        cache = CacheOptions(enabled=check_request(request))
        target = self.targets.find(request)
        if self._datapoints is None or self._store is None:
            raise EvaluationsDisabledError
        selection = await select(self._datapoints, request, target.function_name)
        run_id = new_uuid7()
        now = datetime.now(UTC)
        name = target.evaluation_name
        if name is None:
            name = f"{target.function_name}__{selection.dataset_name}__{now:%Y%m%d%H%M%S}"
        row = self._row(request, target, selection, name, now)
        judged = await self._store.find_judged([entry.metric for entry in target.evaluators if entry.judge])
        await self._store.add_run(run_id, row)
        start = Start(
            evaluation_run_id=run_id,
            num_datapoints=selection.count,
            evaluation_name=name,
            dataset_name=UNSET if request.dataset_name is None else request.dataset_name,
            variant_name=UNSET if request.variant_name is None else request.variant_name,
            evaluation_config=described(target),
        )
        tags = {"tensorzero::evaluation_run_id": run_id}
        if target.evaluation_name is not None:
            tags["tensorzero::evaluation_name"] = target.evaluation_name
        asking = Asking(
            function=self._engine.catalog.functions[target.function_name],
            variant_name=request.variant_name,
            variant_config=given(request.internal_dynamic_variant_config),
            cache=cache,
            tags={**tags, "tensorzero::dataset_name": selection.dataset_name},
        )
        parts = RunParts(
            engine=self._engine,
            intake=self._intake,
            sink=self._sink,
            judges=Judges(
                self._engine, self._store, judged=judged, tags=tags, cache=cache, api_key_id=api_key_id
            ),
            asking=asking,
            api_key_id=api_key_id,
            feedback_tags=tags,
        )
        return EvaluationRun(
            start,
            Supply(selection.parts),
            target.evaluators,
            parts,
            stopping=_stopping(request, target.evaluators),
            concurrency=min(request.concurrency, selection.count),
        )

    def _row(
        self, request: EvaluationRequest, target: Target, selection: Selection, name: str, now: datetime
    ) -> EvaluationRunRow:
        metrics = [
            RunMetric(
                name=entry.metric,
                evaluator_name=entry.name,
                value_type=entry.value_type,
                optimize=entry.optimize,
            )
            for entry in sorted(target.evaluators, key=lambda entry: entry.metric)
        ]
        at = now.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        return EvaluationRunRow(
            evaluation_name=name,
            function_name=target.function_name,
            function_type=self._engine.catalog.functions[target.function_name].type,
            dataset_name=selection.dataset_name,
            variant_names=[] if request.variant_name is None else [request.variant_name],
            metrics=ENCODER.encode(metrics).decode(),
            source="dataset_name" if request.datapoint_ids is None else "datapoint_ids",
            created_at=at,
            updated_at=at,
        )


def _stopping(request: EvaluationRequest, evaluators: Sequence[Evaluator]) -> Stopping:
    return Stopping({entry.name: entry.value_type for entry in evaluators}, request.precision_targets or {})
