"""What pages about inference evaluations take and answer. Cold.

Field order is the wire's. Lists in query strings are written with commas. Times are UTC, whole seconds.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Raw, Struct

from tzproxy.types.params import U32


class EvaluationRunPage(Struct, frozen=True, kw_only=True):
    """A page of runs."""

    limit: U32 = 100
    offset: U32 = 0


class EvaluationRunSearch(Struct, frozen=True, kw_only=True):
    """Runs of an evaluation or a function in whose ids and names a text occurs, whatever its case."""

    query: str
    evaluation_name: str | None = None
    function_name: str | None = None
    limit: U32 = 100
    offset: U32 = 0


class RunsOfFunction(Struct, frozen=True, kw_only=True):
    """Some runs, all over one function."""

    evaluation_run_ids: str
    function_name: str


class RunsOfDatapoint(Struct, frozen=True, kw_only=True):
    """The runs that a datapoint was part of."""

    datapoint_id: UUID
    function_name: str


class RunIds(Struct, frozen=True, kw_only=True):
    """Some runs."""

    evaluation_run_ids: str


class StatisticsAsked(Struct, frozen=True, kw_only=True):
    """Some runs and the metrics that are wanted of them."""

    function_name: str
    metric_names: str
    evaluation_run_ids: str
    function_type: str | None = None


class UsageOfRuns(Struct, frozen=True, kw_only=True):
    """Some runs over one function."""

    function_name: str
    evaluation_run_ids: str
    function_type: str | None = None


class ResultPage(Struct, frozen=True, kw_only=True):
    """A page of the results of some runs; it holds `limit` datapoints, with all their results."""

    evaluation_run_ids: str
    evaluation_name: str | None = None
    datapoint_id: UUID | None = None
    limit: U32 = 100
    offset: U32 = 0


class HumanScoreAsked(Struct, frozen=True, kw_only=True):
    """What people said of an answer; `output` as it is stored."""

    metric_name: str
    output: str


class EvaluationRunEntry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A run in a list. `variant_name` is empty for a variant that the request brought."""

    evaluation_run_id: str
    evaluation_name: str
    dataset_name: str
    function_name: str
    variant_name: str
    created_at: str
    snapshot_hash: str | None = None


class FoundRun(Struct, frozen=True, kw_only=True):
    """A run that a search has found."""

    evaluation_run_id: str
    evaluation_name: str
    dataset_name: str
    variant_name: str


class RunInfo(Struct, frozen=True, kw_only=True):
    """What distinguishes a run from others over the same datapoints."""

    evaluation_run_id: str
    variant_name: str
    created_at: str


class RunStatistics(Struct, frozen=True, kw_only=True):
    """A metric over all datapoints of a run, with the bounds of its 95% interval."""

    evaluation_run_id: str
    metric_name: str
    datapoint_count: int
    mean_metric: float | None
    ci_lower: float | None
    ci_upper: float | None


class UsageOfRun(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the evaluated inferences of a run took. The cost is known only if that of every call is."""

    evaluation_run_id: str
    inference_count: int
    total_input_tokens: int | None = None
    total_output_tokens: int | None = None
    total_cost: float | None = None
    avg_processing_time_ms: float | None = None


class EvaluationResult(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer to a datapoint and one score of it; an answer without a score stands alone."""

    inference_id: str
    episode_id: str
    datapoint_id: str
    evaluation_run_id: str
    evaluator_inference_id: str | None = None
    input: Raw
    generated_output: Raw
    reference_output: Raw | None = None
    dataset_name: str
    metric_name: str | None = None
    metric_value: str | None = None
    feedback_id: str | None = None
    is_human_feedback: bool
    variant_name: str
    name: str | None = None
    staled_at: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    processing_time_ms: int | None = None
