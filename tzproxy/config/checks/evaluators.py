"""Checks of evaluators and of the functions that judges become."""

from __future__ import annotations

from tzproxy.config.checks.functions import check_function
from tzproxy.config.checks.scope import Scope
from tzproxy.config.derived import DEFAULT_FUNCTION, builtin_functions
from tzproxy.config.evaluators import LlmJudgeConfig, RegexConfig, ToolUseConfig
from tzproxy.config.judges import EvaluatorScope, iter_evaluators, judge_function
from tzproxy.config.patterns import PatternError, compile_pattern
from tzproxy.config.problems import suggest
from tzproxy.config.root import Config


def check_evaluators(config: Config, scope: Scope) -> None:
    """Report evaluators that could not run."""
    # The default function has its variants from requests: there is nothing to evaluate.
    known = scope.names("functions") | builtin_functions().keys() - {DEFAULT_FUNCTION}
    for name, evaluation in config.evaluations.items():
        path = ("evaluations", name)
        if "::" in name:
            scope.problems.add(
                path, f'evaluation names cannot contain "::" (referenced in `[evaluations.{name}]`)'
            )
        if evaluation.function_name not in known:
            function_name = evaluation.function_name
            hint = suggest(function_name, scope.names("functions"))
            reason = f"Function `{function_name}` not found (referenced in `[evaluations.{name}]`){hint}"
            scope.problems.add((*path, "function_name"), reason)
    for evaluator in iter_evaluators(config):
        if "::" in evaluator.name:
            reason = f'Evaluator names cannot contain "::" (referenced in `{evaluator.place}`)'
            scope.problems.add(evaluator.path, reason)
        _check_evaluator(evaluator, config, scope)


def _check_evaluator(entry: EvaluatorScope, config: Config, scope: Scope) -> None:
    prefix = f"Evaluator `{entry.name}` in `{entry.place}`"
    match entry.evaluator:
        case LlmJudgeConfig() as judge:
            active = [name for name, variant in judge.variants.items() if variant.active]
            only = len(judge.variants) == 1 and next(iter(judge.variants.values())).active is not False
            unread = len(scope.names(*(str(part) for part in entry.path), "variants")) > len(judge.variants)
            if len(active) != 1 and not only and not unread:
                scope.problems.add(
                    (*entry.path, "variants"),
                    f"{prefix} must have exactly 1 variant that is active. "
                    f"Found {len(active)} variants with nonzero weights.",
                )
            check_function(judge_function(entry.judge, judge), entry.path, config, scope)
        case ToolUseConfig(behavior=behavior, tools=tools):
            if behavior.endswith("_of") and not tools:
                reason = f"{prefix}: `tools` must be a non-empty list when behavior is `{behavior}`"
                scope.problems.add((*entry.path, "tools"), reason)
        case RegexConfig() as regex:
            if regex.must_match is None and regex.must_not_match is None:
                reason = f"{prefix}: at least one of `must_match` or `must_not_match` must be specified"
                scope.problems.add(entry.path, reason)
            for key in ("must_match", "must_not_match"):
                pattern = getattr(regex, key)
                try:
                    if pattern is not None:
                        compile_pattern(pattern)
                except PatternError as exc:
                    scope.problems.add((*entry.path, key), f"{prefix}: invalid regex in `{key}`: {exc}")
