"""Evaluations: what is asked to run one, and its results as they come."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tzproxy.client.arguments import DEFAULTS, EvaluationArguments, check
from tzproxy.client.calls import Call
from tzproxy.client.encoding import body_of, ids_of
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.reading import decoded
from tzproxy.client.streams import AsyncEventStream, EventStream
from tzproxy.client.types.answers import EvaluatorStatsDict

RUN_INFO = ("evaluation_run_id", "evaluation_name", "num_datapoints")
RESULTS = frozenset({"success", "error"})
NO_VARIANT = "Either `variant_name` or `internal_dynamic_variant_config` must be provided."
TWO_VARIANTS = (
    "Cannot specify both `variant_name` and `internal_dynamic_variant_config`: provide one of them."
)
NO_SOURCE = "Must provide either `dataset_name` or `datapoint_ids`."
TWO_SOURCES = "Cannot provide both `dataset_name` and `datapoint_ids`. Please specify one or the other."
IDS_AND_LIMIT = (
    "Cannot provide both `datapoint_ids` and `max_datapoints`. "
    "`max_datapoints` can only be used with `dataset_name`."
)
NAMES = ("evaluation_name", "function_name", "evaluator_names")
EVALUATION_IS_NAMED = {(True, False, False), (False, True, True)}
"""Which of these are given: either the first, or the two others."""

WRONG_EVALUATION = (
    "Incorrect arguments to identify evaluation: either provide both `function_name` and `evaluator_names`, "
    "or provide only `evaluation_name`"
)


def run_evaluation(given: EvaluationArguments) -> Call[bytes]:
    """Ask for an evaluation.

    Raises:
        TypeError: for arguments that the method does not have.
        ValueError: when no variant is named, or two; when no evaluation is, or two; for an id that is none.
        RuntimeError: when the datapoints are not named, or twice.
    """
    check("experimental_run_evaluation", given, EvaluationArguments)
    values: dict[str, Any] = {**DEFAULTS, **given}
    has_variant = values.get("variant_name") is not None
    if has_variant is (values.get("internal_dynamic_variant_config") is not None):
        raise ValueError(TWO_VARIANTS if has_variant else NO_VARIANT)
    if tuple(values.get(name) is not None for name in NAMES) not in EVALUATION_IS_NAMED:
        raise ValueError(WRONG_EVALUATION)
    values["datapoint_ids"] = _datapoint_ids(values)
    stopping = values.pop("adaptive_stopping", None) or {}
    values["precision_targets"] = stopping.get("precision")
    return Call("POST", "/internal/evaluations/run", bytes, body_of(values))


def _datapoint_ids(values: dict[str, Any]) -> list[str] | None:
    ids = ids_of(values.get("datapoint_ids") or (), "datapoint_ids")
    has_dataset = values.get("dataset_name") is not None
    if has_dataset is bool(ids):
        raise RuntimeError(TWO_SOURCES if has_dataset else NO_SOURCE)
    if ids and values.get("max_datapoints") is not None:
        raise RuntimeError(IDS_AND_LIMIT)
    return ids or None


class _Run:
    """What has arrived of a run."""

    def __init__(self, start: bytes | None) -> None:
        """Read the first event.

        Raises:
            TensorZeroInternalError: when the run did not start, or does not say how it is scored.
        """
        event = {} if start is None else decoded(start)
        if event.get("type") == "fatal_error":
            raise _wrong(f"Evaluation fatal error: {event.get('message')}")
        if event.get("type") != "start":
            raise _wrong("Expected Start event as first evaluation SSE event")
        if "evaluation_config" not in event:
            raise _wrong("Server did not include `evaluation_config` in the Start event")
        self.info = {name: event.get(name) for name in RUN_INFO}
        self._scores: dict[str, list[float]] = {name: [] for name in event["evaluation_config"]["evaluators"]}

    def take(self, event: bytes) -> dict[str, Any] | None:
        """Read an event; None when it is no result.

        Raises:
            RuntimeError: when the run has broken off.
        """
        result: dict[str, Any] = decoded(event)
        if result.get("type") == "fatal_error":
            raise RuntimeError(f"Evaluation fatal error: {result.get('message')}")
        if result.get("type") not in RESULTS:
            return None
        result.pop("evaluation_run_id", None)
        for name, value in (result.get("evaluations") or {}).items():
            if isinstance(value, int | float):
                self._scores.setdefault(name, []).append(float(value))
        return result

    def statistics(self) -> dict[str, EvaluatorStatsDict]:
        """Sum up the results that were taken."""
        return {name: _statistics(scores) for name, scores in self._scores.items()}


def _wrong(reason: str) -> TensorZeroInternalError:
    return TensorZeroInternalError(f"Internal TensorZero Error: Evaluation run error: {reason}")


def _statistics(scores: list[float]) -> EvaluatorStatsDict:
    count = len(scores)
    if not count:
        return {"mean": 0.0, "stderr": 0.0, "count": 0}
    mean = math.fsum(scores) / count
    variance = math.fsum((score - mean) ** 2 for score in scores) / count
    return {"mean": mean, "stderr": math.sqrt(variance / count), "count": count}


class EvaluationJobHandler(Iterator[dict[str, Any]]):
    """An evaluation under way: an iterator over its results. Leaving it ends the run."""

    def __init__(self, events: EventStream[bytes]) -> None:
        """Wait for the start. Raises TensorZeroInternalError when there is none."""
        self._events = events
        try:
            self._run = _Run(next(events, None))
        except BaseException:
            events.close()
            raise

    @property
    def run_info(self) -> dict[str, Any]:
        """Which run it is: `evaluation_run_id`, `evaluation_name`, `num_datapoints`."""
        return dict(self._run.info)

    def results(self) -> EvaluationJobHandler:
        """Return the iterator, which this is."""
        return self

    def __iter__(self) -> EvaluationJobHandler:
        return self

    def __next__(self) -> dict[str, Any]:
        """Return the next result: `type` is `success` or `error`.

        Raises:
            RuntimeError: when the run has broken off.
        """
        for event in self._events:
            result = self._run.take(event)
            if result is not None:
                return result
        raise StopIteration

    def summary_stats(self) -> dict[str, EvaluatorStatsDict]:
        """Sum up the results that were read, by evaluator."""
        return self._run.statistics()

    def __repr__(self) -> str:
        return json.dumps(self._run.info, indent=2)


class AsyncEvaluationJobHandler(AsyncIterator[dict[str, Any]]):
    """An evaluation under way: an asynchronous iterator over its results. Leaving it ends the run."""

    def __init__(self, start: bytes | None, events: AsyncEventStream[bytes]) -> None:
        """Read the start. Raises TensorZeroInternalError when it is none."""
        self._run = _Run(start)
        self._events = events

    @property
    def run_info(self) -> dict[str, Any]:
        """Which run it is: `evaluation_run_id`, `evaluation_name`, `num_datapoints`."""
        return dict(self._run.info)

    def results(self) -> AsyncEvaluationJobHandler:
        """Return the iterator, which this is."""
        return self

    def __aiter__(self) -> AsyncEvaluationJobHandler:
        return self

    async def __anext__(self) -> dict[str, Any]:
        """Return the next result. Raises as `EvaluationJobHandler` does."""
        async for event in self._events:
            result = self._run.take(event)
            if result is not None:
                return result
        raise StopAsyncIteration

    async def summary_stats(self) -> dict[str, EvaluatorStatsDict]:
        """Sum up the results that were read, by evaluator."""
        return self._run.statistics()

    def __repr__(self) -> str:
        return json.dumps(self._run.info, indent=2)
