"""Tests of `tzproxy.cli.evaluate_command`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result

from tzproxy.cli import evaluate
from tzproxy.cli.evaluate_command import read_values

Run = Callable[..., Result]
USUAL = ("evaluate", "-e", "quality", "-d", "set", "-v", "main")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[evaluate.EvaluateOptions]:
    """What was asked for."""
    options: list[evaluate.EvaluateOptions] = []

    def note(given: evaluate.EvaluateOptions) -> int:
        options.append(given)
        return 5

    monkeypatch.setattr(evaluate, "run", note)
    return options


def test_the_shortest_command(run: Run, asked: list[evaluate.EvaluateOptions]) -> None:
    """One datapoint after the other, with the cache, by a gateway in this process."""
    assert run(*USUAL).exit_code == 5
    assert asked == [
        evaluate.EvaluateOptions(
            request={
                "evaluation_name": "quality",
                "dataset_name": "set",
                "variant_name": "main",
                "concurrency": 1,
                "inference_cache": "on",
            },
            is_jsonl=False,
            cutoffs={},
            gateway_url=None,
            config_file="./config/tensorzero.toml",
            data_dir=Path(".tzproxy"),
        )
    ]


def test_all_flags(run: Run, asked: list[evaluate.EvaluateOptions]) -> None:
    """They are the original's."""
    result = run(
        *("evaluate", "--function-name", "f", "--evaluator-names", "a, b", "--datapoint-ids", "1,2"),
        *("--variant-name", "v", "--concurrency", "7", "--format", "jsonl", "--inference-cache", "off"),
        *("--adaptive-stopping-precision", "a=0.1,b=1", "--cutoffs", "a=0.5", "--gateway-url", "http://h"),
        *("--config-file", "c.toml", "--data-dir", "d"),
    )
    assert result.exit_code == 5
    (options,) = asked
    assert options.request == {
        "function_name": "f",
        "evaluator_names": ["a", "b"],
        "datapoint_ids": ["1", "2"],
        "variant_name": "v",
        "concurrency": 7,
        "inference_cache": "off",
        "precision_targets": {"a": 0.1, "b": 1.0},
    }
    assert (options.is_jsonl, options.cutoffs) == (True, {"a": 0.5})
    assert (options.gateway_url, options.config_file, options.data_dir) == ("http://h", "c.toml", Path("d"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "-e", "quality", "-d", "set"),
        ("evaluate", "-d", "set", "-v", "main"),
        ("evaluate", "-e", "quality", "-v", "main"),
        (*USUAL, "--function-name", "f", "--evaluator-names", "a"),
        ("evaluate", "--function-name", "f", "-d", "set", "-v", "main"),
        (*USUAL, "--datapoint-ids", "1"),
        ("evaluate", "-e", "quality", "-v", "main", "--datapoint-ids", "1", "--max-datapoints", "1"),
        ("evaluate", "-d", "set", "-v", "main", "--function-name", "f", "--evaluator-names", ","),
        ("evaluate", "-e", "quality", "-v", "main", "--datapoint-ids", ""),
        (*USUAL, "--format", "xml"),
        (*USUAL, "--inference-cache", "maybe"),
        (*USUAL, "--concurrency", "0"),
        (*USUAL, "--cutoffs", "a=-1"),
        (*USUAL, "--adaptive-stopping-precision", ""),
    ],
)
def test_flags_that_make_no_run(
    run: Run, asked: list[evaluate.EvaluateOptions], arguments: tuple[str, ...]
) -> None:
    """They end with status 2, and nothing runs."""
    assert run(*arguments).exit_code == 2
    assert asked == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" ", "the precision list is empty"),
        ("a", "Invalid precision format: `a`. Expected format: evaluator_name=value"),
        ("a=1,=2", "Invalid precision format: `=2`. Expected format: evaluator_name=value"),
        ("a=x", "Invalid precision value for `a`: `x`"),
        ("a=-0.5", "precision value must be non-negative, got -0.5"),
        ("a=nan", "precision value must be non-negative, got nan"),
    ],
)
def test_values_that_are_none(text: str, message: str) -> None:
    """The pair is named."""
    with pytest.raises(typer.BadParameter) as failure:
        read_values(text, "precision")
    assert failure.value.message == message
