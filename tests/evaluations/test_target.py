"""Tests of `tzproxy.evaluations.target`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from evaluations.samples import CONFIG, FILES
from in_process import DUMMY
from tzproxy.config import load_config
from tzproxy.errors import RequestError
from tzproxy.evaluations.request import EvaluationRequest
from tzproxy.evaluations.target import Target, Targets, described


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    """All evaluators of the samples."""
    for name, text in {**FILES, "tensorzero.toml": CONFIG}.items():
        (tmp_path / name).write_text(text)
    return Targets(load_config(str(tmp_path / "tensorzero.toml"), environ=DUMMY).config)


def find(targets: Targets, **fields: Any) -> Target:
    """Look up what a request wants."""
    return targets.find(msgspec.json.decode(msgspec.json.encode(fields), type=EvaluationRequest))


def test_a_named_evaluation(targets: Targets) -> None:
    """It has all its evaluators, under the evaluation's names."""
    target = find(targets, evaluation_name="quality")
    assert (target.evaluation_name, target.function_name) == ("quality", "talk")
    same, good, score = target.evaluators
    assert same.metric == "tensorzero::evaluation_name::quality::evaluator_name::same"
    assert (same.judge, same.value_type, same.optimize) == (None, "boolean", "max")
    assert good.judge == "tensorzero::llm_judge::quality::good"
    assert score.value_type == "float"
    assert described(target) == {
        "type": "inference",
        "function_name": "talk",
        "evaluators": {
            "same": {"type": "exact_match"},
            "good": {
                "type": "llm_judge",
                "input_format": "serialized",
                "output_type": "boolean",
                "include": {"reference_output": False},
                "optimize": "max",
            },
            "score": {
                "type": "llm_judge",
                "input_format": "serialized",
                "output_type": "float",
                "include": {"reference_output": True},
                "optimize": "max",
            },
        },
    }


def test_evaluators_of_a_function(targets: Targets) -> None:
    """Those that are named, each once; two functions may use one name."""
    target = find(targets, function_name="talk", evaluator_names=["loud", "calls", "program", "loud"])
    assert target.evaluation_name is None
    assert [entry.name for entry in target.evaluators] == ["loud", "calls", "program"]
    assert target.evaluators[0].metric == "tensorzero::function_name::talk::evaluator_name::loud"
    assert described(target)["evaluators"] == {
        "loud": {"type": "regex", "must_match": "explosion"},
        "calls": {"type": "tool_use", "behavior": "any"},
        "program": {
            "type": "typescript",
            "typescript_code": "",
            "output_type": "float",
            "optimize": "max",
        },
    }
    (same,) = find(targets, function_name="extract", evaluator_names=["same"]).evaluators
    assert same.metric == "tensorzero::function_name::extract::evaluator_name::same"


def test_an_evaluation_of_the_request(targets: Targets) -> None:
    """It is named by the request and needs no configuration but its function."""
    brought = {"function_name": "talk", "evaluators": {"x": {"type": "regex", "must_match": "a"}}}
    target = find(targets, evaluation_name="mine", evaluation_config=brought, function_config={})
    (evaluator,) = target.evaluators
    assert evaluator.metric == "tensorzero::evaluation_name::mine::evaluator_name::x"
    assert evaluator.scorer is not None


BROUGHT: dict[str, Any] = {"function_name": "talk", "evaluators": {"x": {"type": "regex", "must_match": "("}}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"evaluation_name": "ghost"}, "Evaluation `ghost` not found in config"),
        ({"function_name": "ghost", "evaluator_names": []}, "Function `ghost` not found in config"),
        (
            {"function_name": "talk", "evaluator_names": ["ghost"]},
            "Evaluator `ghost` not found on function `talk`",
        ),
        (
            {"function_name": "talk"},
            "Either `evaluation_name`, or `function_name` and `evaluator_names` must be provided",
        ),
        (
            {"evaluation_name": "quality", "function_name": "talk", "evaluator_names": []},
            "Cannot provide both `evaluation_name` and `function_name`",
        ),
        ({"evaluation_config": BROUGHT}, "`evaluation_name` is required with `evaluation_config`"),
        (
            {"evaluation_config": {"function_name": "ghost"}, "evaluation_name": "e"},
            "Function `ghost` not found in config",
        ),
        (
            {"evaluation_config": BROUGHT, "evaluation_name": "e"},
            "evaluation_config: invalid regex: missing ), unterminated subpattern at position 0",
        ),
    ],
)
def test_what_cannot_be_found(targets: Targets, fields: dict[str, Any], message: str) -> None:
    """What is missing is named."""
    with pytest.raises(RequestError) as failure:
        find(targets, **fields)
    assert (failure.value.status, failure.value.message) == (400, message)
