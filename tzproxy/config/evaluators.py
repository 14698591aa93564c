"""Evaluators: `[functions.F.evaluators.E]`, `[evaluations.X]` and the variants of judges.

Must not: build the functions and metrics that follow from them; `judges` does. Cold.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tzproxy.config.decode import (
    INVALID,
    Context,
    Reads,
    decode,
    reader_of,
    unknown_field,
    unknown_variant,
    wrong_type,
)
from tzproxy.config.problems import Path
from tzproxy.config.requests import TimeoutsConfig
from tzproxy.config.scalars import F32, F64, U32, InlinedFile
from tzproxy.config.variants import JsonMode, SamplingParameters, ServiceTier


class JudgeOptions(SamplingParameters, frozen=True, kw_only=True):
    """Keys of a judge's chat completion, be it a variant, an evaluator or a fuser.

    Attributes:
        model: configured model or shorthand; required.
        system_instructions: instructions, compiled as a template; required.
        json_mode: how JSON is asked for; required.
        service_tier: default none, the provider's.
        active: whether the variant judges; default none. Of no meaning to evaluators and fusers.
    """

    model: str
    system_instructions: InlinedFile
    json_mode: JsonMode
    service_tier: ServiceTier | None = None
    active: bool | None = None


class JudgeEvaluatorConfig(JudgeOptions, frozen=True, kw_only=True):
    """`evaluator` of a judge's best-of-n variant."""


class JudgeFuserConfig(JudgeOptions, frozen=True, kw_only=True):
    """`fuser` of a judge's mixture-of-n variant."""


class JudgeChatCompletionConfig(
    JudgeOptions, frozen=True, kw_only=True, tag_field="type", tag="chat_completion"
):
    """Judge variant `type = "chat_completion"`.

    Attributes:
        timeouts: deadlines over everything the variant does.
    """

    timeouts: TimeoutsConfig = TimeoutsConfig()


class JudgeChainOfThoughtConfig(
    JudgeOptions, frozen=True, kw_only=True, tag_field="type", tag="experimental_chain_of_thought"
):
    """Judge variant `type = "experimental_chain_of_thought"`.

    Attributes:
        timeouts: deadlines over everything the variant does.
    """

    timeouts: TimeoutsConfig = TimeoutsConfig()


class JudgeBestOfNConfig(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="experimental_best_of_n_sampling",
):
    """Judge variant `type = "experimental_best_of_n_sampling"`.

    Attributes:
        evaluator: chooses the answer; required.
        candidates: variants of the same judge; default none.
        active: whether the variant judges; default none.
        timeout_s: deprecated deadline of each candidate in seconds; default none.
        timeouts: deadlines over everything the variant does.
    """

    evaluator: JudgeEvaluatorConfig
    candidates: tuple[str, ...] = ()
    active: bool | None = None
    timeout_s: F64 | None = None
    timeouts: TimeoutsConfig = TimeoutsConfig()


class JudgeMixtureOfNConfig(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="experimental_mixture_of_n",
):
    """Judge variant `type = "experimental_mixture_of_n"`.

    Attributes:
        fuser: joins the answers; required.
        candidates: variants of the same judge; default none.
        active: whether the variant judges; default none.
        timeout_s: deprecated deadline of each candidate in seconds; default none.
        timeouts: deadlines over everything the variant does.
    """

    fuser: JudgeFuserConfig
    candidates: tuple[str, ...] = ()
    active: bool | None = None
    timeout_s: F64 | None = None
    timeouts: TimeoutsConfig = TimeoutsConfig()


class JudgeDiclConfig(
    SamplingParameters,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="experimental_dynamic_in_context_learning",
):
    """Judge variant `type = "experimental_dynamic_in_context_learning"`.

    Attributes:
        embedding_model: configured embedding model or shorthand; required.
        k: number of examples; required.
        model: configured model or shorthand; required.
        system_instructions: plain text, no template; default a built-in text.
        active: whether the variant judges; default none.
        timeouts: deadlines over everything the variant does.
    """

    embedding_model: str
    k: U32
    model: str
    system_instructions: InlinedFile | None = None
    active: bool | None = None
    timeouts: TimeoutsConfig = TimeoutsConfig()


JudgeVariantConfig = (
    JudgeChatCompletionConfig
    | JudgeBestOfNConfig
    | JudgeMixtureOfNConfig
    | JudgeDiclConfig
    | JudgeChainOfThoughtConfig
)


class ExactMatchConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="exact_match"
):
    """`type = "exact_match"`.

    Attributes:
        cutoff: deprecated; default none.
    """

    cutoff: F32 | None = None


class JudgeIncludeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`include` of a judge: what it sees beside input and output.

    Attributes:
        reference_output: the datapoint's output; default false.
    """

    reference_output: bool = False


class LlmJudgeConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="llm_judge"
):
    """`type = "llm_judge"`.

    Attributes:
        output_type: kind of score; required.
        optimize: which direction is better; required.
        variants: the judge's variants, exactly one active; required.
        input_format: how the judge sees the input; default `serialized`.
        include: what it sees beside input and output.
        cutoff: deprecated; default none.
        description: default none.
    """

    output_type: Literal["boolean", "float"]
    optimize: Literal["min", "max"]
    variants: dict[str, JudgeVariantConfig]
    input_format: Literal["serialized", "messages"] = "serialized"
    include: JudgeIncludeConfig = JudgeIncludeConfig()
    cutoff: F32 | None = None
    description: str | None = None


class ToolUseConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_use"):
    """`type = "tool_use"`.

    Attributes:
        behavior: which calls count as success; required.
        tools: tool names, for the `_of` behaviours only.
    """

    behavior: Literal["none", "any", "none_of", "any_of", "all_of"]
    tools: tuple[str, ...] = ()


class RegexConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="regex"
):
    """`type = "regex"`; with both patterns both must hold.

    Attributes:
        must_match: pattern that has to be found; default none.
        must_not_match: pattern that must not be found; default none.
    """

    must_match: str | None = None
    must_not_match: str | None = None


class TypescriptConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="typescript"
):
    """`type = "typescript"`: read, not run.

    Attributes:
        typescript_file: the program; required.
        output_type: kind of score; required.
        optimize: which direction is better; required.
    """

    typescript_file: str
    output_type: Literal["boolean", "float"]
    optimize: Literal["min", "max"]


EvaluatorKind = ExactMatchConfig | LlmJudgeConfig | ToolUseConfig | RegexConfig | TypescriptConfig

_BEHAVIORS = ["none", "any", "none_of", "any_of", "all_of"]


def _read_tool_use(value: dict[str, object], path: Path, context: Context) -> object:
    behavior = value.get("behavior")
    if behavior is None:
        return context.reject(path, "missing tag field `behavior`")
    if not isinstance(behavior, str):
        return context.reject((*path, "behavior"), wrong_type(behavior, "a string"))
    if behavior not in _BEHAVIORS:
        return context.reject((*path, "behavior"), unknown_variant(behavior, _BEHAVIORS))
    names = ["type", "behavior", "tools"] if behavior.endswith("_of") else ["type", "behavior"]
    for key in value:
        if key not in names:
            context.problems.add((*path, key), unknown_field(key, names[2:]))
    if "tools" not in names:
        return ToolUseConfig(behavior=behavior)  # type: ignore[arg-type]  # checked above
    if "tools" not in value:
        return context.reject(path, "missing field `tools`")
    tools = reader_of(tuple[str, ...])(value["tools"], (*path, "tools"), context)
    return INVALID if tools is INVALID else ToolUseConfig(behavior=behavior, tools=tools)  # type: ignore[arg-type]


def _read_evaluator(value: object, path: Path, context: Context) -> object:
    if isinstance(value, dict) and value.get("type") == "tool_use":
        return _read_tool_use(value, path, context)
    return decode(EvaluatorKind, value, path, context)


Evaluator = Annotated[EvaluatorKind, Reads(_read_evaluator)]


class EvaluationConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[evaluations.X]`: deprecated place for evaluators.

    Attributes:
        type: `inference`; `static` is its deprecated name; required.
        function_name: the function under evaluation; required.
        evaluators: evaluators by name; default none.
        description: default none.
    """

    type: Literal["inference", "static"]
    function_name: str
    evaluators: dict[str, Evaluator] = {}
    description: str | None = None
