"""Checks of `[functions]`, `[tools]` and `[metrics]`.

Must not: compile templates or schemas. Cold.
"""

from __future__ import annotations

import re

from tzproxy.config.checks.experiments import check_experimentation
from tzproxy.config.checks.scope import Scope
from tzproxy.config.checks.slots import check_schema_slots, check_template_slots
from tzproxy.config.checks.timeouts import check_timeouts
from tzproxy.config.functions import BaseFunctionConfig, ChatFunctionConfig
from tzproxy.config.problems import Path, format_path, suggest
from tzproxy.config.root import Config
from tzproxy.config.variants import (
    BestOfNConfig,
    ChainOfThoughtConfig,
    ChatCompletionConfig,
    ChatCompletionOptions,
    DiclConfig,
    EvaluatorConfig,
    MixtureOfNConfig,
    SamplingParameters,
    chat_parts,
)

_METRIC_NAME = re.compile(r"[A-Za-z0-9_\-.:/]+")


def check_functions(config: Config, scope: Scope) -> None:
    """Report functions, tools and metrics that could not be used."""
    for name, function in config.functions.items():
        path = ("functions", name)
        if name.startswith("tensorzero::"):
            scope.problems.add(path, f"User-defined function name cannot start with `tensorzero::`: {name}")
        check_function(function, path, config, scope)
        check_experimentation(function, path, config, scope)
        if isinstance(function, ChatFunctionConfig):
            for tool in function.tools:
                if tool not in scope.names("tools"):
                    hint = suggest(tool, scope.names("tools"))
                    scope.problems.add((*path, "tools"), f"tool `{tool}` is not present in the config{hint}")
    for name in config.tools:
        if name.startswith("tensorzero::"):
            scope.problems.add(("tools", name), f"Tool name cannot start with 'tensorzero::': {name}")
    for name in config.metrics:
        _check_metric_name(name, scope)


def _check_metric_name(name: str, scope: Scope) -> None:
    path = ("metrics", name)
    if name in ("comment", "demonstration"):
        scope.problems.add(path, f"Metric name '{name}' is reserved and cannot be used")
    elif name.startswith("tensorzero::"):
        scope.problems.add(path, f"Metric name cannot start with 'tensorzero::': {name}")
    elif not _METRIC_NAME.fullmatch(name):
        scope.problems.add(
            path,
            f"Metric name `{name}` contains characters that are not allowed: "
            "use letters, digits and `_`, `-`, `.`, `:`, `/`",
        )


def check_function(function: BaseFunctionConfig, path: Path, config: Config, scope: Scope) -> None:
    """Report what is wrong with a function's schemas and variants; also used for the functions of judges."""
    check_schema_slots(function, path, scope)
    for name in function.variants:
        if name.startswith("tensorzero::"):
            reason = f"Variant name cannot start with 'tensorzero::': {name}"
            scope.problems.add((*path, "variants", name), reason)
        check_variant(name, function, path, config, scope)


def check_variant(name: str, function: BaseFunctionConfig, path: Path, config: Config, scope: Scope) -> None:
    """Report what is wrong with one variant of a function; `path` is the function's."""
    variant = function.variants[name]
    here = (*path, "variants", name)
    if variant.weight is not None and not variant.weight >= 0:
        scope.problems.add((*here, "weight"), "`weight` must be non-negative")
    bound_ms = config.gateway.global_outbound_http_timeout_ms
    check_timeouts(variant.timeouts, (*here, "timeouts"), bound_ms, scope)
    for key, part in chat_parts(variant):
        _check_part(part, (*here, key) if key else here, function, path, scope)
    if isinstance(variant, ChainOfThoughtConfig) and isinstance(function, ChatFunctionConfig):
        kinds = f"of type `chain_of_thought` for function `{path[-1]}` of type `chat`"
        scope.problems.add((*here, "type"), f"Unsupported variant `{name}` {kinds}")
    if isinstance(variant, DiclConfig):
        _check_dicl(variant, here, config, scope)
    if isinstance(variant, (BestOfNConfig, MixtureOfNConfig)):
        _check_candidates(variant, name, function, path, scope)


def _check_part(
    part: ChatCompletionOptions | DiclConfig,
    path: Path,
    function: BaseFunctionConfig,
    function_path: Path,
    scope: Scope,
) -> None:
    if not scope.has_model(part.model):
        hint = suggest(part.model, scope.names("models"))
        scope.problems.add((*path, "model"), f"Model name '{part.model}' not found in model table{hint}")
    if isinstance(part, ChatCompletionOptions):
        check_template_slots(part, path, function, function_path, scope)
    if isinstance(function, ChatFunctionConfig):
        _check_chat_json_mode(part, path, function, scope)
    elif part.json_mode is None and not isinstance(part, EvaluatorConfig):
        # An evaluator asks for JSON in its own right: `strict` by default.
        scope.problems.add(
            path,
            f"`json_mode` must be specified for `[{format_path(path)}]` "
            f"(parent function `{function_path[-1]}` is a JSON function)",
        )


def _check_chat_json_mode(
    part: SamplingParameters, path: Path, function: ChatFunctionConfig, scope: Scope
) -> None:
    if part.json_mode is not None and isinstance(part, ChatCompletionConfig):
        reason = f"JSON mode is not supported for variant `{path[-1]}` (parent function is a chat function)"
        scope.problems.add((*path, "json_mode"), reason)
    elif part.json_mode == "tool" and function.tools:
        reason = 'Cannot use `json_mode = "tool"` with chat functions that have tools configured'
        scope.problems.add((*path, "json_mode"), reason)


def _check_dicl(variant: DiclConfig, path: Path, config: Config, scope: Scope) -> None:
    name = variant.embedding_model
    if not scope.has_embedding_model(name):
        hint = suggest(name, scope.names("embedding_models"))
        reason = f"`embedding_model` must be a valid embedding model name, got `{name}`{hint}"
        scope.problems.add((*path, "embedding_model"), reason)
    if variant.max_distance is not None and not variant.max_distance >= 0:
        reason = f"`max_distance` must be non-negative (got {variant.max_distance})"
        scope.problems.add((*path, "max_distance"), reason)
    model = config.embedding_models.get(name)
    bound_ms = config.gateway.global_outbound_http_timeout_ms
    if model is not None and model.timeout_ms is not None and model.timeout_ms > bound_ms:
        scope.problems.add(
            ("embedding_models", name, "timeout_ms"),
            f"The `timeout_ms` value `{model.timeout_ms}` is greater than "
            f"`gateway.global_outbound_http_timeout_ms`: `{bound_ms}`",
        )


def _check_candidates(
    variant: BestOfNConfig | MixtureOfNConfig,
    name: str,
    function: BaseFunctionConfig,
    path: Path,
    scope: Scope,
) -> None:
    here = (*path, "variants", name, "candidates")
    names = scope.names(*(str(part) for part in path), "variants") | function.variants.keys()
    for candidate in dict.fromkeys(variant.candidates):
        if candidate not in names:
            reason = f"Unknown candidate variant: {candidate}{suggest(candidate, names)}"
            scope.problems.add(here, reason)
    if name in _candidates_of(function, name):
        scope.problems.add(here, f"variant `{name}` is a candidate of itself")


def _candidates_of(function: BaseFunctionConfig, name: str) -> set[str]:
    """Return the candidates of a variant, theirs, and so on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        variant = function.variants.get(waiting.pop())
        for candidate in getattr(variant, "candidates", ()):
            if candidate not in found:
                found.add(candidate)
                waiting.append(candidate)
    return found
