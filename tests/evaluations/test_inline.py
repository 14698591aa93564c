"""Tests of `tzproxy.evaluations.inline`."""

from __future__ import annotations

import msgspec
import pytest

from tzproxy.config.evaluators import (
    ExactMatchConfig,
    JudgeIncludeConfig,
    LlmJudgeConfig,
    RegexConfig,
    ToolUseConfig,
    TypescriptConfig,
)
from tzproxy.errors import RequestError
from tzproxy.evaluations.inline import read_evaluation

EVALUATION = {
    "type": "inference",
    "function_name": "f",
    "evaluators": {
        "same": {"type": "exact_match", "cutoff": None},
        "judge": {
            "type": "llm_judge",
            "input_format": "messages",
            "output_type": "float",
            "include": {"reference_output": True},
            "optimize": "min",
            "description": "d",
        },
        "calls": {"type": "tool_use", "behavior": "any_of", "tools": ["t"]},
        "loud": {"type": "regex", "must_match": "!"},
        "program": {"type": "typescript", "output_type": "boolean", "optimize": "max"},
    },
}


def test_every_kind_is_read() -> None:
    """What comes with a request is as good as what is configured, but for the variants of judges."""
    read = read_evaluation(msgspec.json.encode(EVALUATION))
    assert read.function_name == "f"
    assert read.evaluators == {
        "same": ExactMatchConfig(),
        "judge": LlmJudgeConfig(
            output_type="float",
            optimize="min",
            variants={},
            input_format="messages",
            include=JudgeIncludeConfig(reference_output=True),
            description="d",
        ),
        "calls": ToolUseConfig(behavior="any_of", tools=("t",)),
        "loud": RegexConfig(must_match="!"),
        "program": TypescriptConfig(typescript_file="", output_type="boolean", optimize="max"),
    }


def test_what_is_none_is_refused() -> None:
    """The bad key is named."""
    with pytest.raises(RequestError, match=r"^evaluation_config: .*\$\.function_name"):
        read_evaluation(b'{"function_name": 1}')
