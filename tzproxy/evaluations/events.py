"""The events of a run. Field order is the wire's. Cold.

Source: `POST /internal/evaluations/run` of TensorZero 2026.6.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from tzproxy.datasets.answers import Datapoint
from tzproxy.types.response import ChatResponse, JsonResponse, ResponseUsage

Value = bool | float | None


class Start(Struct, tag="start", tag_field="type", frozen=True, kw_only=True):
    """The run has begun."""

    evaluation_run_id: str
    num_datapoints: int
    evaluation_name: str
    dataset_name: str | UnsetType
    variant_name: str | UnsetType
    evaluation_config: dict[str, object]


class Success(Struct, tag="success", tag_field="type", frozen=True, kw_only=True):
    """A datapoint was answered. Each evaluator that looked is in one of the two tables.

    `processing_time_ms`: of the inference alone.
    """

    evaluation_run_id: str
    datapoint: Datapoint
    response: ChatResponse | JsonResponse
    evaluations: dict[str, Value]
    """Null: there was nothing to score."""
    evaluator_errors: dict[str, str]
    processing_time_ms: float


class Failure(Struct, tag="error", tag_field="type", frozen=True, kw_only=True):
    """A datapoint was not answered. The run goes on."""

    evaluation_run_id: str
    datapoint_id: str
    message: str


class FatalError(Struct, tag="fatal_error", tag_field="type", frozen=True, kw_only=True):
    """The run has ended before its time."""

    evaluation_run_id: str
    message: str


class RunUsage(Struct, frozen=True, kw_only=True):
    """What the evaluated inferences took; judges are not in it. Unset: unknown for one of them at least."""

    success_count: int
    error_count: int
    total_input_tokens: int | UnsetType
    total_output_tokens: int | UnsetType
    total_cost: float | UnsetType
    total_processing_time_ms: float


class Complete(Struct, tag="complete", tag_field="type", frozen=True, kw_only=True):
    """The run is over and its rows are stored."""

    evaluation_run_id: str
    usage: RunUsage


Event = Start | Success | Failure | FatalError | Complete


class UsageCount:
    """Adds up what a run takes."""

    def __init__(self) -> None:
        self._successes = 0
        self._errors = 0
        self._input: int | None = 0
        self._output: int | None = 0
        self._cost: float | None = 0.0
        self._time_ms = 0.0

    def add(self, event: Event) -> None:
        """Take an event of the run."""
        if isinstance(event, Failure):
            self._errors += 1
        elif isinstance(event, Success):
            self._successes += 1
            self._time_ms += event.processing_time_ms
            self._add_usage(event.response.usage)

    def _add_usage(self, usage: ResponseUsage) -> None:
        self._input = _sum(self._input, usage.input_tokens)
        self._output = _sum(self._output, usage.output_tokens)
        self._cost = None if self._cost is None or usage.cost is None else self._cost + usage.cost

    def total(self) -> RunUsage:
        """Return what there was so far."""
        return RunUsage(
            success_count=self._successes,
            error_count=self._errors,
            total_input_tokens=UNSET if self._input is None else self._input,
            total_output_tokens=UNSET if self._output is None else self._output,
            total_cost=UNSET if self._cost is None else self._cost,
            total_processing_time_ms=self._time_ms,
        )


def _sum(total: int | None, more: int | None) -> int | None:
    return None if total is None or more is None else total + more
