"""What follows from a configuration: functions of judges, built-in functions, metrics, copied timeouts.

Must not: refuse anything but what cannot be derived. Cold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

from tzproxy.config.evaluators import LlmJudgeConfig
from tzproxy.config.functions import (
    ChatFunctionConfig,
    FunctionConfig,
    JsonFunctionConfig,
    MetricConfig,
    ToolConfig,
    schema_slots,
    template_slots,
)
from tzproxy.config.judges import derived_metric, iter_evaluators, judge_function
from tzproxy.config.problems import Path, Problems
from tzproxy.config.requests import NonStreamingTimeouts, StreamingTimeouts, TimeoutsConfig
from tzproxy.config.root import Config
from tzproxy.config.scalars import FileData
from tzproxy.config.variants import (
    BestOfNConfig,
    ChatCompletionOptions,
    MixtureOfNConfig,
    VariantConfig,
    chat_parts,
)

DEFAULT_FUNCTION = "tensorzero::default"
_GEPA = "tensorzero::optimization::gepa::"


def builtin_functions() -> dict[str, FunctionConfig]:
    """Return the functions that every configuration has; none has variants."""
    return {
        DEFAULT_FUNCTION: ChatFunctionConfig(variants={}),
        f"{_GEPA}analyze": ChatFunctionConfig(variants={}),
        f"{_GEPA}mutate": JsonFunctionConfig(variants={}),
    }


def derived_functions(config: Config) -> dict[str, FunctionConfig]:
    """Return the configured functions and those of judges."""
    functions = dict(config.functions)
    for scope in iter_evaluators(config):
        if isinstance(scope.evaluator, LlmJudgeConfig):
            function = judge_function(scope.judge, scope.evaluator)
            functions[scope.judge] = _with_timeouts(function, scope.path, Problems())
    return functions


def derived_metrics(config: Config) -> dict[str, MetricConfig]:
    """Return the configured metrics and those of evaluators."""
    metrics = dict(config.metrics)
    for scope in iter_evaluators(config):
        metrics[scope.metric] = derived_metric(scope.evaluator)
    return metrics


def propagate_timeouts(config: Config, problems: Problems) -> Config:
    """Return the configuration with `timeout_s` of best-of-n and mixture-of-n copied onto their candidates.

    A candidate with `timeouts` of its own is reported; of two values the smaller one counts.
    """
    functions = {
        name: _with_timeouts(function, ("functions", name), problems)
        for name, function in config.functions.items()
    }
    return msgspec.structs.replace(config, functions=functions)


def _with_timeouts(function: FunctionConfig, path: Path, problems: Problems) -> FunctionConfig:
    limits_ms: dict[str, int] = {}
    for name, variant in function.variants.items():
        if not isinstance(variant, (BestOfNConfig, MixtureOfNConfig)) or variant.timeout_s is None:
            continue
        here = (*path, "variants", name, "timeout_s")
        if not math.isfinite(variant.timeout_s) or variant.timeout_s < 0:
            problems.add(here, f"`timeout_s` must be a finite non-negative number, got {variant.timeout_s}")
            continue
        limit_ms = math.trunc(variant.timeout_s * 1000)
        for candidate in variant.candidates:
            other = function.variants.get(candidate)
            if other is not None and other.timeouts != TimeoutsConfig():
                problems.add(here, f"cannot use `timeout_s` when candidate `{candidate}` has `timeouts`")
            limits_ms[candidate] = min(limit_ms, limits_ms.get(candidate, limit_ms))
    if not limits_ms:
        return function
    variants: dict[str, VariantConfig] = dict(function.variants)
    for name, limit_ms in limits_ms.items():
        if name in variants:
            timeouts = TimeoutsConfig(
                non_streaming=NonStreamingTimeouts(total_ms=limit_ms),
                streaming=StreamingTimeouts(ttft_ms=limit_ms),
            )
            variants[name] = msgspec.structs.replace(variants[name], timeouts=timeouts)
    return msgspec.structs.replace(function, variants=variants)


def template_files(functions: Mapping[str, FunctionConfig]) -> Iterator[FileData]:
    """Yield the templates of all variants, evaluators and fusers; a file may come more than once."""
    for function in functions.values():
        for variant in function.variants.values():
            for _, part in chat_parts(variant):
                if isinstance(part, ChatCompletionOptions):
                    yield from (slot.file for slot in template_slots(part).values())


def schema_files(
    functions: Mapping[str, FunctionConfig], tools: Mapping[str, ToolConfig]
) -> Iterator[FileData]:
    """Yield the JSON Schemas of all functions and tools; a file may come more than once."""
    for function in functions.values():
        yield from (slot.file for slot in schema_slots(function).values())
        if isinstance(function, JsonFunctionConfig) and function.output_schema is not None:
            yield function.output_schema
    for tool in tools.values():
        yield tool.parameters
