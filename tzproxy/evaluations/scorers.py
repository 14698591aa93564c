"""Evaluators that need no model: a comparison, a pattern, the tools that were called. Warm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tzproxy.config.evaluators import (
    EvaluatorKind,
    ExactMatchConfig,
    LlmJudgeConfig,
    RegexConfig,
    ToolUseConfig,
    TypescriptConfig,
)
from tzproxy.config.patterns import compile_pattern
from tzproxy.evaluations.errors import ScoreError
from tzproxy.evaluations.outcome import ENCODER, TREE, Outcome, same
from tzproxy.types.content import Text, ToolCallOutput

Scorer = Callable[[Outcome], bool | None]
"""Returns the value, or None where there is nothing to score; raises ScoreError."""


def scorer_of(config: EvaluatorKind) -> Scorer:
    """Compile an evaluator that is no judge.

    Raises:
        PatternError: for a pattern that is none.
    """
    match config:
        case ExactMatchConfig():
            return exact_match
        case RegexConfig():
            return _Pattern(config)
        case ToolUseConfig():
            return _ToolUse(config)
        case TypescriptConfig():
            return _typescript
        case LlmJudgeConfig():
            raise AssertionError("a judge is asked, not compiled")


def exact_match(outcome: Outcome) -> bool | None:
    """Compare with the reference: blocks one by one, or what the JSON text says."""
    reference = outcome.reference
    if reference is None:
        return None
    if outcome.is_json:
        if reference.get("parsed") is None:
            return None
        parsed = outcome.output.parsed
        return parsed is not None and same(reference["parsed"], TREE.decode(parsed))
    generated = TREE.decode(ENCODER.encode(outcome.blocks))
    return same(_present(reference), _present(generated))


def _present(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop nulls: whether an absent field is written is not part of what was said."""
    return [{key: value for key, value in block.items() if value is not None} for block in blocks]


class _Pattern:
    def __init__(self, config: RegexConfig) -> None:
        self._must = None if config.must_match is None else compile_pattern(config.must_match)
        self._must_not = None if config.must_not_match is None else compile_pattern(config.must_not_match)

    def __call__(self, outcome: Outcome) -> bool:
        if outcome.is_json:
            text = outcome.output.raw
            if text is None:
                return self._must is None
        else:
            text = "".join(block.text for block in outcome.blocks if isinstance(block, Text))
        if self._must is not None and not self._must(text):
            return False
        return self._must_not is None or not self._must_not(text)


class _ToolUse:
    def __init__(self, config: ToolUseConfig) -> None:
        self._behavior = config.behavior
        self._tools = Counter(config.tools)

    def __call__(self, outcome: Outcome) -> bool:
        if outcome.is_json:
            raise ScoreError(
                "Tool use evaluator does not support JSON inferences "
                "(tool calls only exist in chat inferences)"
            )
        called = Counter(block.raw_name for block in outcome.blocks if isinstance(block, ToolCallOutput))
        match self._behavior:
            case "none":
                return not called
            case "any":
                return bool(called)
            case "none_of":
                return not any(name in called for name in self._tools)
            case "any_of":
                return any(name in called for name in self._tools)
            case "all_of":
                # A tool that is listed twice has to be called twice.
                return self._tools <= called


def _typescript(outcome: Outcome) -> bool | None:
    raise ScoreError("Evaluators in TypeScript are not supported")
