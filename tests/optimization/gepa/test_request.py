"""Tests of `tzproxy.optimization.gepa.request`."""

from __future__ import annotations

from typing import Any

import pytest

from tzproxy.errors import RequestError
from tzproxy.optimization.gepa.request import LaunchRequest, check_request


def made(**fields: Any) -> LaunchRequest:
    """Make a request: dataset `d` and evaluator `e`, unless told otherwise."""
    usual: dict[str, Any] = {
        "function_name": "f",
        "analysis_model": "a",
        "mutation_model": "m",
        "max_iterations": 1,
        "dataset_name": "d",
        "evaluators": ["e"],
    }
    return LaunchRequest(**{**usual, **fields})


TWO = {"dataset_name": None, "train_dataset_name": "t", "val_dataset_name": "v"}


@pytest.mark.parametrize("fields", [{}, TWO, {"evaluators": None, "evaluation_name": "e"}])
def test_good_ones(fields: dict[str, Any]) -> None:
    """One dataset or two, evaluators or an evaluation."""
    check_request(made(**fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dataset_name": None}, "dataset_name: give either"),
        ({**TWO, "val_dataset_name": None}, "val_dataset_name: give either"),
        ({**TWO, "train_dataset_name": None}, "train_dataset_name: give either"),
        ({**TWO, "dataset_name": "d"}, "train_dataset_name: cannot be given together with `dataset_name`"),
        ({"val_dataset_name": "v"}, "val_dataset_name: cannot be given together with `dataset_name`"),
        ({"evaluators": None}, "evaluators: give exactly one of"),
        ({"evaluation_name": "e"}, "evaluation_name: give exactly one of"),
        ({"evaluators": []}, "evaluators: must not be empty"),
        ({"evaluators": ["e", "g", "e"]}, r"evaluators\[2\]: `e` is named twice"),
        ({"initial_variants": []}, "initial_variants: must not be empty"),
        ({"variant_prefix": ""}, "variant_prefix: must not be empty"),
    ],
)
def test_bad_ones(fields: dict[str, Any], message: str) -> None:
    """The field that is at fault is named first."""
    with pytest.raises(RequestError, match=f"^{message}"):
        check_request(made(**fields))
