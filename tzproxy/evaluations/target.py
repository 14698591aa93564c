"""What is evaluated: a function and its evaluators, configured or brought by the request. Cold.

All of it is compiled when the configuration loads; a request looks it up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from tzproxy.config.evaluators import (
    EvaluatorKind,
    ExactMatchConfig,
    LlmJudgeConfig,
    RegexConfig,
    ToolUseConfig,
    TypescriptConfig,
)
from tzproxy.config.judges import EvaluatorScope, derived_metric, evaluation_scope, iter_evaluators
from tzproxy.config.patterns import PatternError
from tzproxy.config.root import Config
from tzproxy.errors import RequestError
from tzproxy.evaluations.inline import InlineEvaluation, read_evaluation
from tzproxy.evaluations.request import EvaluationRequest
from tzproxy.evaluations.scorers import Scorer, scorer_of
from tzproxy.types.request import given


class Evaluator(Struct, frozen=True, kw_only=True):
    """An evaluator, ready to score. `judge` is the name of its function, if it is a judge."""

    name: str
    metric: str
    value_type: Literal["boolean", "float"]
    optimize: Literal["min", "max"]
    config: EvaluatorKind
    judge: str | None
    scorer: Scorer | None
    """None for a judge: it needs an inference."""


class Target(Struct, frozen=True, kw_only=True):
    """A function and what scores it. `evaluation_name` None: the evaluators are the function's own."""

    evaluation_name: str | None
    function_name: str
    evaluators: Sequence[Evaluator]


class Targets:
    """All configured evaluations and evaluators."""

    def __init__(self, config: Config) -> None:
        """Compile them."""
        self._functions: dict[str, dict[str, Evaluator]] = {name: {} for name in config.functions}
        self._evaluations: dict[str, list[Evaluator]] = {name: [] for name in config.evaluations}
        self._function_names = {name: entry.function_name for name, entry in config.evaluations.items()}
        for scope in iter_evaluators(config):
            table, owner = scope.path[:2]
            if table == "functions":
                self._functions[str(owner)][scope.name] = _evaluator(scope)
            else:
                self._evaluations[str(owner)].append(_evaluator(scope))

    def find(self, request: EvaluationRequest) -> Target:
        """Return what a request wants evaluated.

        Raises:
            RequestError: when it does not say, or names what does not exist.
        """
        brought = given(request.evaluation_config)
        if brought is not None:
            return self._brought(request, brought)
        if request.evaluation_name is not None and request.function_name is not None:
            raise RequestError("Cannot provide both `evaluation_name` and `function_name`")
        if request.evaluation_name is not None:
            return self._named(request.evaluation_name)
        if request.function_name is None or request.evaluator_names is None:
            raise RequestError(
                "Either `evaluation_name`, or `function_name` and `evaluator_names` must be provided"
            )
        return self._of_function(request.function_name, request.evaluator_names)

    def _named(self, name: str) -> Target:
        if name not in self._evaluations:
            raise RequestError(f"Evaluation `{name}` not found in config")
        return Target(
            evaluation_name=name,
            function_name=self._function_names[name],
            evaluators=self._evaluations[name],
        )

    def _of_function(self, function_name: str, names: Sequence[str]) -> Target:
        evaluators = self._known(function_name)
        for name in names:
            if name not in evaluators:
                raise RequestError(f"Evaluator `{name}` not found on function `{function_name}`")
        return Target(
            evaluation_name=None,
            function_name=function_name,
            evaluators=[evaluators[name] for name in dict.fromkeys(names)],
        )

    def _brought(self, request: EvaluationRequest, brought: Raw) -> Target:
        name = request.evaluation_name
        if name is None:
            raise RequestError("`evaluation_name` is required with `evaluation_config`")
        evaluation: InlineEvaluation = read_evaluation(bytes(brought))
        self._known(evaluation.function_name)
        scopes = [
            evaluation_scope(name, evaluator_name, evaluator)
            for evaluator_name, evaluator in evaluation.evaluators.items()
        ]
        try:
            evaluators = [_evaluator(scope) for scope in scopes]
        except PatternError as exc:
            raise RequestError(f"evaluation_config: invalid regex: {exc}") from exc
        return Target(evaluation_name=name, function_name=evaluation.function_name, evaluators=evaluators)

    def _known(self, function_name: str) -> Mapping[str, Evaluator]:
        evaluators = self._functions.get(function_name)
        if evaluators is None:
            raise RequestError(f"Function `{function_name}` not found in config")
        return evaluators


def _evaluator(scope: EvaluatorScope) -> Evaluator:
    config = scope.evaluator
    metric = derived_metric(config)
    is_judge = isinstance(config, LlmJudgeConfig)
    return Evaluator(
        name=scope.name,
        metric=scope.metric,
        value_type=metric.type,
        optimize=metric.optimize,
        config=config,
        judge=scope.judge if is_judge else None,
        scorer=None if is_judge else scorer_of(config),
    )


def described(target: Target) -> dict[str, object]:
    """Describe a target as the `start` event does; clients read from it how values are to be summed up."""
    return {
        "type": "inference",
        "function_name": target.function_name,
        "evaluators": {evaluator.name: _described(evaluator.config) for evaluator in target.evaluators},
    }


def _described(config: EvaluatorKind) -> dict[str, object]:
    match config:
        case ExactMatchConfig(cutoff=cutoff):
            known: dict[str, object] = {"type": "exact_match", "cutoff": cutoff}
        case LlmJudgeConfig():
            known = {
                "type": "llm_judge",
                "input_format": config.input_format,
                "output_type": config.output_type,
                "include": {"reference_output": config.include.reference_output},
                "optimize": config.optimize,
                "cutoff": config.cutoff,
                "description": config.description,
            }
        case ToolUseConfig(behavior=behavior, tools=tools):
            offered = list(tools) if behavior.endswith("_of") else None
            known = {"type": "tool_use", "behavior": behavior, "tools": offered}
        case RegexConfig():
            known = {"type": "regex", **msgspec.structs.asdict(config)}
        case TypescriptConfig():
            # Clients want a program there, and do nothing with it; nor does anybody else.
            kinds = {"output_type": config.output_type, "optimize": config.optimize}
            known = {"type": "typescript", "typescript_code": "", **kinds}
    return {key: value for key, value in known.items() if value is not None}
