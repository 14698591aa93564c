"""The arguments of methods that take many: names, types and defaults, all by keyword. Cold.

Declared once for both clients. What is not given is None, unless `DEFAULTS` says otherwise.
"""

# Without postponed annotations: which keys are required is read from them when the classes are made.
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Required, TypedDict, TypeVar

from tzproxy.client.ids import Id
from tzproxy.client.types.answers import InferenceInput
from tzproxy.client.types.blocks import Input
from tzproxy.client.types.extras import ExtraBody, ExtraHeader, InferenceParams

F = TypeVar("F", bound=Callable[..., Any])
DEFAULTS: Mapping[str, Any] = {"concurrency": 1, "inference_cache": "on"}


class InferenceArguments(TypedDict, total=False):
    """Arguments of `inference`."""

    input: Required[InferenceInput | Input | dict[str, Any]]
    function_name: str | None
    model_name: str | None
    episode_id: Id | None
    namespace: str | None
    stream: bool | None
    params: dict[str, Any] | InferenceParams | None
    variant_name: str | None
    dryrun: bool | None
    output_schema: dict[str, Any] | None
    allowed_tools: list[str] | None
    additional_tools: Sequence[Any] | None
    provider_tools: Sequence[Any] | None
    tool_choice: Literal["auto", "required", "off", "none"] | dict[Literal["specific"], str] | None
    parallel_tool_calls: bool | None
    internal: bool | None
    tags: dict[str, str] | None
    credentials: dict[str, str] | None
    cache_options: dict[str, Any] | None
    extra_body: Sequence[ExtraBody | dict[str, Any]] | None
    extra_headers: Sequence[ExtraHeader | dict[str, Any]] | None
    include_original_response: bool | None
    include_raw_response: bool | None
    include_raw_usage: bool | None
    include_aggregated_response: bool | None
    otlp_traces_extra_headers: dict[str, str] | None
    otlp_traces_extra_attributes: dict[str, str] | None
    otlp_traces_extra_resources: dict[str, str] | None
    internal_dynamic_variant_config: dict[str, Any] | None
    gateway_http_headers: dict[str, str] | None


class FeedbackArguments(TypedDict, total=False):
    """Arguments of `feedback`."""

    metric_name: Required[str]
    value: Required[Any]
    inference_id: Id | None
    episode_id: Id | None
    dryrun: bool | None
    internal: bool | None
    tags: dict[str, str] | None


class EvaluationArguments(TypedDict, total=False):
    """Arguments of `experimental_run_evaluation`."""

    evaluation_name: str | None
    function_name: str | None
    evaluator_names: list[str] | None
    dataset_name: str | None
    datapoint_ids: list[str] | None
    variant_name: str | None
    concurrency: int
    inference_cache: str
    internal_dynamic_variant_config: dict[str, Any] | None
    max_datapoints: int | None
    adaptive_stopping: dict[str, dict[str, float]] | None


class OptimizationWorkflowArguments(TypedDict, total=False):
    """Arguments of `experimental_launch_optimization_workflow`."""

    function_name: Required[str]
    template_variant_name: Required[str]
    optimizer_config: Required[Any]
    output_source: str | None
    dataset_name: str | None
    query_variant_name: str | None
    filters: dict[str, Any] | None
    order_by: list[dict[str, Any]] | None
    limit: int | None
    offset: int | None
    val_fraction: float | None


class GepaArguments(TypedDict, total=False):
    """Arguments of `optimization.gepa.launch`."""

    function_name: Required[str]
    analysis_model: Required[str]
    mutation_model: Required[str]
    max_iterations: Required[int]
    dataset_name: str | None
    train_dataset_name: str | None
    val_dataset_name: str | None
    evaluation_name: str | None
    evaluators: list[str] | None
    initial_variants: list[str] | None
    variant_prefix: str | None
    batch_size: int | None
    seed: int | None
    include_inference_for_mutation: bool | None
    max_concurrency: int | None
    max_datapoints: int | None


def takes(arguments: type) -> Callable[[F], F]:
    """Give a method that takes `**arguments` the signature that its arguments are declared with."""

    def sign(method: F) -> F:
        found = inspect.signature(method)
        me = next(iter(found.parameters.values()))
        named = [_parameter(name, arguments) for name in arguments.__annotations__]
        method.__signature__ = found.replace(parameters=[me, *named])  # type: ignore[attr-defined]
        return method

    return sign


def _parameter(name: str, arguments: type) -> inspect.Parameter:
    required: frozenset[str] = arguments.__required_keys__  # type: ignore[attr-defined]
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if name in required else DEFAULTS.get(name),
        annotation=arguments.__annotations__[name],
    )


def check(method: str, given: Mapping[str, Any], arguments: type) -> None:
    """Check names, as Python would if the method declared them.

    Raises:
        TypeError: for an argument that is unknown, or one that is missing.
    """
    required: frozenset[str] = arguments.__required_keys__  # type: ignore[attr-defined]
    for name in given:
        if name not in arguments.__annotations__:
            raise TypeError(f"{method}() got an unexpected keyword argument '{name}'")
    missing = [name for name in arguments.__annotations__ if name in required and name not in given]
    if missing:
        raise TypeError(
            f"{method}() missing {len(missing)} required keyword argument(s): {', '.join(missing)}"
        )
