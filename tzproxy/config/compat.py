"""Older spellings: rewrites the few that changed place, and says what is deprecated.

Must not: refuse anything. Cold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from tzproxy.config.document import Table
from tzproxy.config.evaluators import (
    JudgeBestOfNConfig,
    JudgeChainOfThoughtConfig,
    JudgeMixtureOfNConfig,
    LlmJudgeConfig,
)
from tzproxy.config.experimentation import Experiment
from tzproxy.config.functions import BaseFunctionConfig
from tzproxy.config.judges import iter_evaluators
from tzproxy.config.optimizers import GepaConfig
from tzproxy.config.problems import Path, format_path
from tzproxy.config.providers import (
    AnthropicProviderConfig,
    AwsProviderConfig,
    FireworksProviderConfig,
    OpenAIProviderConfig,
    OpenRouterProviderConfig,
    ProviderConfig,
    TogetherProviderConfig,
)
from tzproxy.config.root import Config
from tzproxy.config.variants import (
    BestOfNConfig,
    ChainOfThoughtConfig,
    ChatCompletionOptions,
    MixtureOfNConfig,
)

_EXPERIMENT_SUCCESSORS = {"uniform": "static", "static_weights": "static", "track_and_stop": "adaptive"}


def modernise(document: Table, file: str) -> None:
    """Rewrite keys of one file that have another place today."""
    gateway = document.get("gateway")
    if isinstance(gateway, dict) and gateway.get("enable_template_filesystem_access") is True:
        access = gateway.setdefault("template_filesystem_access", {})
        if isinstance(access, dict):
            access.setdefault("base_path", os.path.dirname(os.path.abspath(file)))


def deprecations(config: Config) -> list[str]:
    """Return a line for everything in the configuration that still works and has a successor."""
    return [f"{format_path(path)}: {text}" for path, text in _deprecations(config)]


def _deprecations(config: Config) -> Iterator[tuple[Path, str]]:
    yield from _gateway_deprecations(config)
    for section in ("models", "embedding_models"):
        for name, model in getattr(config, section).items():
            for provider_name, provider in model.providers.items():
                path = (section, name, "providers", provider_name)
                yield from (((*path, key), text) for key, text in _provider_deprecations(provider))
    for name, function in config.functions.items():
        yield from _function_deprecations(("functions", name), function)
    for name, evaluation in config.evaluations.items():
        yield ("evaluations", name), "top-level evaluations are deprecated, use `[functions.F.evaluators]`"
        if evaluation.type == "static":
            yield ("evaluations", name, "type"), 'the type "static" is deprecated, use "inference"'
    yield from _judge_deprecations(config)
    for name, optimizer in config.optimizers.items():
        if isinstance(optimizer, GepaConfig) and optimizer.evaluation_name is not None:
            yield ("optimizers", name, "evaluation_name"), "deprecated, use `evaluator_names`"


def _gateway_deprecations(config: Config) -> Iterator[tuple[Path, str]]:
    gateway = config.gateway
    if gateway.enable_template_filesystem_access is not None:
        yield (
            ("gateway", "enable_template_filesystem_access"),
            "deprecated, set `gateway.template_filesystem_access.base_path`",
        )
    if gateway.observability.disable_automatic_migrations:
        yield (
            ("gateway", "observability", "disable_automatic_migrations"),
            "deprecated, set `clickhouse.disable_automatic_migrations`",
        )
    access = gateway.template_filesystem_access
    if access is not None and access.enabled is not None:
        yield (
            ("gateway", "template_filesystem_access", "enabled"),
            "deprecated and without effect, set `base_path`",
        )
    if config.postgres.enabled is not None:
        yield ("postgres", "enabled"), "deprecated, set or unset `TENSORZERO_POSTGRES_URL`"


def _provider_deprecations(provider: ProviderConfig) -> Iterator[tuple[str, str]]:
    match provider:
        case AwsProviderConfig(allow_auto_detect_region=bool()):
            yield "allow_auto_detect_region", 'deprecated, use `region = "sdk"`'
        case (
            FireworksProviderConfig(parse_think_blocks=bool())
            | TogetherProviderConfig(parse_think_blocks=bool())
        ):
            yield "parse_think_blocks", "deprecated and without effect, thinking tags are always parsed"
        case OpenRouterProviderConfig(api_base=str()):
            yield "api_base", "deprecated"
        case OpenAIProviderConfig(api_base=str(base)) if base.rstrip("/").endswith("/chat/completions"):
            yield "api_base", "ends in `/chat/completions`, which is appended to it: give the part before"
        case AnthropicProviderConfig():
            if provider.beta_structured_outputs is not None:
                yield "beta_structured_outputs", "deprecated and without effect"
            if provider.api_base is not None and provider.api_base.rstrip("/").endswith("/messages"):
                yield "api_base", "ends in `/messages`, which is appended to it: give the part before"


def _function_deprecations(path: Path, function: BaseFunctionConfig) -> Iterator[tuple[Path, str]]:
    for name, variant in function.variants.items():
        here = (*path, "variants", name)
        if variant.weight is not None:
            yield (*here, "weight"), "deprecated, use `[functions.F.experimentation]`"
        if isinstance(variant, ChainOfThoughtConfig):
            yield (*here, "type"), '"experimental_chain_of_thought" is deprecated, use a reasoning model'
        if isinstance(variant, (BestOfNConfig, MixtureOfNConfig)) and variant.timeout_s is not None:
            yield (*here, "timeout_s"), "deprecated, give the candidates `timeouts`"
        if isinstance(variant, ChatCompletionOptions) and variant.input_wrappers is not None:
            yield (*here, "input_wrappers"), "deprecated, use templates"
    experimentation = function.experimentation
    if experimentation is None:
        return
    experiments: list[tuple[Path, Experiment]] = [((), experimentation.base)]
    experiments += [(("namespaces", name), entry) for name, entry in experimentation.namespaces.items()]
    for rest, experiment in experiments:
        tag = str(type(experiment).__struct_config__.tag)
        if tag in _EXPERIMENT_SUCCESSORS:
            yield (
                (*path, "experimentation", *rest, "type"),
                f'the type "{tag}" is deprecated, use "{_EXPERIMENT_SUCCESSORS[tag]}"',
            )


def _judge_deprecations(config: Config) -> Iterator[tuple[Path, str]]:
    for scope in iter_evaluators(config):
        if not isinstance(scope.evaluator, LlmJudgeConfig):
            continue
        for name, variant in scope.evaluator.variants.items():
            here = (*scope.path, "variants", name)
            if isinstance(variant, JudgeChainOfThoughtConfig):
                yield (*here, "type"), '"experimental_chain_of_thought" is deprecated, use a reasoning model'
            if (
                isinstance(variant, (JudgeBestOfNConfig, JudgeMixtureOfNConfig))
                and variant.timeout_s is not None
            ):
                yield (*here, "timeout_s"), "deprecated, give the candidates `timeouts`"
