"""Tests of `tzproxy.client.arguments`: methods look and refuse as if they declared their arguments."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import tensorzero

import tzproxy
from tzproxy.client.arguments import EvaluationArguments, FeedbackArguments, check

METHODS = [
    "inference",
    "feedback",
    "workflow_evaluation_run",
    "workflow_evaluation_run_episode",
    "create_datapoints",
    "update_datapoints",
    "update_datapoints_metadata",
    "get_datapoints",
    "list_datapoints",
    "delete_datapoints",
    "delete_dataset",
    "create_datapoints_from_inferences",
    "get_inferences",
    "list_inferences",
    "experimental_run_evaluation",
    "experimental_launch_optimization_workflow",
    "experimental_poll_optimization",
    "experimental_render_samples",
    "experimental_launch_optimization",
    "close",
]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("client", ["TensorZeroGateway", "AsyncTensorZeroGateway"])
def test_signatures_are_those_of_the_published_client(client: str, name: str) -> None:
    """Every method has the same arguments, in any order, with the same defaults, all by keyword."""

    def declared(names: Any) -> dict[str, Any]:
        parameters = inspect.signature(getattr(getattr(names, client), name)).parameters
        return {
            one.name: (one.default, one.kind == one.KEYWORD_ONLY)
            for one in parameters.values()
            if one.name != "self"
        }

    assert declared(tzproxy) == declared(tensorzero)


@pytest.mark.parametrize("name", ["build_http", "build_embedded"])
@pytest.mark.parametrize("client", ["TensorZeroGateway", "AsyncTensorZeroGateway"])
def test_builders_take_what_the_published_ones_take(client: str, name: str) -> None:
    """Both builders accept all arguments of the published ones, and at most `data_dir` more."""
    theirs = inspect.signature(getattr(getattr(tensorzero, client), name)).parameters
    ours = inspect.signature(getattr(getattr(tzproxy, client), name)).parameters
    assert set(ours) - {"data_dir"} == set(theirs)
    assert {one: ours[one].default for one in theirs} == {one: theirs[one].default for one in theirs}


def test_gepa_takes_what_the_published_one_takes() -> None:
    """`optimization.gepa.launch` has the published arguments."""
    from tzproxy.client.optimization import GepaNamespace  # noqa: PLC0415 - a name of this test alone

    launch = inspect.signature(GepaNamespace.launch).parameters
    required = [one.name for one in launch.values() if one.default is one.empty and one.name != "self"]
    assert required == ["function_name", "analysis_model", "mutation_model", "max_iterations"]
    assert len(launch) == 17


def test_defaults_other_than_none() -> None:
    """An evaluation runs one at a time and reads the cache, unless told otherwise."""
    found = inspect.signature(tzproxy.TensorZeroGateway.experimental_run_evaluation).parameters
    assert (found["concurrency"].default, found["inference_cache"].default) == (1, "on")


def test_names_are_checked() -> None:
    """Unknown names and missing ones are refused by name; what may be left out may be."""
    check("feedback", {"metric_name": "m", "value": None}, FeedbackArguments)
    check("experimental_run_evaluation", {}, EvaluationArguments)
    with pytest.raises(TypeError, match=r"feedback\(\) got an unexpected keyword argument 'x'"):
        check("feedback", {"metric_name": "m", "value": 1, "x": 2}, FeedbackArguments)
    with pytest.raises(TypeError, match="metric_name, value"):
        check("feedback", {}, FeedbackArguments)
