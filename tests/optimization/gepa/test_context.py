"""Tests of `tzproxy.optimization.gepa.context`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluations.samples import CONFIG, FILES, judge
from tzproxy.config import LoadedConfig, load_config
from tzproxy.evaluations.request import EvaluationRequest
from tzproxy.evaluations.target import Targets
from tzproxy.optimization.gepa.context import (
    describe_evaluators,
    describe_function,
    pretty,
    section,
    shown_templates,
)

MORE = """
[functions.tooled]
type = "chat"
description = "Looks things up."
tools = ["find"]
tool_choice = "required"
schemas.system.path = "answer.json"
[functions.tooled.variants.v]
type = "chat_completion"
model = "m"
templates.system.path = "judge.txt"
[tools.find]
name = "look_up"
description = "Finds it."
parameters = "answer.json"
"""


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedConfig:
    """A configuration with functions and evaluators of every kind."""
    scored = judge("functions.extract.evaluators.score", "llm_judge::one", "float").replace('"max"', '"min"')
    for name, text in {**FILES, "c.toml": CONFIG + MORE + scored}.items():
        (tmp_path / name).write_text(text)
    return load_config(str(tmp_path / "c.toml"), environ={"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"})


def test_functions(loaded: LoadedConfig) -> None:
    """What it is for, what it takes, what it may call, what it has to answer; nothing that is not set."""
    assert describe_function(loaded, "talk") == {"name": "talk", "type": "chat"}
    assert describe_function(loaded, "extract") == {
        "name": "extract",
        "type": "json",
        "output_schema": {"type": "object"},
    }
    assert describe_function(loaded, "tooled") == {
        "name": "tooled",
        "description": "Looks things up.",
        "input_schemas": {"system": {"type": "object"}},
        "type": "chat",
        "tools": [{"name": "look_up", "description": "Finds it.", "parameters": {"type": "object"}}],
        "tool_choice": "required",
    }


def test_evaluators(loaded: LoadedConfig) -> None:
    """What each looks for, which direction is better, and what a judge was told."""
    request = EvaluationRequest(function_name="extract", evaluator_names=["same", "calls", "score"])
    told = describe_evaluators(Targets(loaded.config).find(request))
    assert told["same"] == {"type": "exact_match", "value": "boolean", "better": "true"}
    assert told["calls"] == {"type": "tool_use", "behavior": "none", "value": "boolean", "better": "true"}
    assert told["score"]["judge_instructions"] == ["Judge it."]
    assert (told["score"]["value"], told["score"]["better"]) == ("float", "lower")
    json.dumps(told)


def test_how_it_is_written() -> None:
    """Everything stands apart from the rest."""
    assert section("a", "b") == "<a>\nb\n</a>"
    assert pretty({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'
    assert shown_templates({"x": "1", "y": "2"}) == (
        '<template name="x">\n1\n</template>\n<template name="y">\n2\n</template>'
    )
