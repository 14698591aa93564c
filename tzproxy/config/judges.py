"""The functions and metrics that follow from evaluators, so that the rest of the gateway sees ordinary ones.

Must not: check the evaluators; `checks` does. Cold.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tzproxy.config.evaluators import (
    EvaluatorKind,
    JudgeBestOfNConfig,
    JudgeChainOfThoughtConfig,
    JudgeChatCompletionConfig,
    JudgeDiclConfig,
    JudgeMixtureOfNConfig,
    JudgeOptions,
    JudgeVariantConfig,
    LlmJudgeConfig,
    TypescriptConfig,
)
from tzproxy.config.functions import JsonFunctionConfig, MetricConfig
from tzproxy.config.problems import Path
from tzproxy.config.root import Config
from tzproxy.config.scalars import FileData
from tzproxy.config.variants import (
    BestOfNConfig,
    ChainOfThoughtConfig,
    ChatCompletionConfig,
    DiclConfig,
    EvaluatorConfig,
    FuserConfig,
    MixtureOfNConfig,
    SamplingParameters,
    VariantConfig,
)

USER_SCHEMA = (
    '{"type":"object","properties":{"input":{"type":"string"},"generated_output":{"type":"string"},'
    '"reference_output":{"type":["string","null"]}},"required":["input","generated_output"],'
    '"additionalProperties":false}'
)
USER_TEMPLATE = (
    "# Input\n\n{{ input }}\n\n# Generated Output\n\n{{ generated_output }}"
    # No line between: what judges were told before, and how it was kept, is told the same way.
    "{% if reference_output is defined and reference_output %}"
    "# Reference Output\n\n{{ reference_output }}{% endif %}"
)


class EvaluatorScope(msgspec.Struct, frozen=True):
    """One evaluator, and the names that follow from the table it stands in.

    Attributes:
        path: its table.
        place: the table in messages, e.g. `[evaluations.x]`.
        name: its own name.
        metric: name of its metric.
        judge: name of the judge's function.
        evaluator: its configuration.
    """

    path: Path
    place: str
    name: str
    metric: str
    judge: str
    evaluator: EvaluatorKind


def iter_evaluators(config: Config) -> Iterator[EvaluatorScope]:
    """Yield all evaluators: of functions first, then of top-level evaluations."""
    for function_name, function in config.functions.items():
        for name, evaluator in function.evaluators.items():
            yield EvaluatorScope(
                path=("functions", function_name, "evaluators", name),
                place=f"[functions.{function_name}.evaluators]",
                name=name,
                metric=f"tensorzero::function_name::{function_name}::evaluator_name::{name}",
                judge=f"tensorzero::llm_judge::function_name::{function_name}::{name}",
                evaluator=evaluator,
            )
    for evaluation_name, evaluation in config.evaluations.items():
        for name, evaluator in evaluation.evaluators.items():
            yield evaluation_scope(evaluation_name, name, evaluator)


def evaluation_scope(evaluation_name: str, name: str, evaluator: EvaluatorKind) -> EvaluatorScope:
    """Name what belongs to an evaluator of a top-level evaluation."""
    return EvaluatorScope(
        path=("evaluations", evaluation_name, "evaluators", name),
        place=f"[evaluations.{evaluation_name}]",
        name=name,
        metric=f"tensorzero::evaluation_name::{evaluation_name}::evaluator_name::{name}",
        judge=f"tensorzero::llm_judge::{evaluation_name}::{name}",
        evaluator=evaluator,
    )


def derived_metric(evaluator: EvaluatorKind) -> MetricConfig:
    """Return the metric that an evaluator's scores are stored under."""
    if isinstance(evaluator, LlmJudgeConfig):
        return MetricConfig(
            type=evaluator.output_type,
            optimize=evaluator.optimize,
            level="inference",
            description=evaluator.description,
        )
    if isinstance(evaluator, TypescriptConfig):
        return MetricConfig(type=evaluator.output_type, optimize=evaluator.optimize, level="inference")
    return MetricConfig(type="boolean", optimize="max", level="inference")


def judge_function(name: str, judge: LlmJudgeConfig) -> JsonFunctionConfig:
    """Return the JSON function that asks a judge for its score; `name` is the function's."""
    score = "number" if judge.output_type == "float" else "boolean"
    output_schema = (
        '{"type":"object","properties":{"score":{"type":"'
        + score
        + '","description":"The score of the evaluation."}},'
        '"required":["score"],"additionalProperties":false}'
    )
    serialized = judge.input_format == "serialized"
    return JsonFunctionConfig(
        variants={
            variant_name: _judge_variant(
                f"{name}::{variant_name}", variant, serialized, len(judge.variants) == 1
            )
            for variant_name, variant in judge.variants.items()
        },
        description=judge.description,
        user_schema=FileData(f"{name}::user_schema", "", USER_SCHEMA) if serialized else None,
        output_schema=FileData(f"{name}::output_schema", "", output_schema),
    )


_SAMPLING_KEYS = [field.name for field in msgspec.structs.fields(SamplingParameters)]


def _sampling(options: SamplingParameters) -> dict[str, object]:
    return {key: getattr(options, key) for key in _SAMPLING_KEYS}


def _chat(key: str, options: JudgeOptions, serialized: bool) -> dict[str, object]:
    """Return the keys of a chat completion that speaks with the judge's instructions."""
    instructions = options.system_instructions
    return {
        **_sampling(options),
        "model": options.model,
        "service_tier": options.service_tier,
        # Templates lose a line feed at their end; instructions keep theirs.
        "system_template": FileData(f"{key}::system", instructions.path, instructions.text + "\n"),
        "user_template": FileData(f"{key}::user", "", USER_TEMPLATE) if serialized else None,
    }


def _judge_variant(key: str, variant: JudgeVariantConfig, serialized: bool, only: bool) -> VariantConfig:
    active = True if only and variant.active is None else variant.active
    weight = None if active is None else float(active)
    match variant:
        case JudgeChatCompletionConfig():
            keys = _chat(key, variant, serialized)
            return ChatCompletionConfig(**keys, weight=weight, timeouts=variant.timeouts)  # type: ignore[arg-type]
        case JudgeChainOfThoughtConfig():
            keys = _chat(key, variant, serialized)
            return ChainOfThoughtConfig(**keys, weight=weight, timeouts=variant.timeouts)  # type: ignore[arg-type]
        case JudgeBestOfNConfig():
            return BestOfNConfig(
                candidates=variant.candidates,
                evaluator=EvaluatorConfig(**_chat(key, variant.evaluator, serialized)),  # type: ignore[arg-type]
                weight=weight,
                timeout_s=variant.timeout_s,
                timeouts=variant.timeouts,
            )
        case JudgeMixtureOfNConfig():
            return MixtureOfNConfig(
                candidates=variant.candidates,
                fuser=FuserConfig(**_chat(key, variant.fuser, serialized)),  # type: ignore[arg-type]
                weight=weight,
                timeout_s=variant.timeout_s,
                timeouts=variant.timeouts,
            )
        case JudgeDiclConfig():
            # The only kind of judge that need not say how it asks for JSON.
            sampling = {**_sampling(variant), "json_mode": variant.json_mode or "strict"}
            return DiclConfig(
                **sampling,  # type: ignore[arg-type]
                embedding_model=variant.embedding_model,
                k=variant.k,
                model=variant.model,
                system_instructions=variant.system_instructions,
                weight=weight,
                timeouts=variant.timeouts,
            )
