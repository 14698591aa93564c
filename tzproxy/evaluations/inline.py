"""Evaluations that come with the request: what the `start` event describes, read back. Cold.

Judges come without their variants: the function that asks them is configured.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from tzproxy.config.evaluators import (
    EvaluatorKind,
    ExactMatchConfig,
    JudgeIncludeConfig,
    LlmJudgeConfig,
    RegexConfig,
    ToolUseConfig,
    TypescriptConfig,
)
from tzproxy.errors import RequestError


class _ExactMatch(Struct, tag="exact_match", tag_field="type", frozen=True):
    cutoff: float | None = None


class _Include(Struct, frozen=True):
    reference_output: bool = False


class _Judge(Struct, tag="llm_judge", tag_field="type", frozen=True):
    output_type: Literal["boolean", "float"]
    optimize: Literal["min", "max"]
    input_format: Literal["serialized", "messages"] = "serialized"
    include: _Include = _Include()
    cutoff: float | None = None
    description: str | None = None


class _ToolUse(Struct, tag="tool_use", tag_field="type", frozen=True):
    behavior: Literal["none", "any", "none_of", "any_of", "all_of"]
    tools: tuple[str, ...] = ()


class _Regex(Struct, tag="regex", tag_field="type", frozen=True):
    must_match: str | None = None
    must_not_match: str | None = None


class _Typescript(Struct, tag="typescript", tag_field="type", frozen=True):
    output_type: Literal["boolean", "float"] = "float"
    optimize: Literal["min", "max"] = "max"


class _Evaluation(Struct, frozen=True):
    function_name: str
    evaluators: dict[str, _ExactMatch | _Judge | _ToolUse | _Regex | _Typescript] = {}


DECODER = msgspec.json.Decoder(_Evaluation)


class InlineEvaluation(Struct, frozen=True):
    """A function by name and its evaluators."""

    function_name: str
    evaluators: dict[str, EvaluatorKind]


def read_evaluation(raw: bytes) -> InlineEvaluation:
    """Read an evaluation.

    Raises:
        RequestError: when it is none.
    """
    try:
        read = DECODER.decode(raw)
    except msgspec.DecodeError as exc:
        raise RequestError(f"evaluation_config: {exc}") from exc
    return InlineEvaluation(
        read.function_name, {name: _configured(evaluator) for name, evaluator in read.evaluators.items()}
    )


def _configured(read: _ExactMatch | _Judge | _ToolUse | _Regex | _Typescript) -> EvaluatorKind:
    match read:
        case _ExactMatch():
            return ExactMatchConfig(cutoff=read.cutoff)
        case _Judge():
            return LlmJudgeConfig(
                output_type=read.output_type,
                optimize=read.optimize,
                variants={},
                input_format=read.input_format,
                include=JudgeIncludeConfig(reference_output=read.include.reference_output),
                cutoff=read.cutoff,
                description=read.description,
            )
        case _ToolUse():
            return ToolUseConfig(behavior=read.behavior, tools=read.tools)
        case _Regex():
            return RegexConfig(must_match=read.must_match, must_not_match=read.must_not_match)
        case _Typescript():
            return TypescriptConfig(typescript_file="", output_type=read.output_type, optimize=read.optimize)
