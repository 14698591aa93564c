"""Tests of `tzproxy.optimization.gepa.plan`: what is wrong with a launch is told at once, with its field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optimization.gepa.samples import Searching
from tzproxy.clickhouse import StoreClient


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"function_name": "ghost"}, "function_name: Function `ghost` not found in config"),
        ({"analysis_model": "ghost"}, "analysis_model: Model name 'ghost' not found in model table"),
        ({"mutation_model": "ghost"}, "mutation_model: Model name 'ghost' not found in model table"),
        ({"evaluators": ["exact", "ghost"]}, "evaluators: Evaluator `ghost` not found on function `sort`"),
        (
            {"evaluators": None, "evaluation_name": "ghost"},
            "evaluation_name: Evaluation `ghost` not found in config",
        ),
        (
            {"evaluators": None, "evaluation_name": "foreign"},
            "evaluation_name: evaluation `foreign` is one of function `other`, not of `sort`",
        ),
        (
            {"evaluators": None, "evaluation_name": "void"},
            "evaluation_name: evaluation `void` has no evaluators",
        ),
        (
            {"initial_variants": ["plain", "ghost"]},
            "initial_variants[1]: Variant `ghost` not found in function `sort`",
        ),
        (
            {"initial_variants": ["many"]},
            "initial_variants[0]: Variant `many` is not of type `chat_completion`",
        ),
        ({"initial_variants": ["bare"]}, "initial_variants[0]: Variant `bare` has no template"),
        ({"function_name": "other"}, "function_name: Function `other` has no variant of type"),
        ({"dataset_name": "nobody's"}, "dataset_name: dataset `nobody's` has no datapoints of this function"),
        ({"dataset_name": "builder"}, "dataset_name: "),
    ],
)
async def test_what_does_not_exist(searching: Searching, fields: dict[str, Any], message: str) -> None:
    """Status 400, the field, and the name of what is missing."""
    await searching.add()
    reply = await searching.refused(**fields)
    assert reply.status == 400
    assert reply.error.startswith(message)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_iterations": 0}, "max_iterations: Expected `int` >= 1"),
        ({"max_iterations": "2"}, "max_iterations: Expected `int`, got `str`"),
        ({"batch_size": 0}, "batch_size: Expected `int` >= 1"),
        ({"batch_size": 1.5}, "batch_size: Expected `int | null`, got `float`"),
        ({"max_concurrency": 0}, "max_concurrency: Expected `int` >= 1"),
        ({"max_datapoints": 0}, "max_datapoints: Expected `int` >= 1"),
        ({"seed": -1}, "seed: Expected `int` >= 0"),
        ({"evaluators": [1]}, "evaluators[0]: Expected `str`, got `int`"),
        ({"analysis_model": None}, "missing field `analysis_model`"),
        ({"max_datapoints": 7}, "dataset_name: a search needs at least 8 datapoints"),
    ],
)
async def test_wrong_numbers(searching: Searching, fields: dict[str, Any], message: str) -> None:
    """They are refused by their field."""
    await searching.add()
    reply = await searching.refused(**fields)
    assert reply.status == 400
    assert reply.error.startswith(message)


async def test_nothing_is_stored_of_what_is_refused(searching: Searching, store: StoreClient) -> None:
    """A task is there only when its id was told."""
    await searching.add()
    await searching.search(max_iterations=1)
    count = "SELECT count() AS n FROM TzproxyOptimizationTask FINAL"
    (before,) = store.query(count)
    await searching.refused(function_name="ghost")
    await searching.refused(dataset_name="nobody's")
    assert store.query(count) == [before]


async def test_too_small_a_half(searching: Searching) -> None:
    """Each dataset needs four that can be used, datapoints of other functions do not count."""
    train, validation = f"{searching.dataset} train", f"{searching.dataset} val"
    await searching.add(4, train)
    await searching.add(3, validation)
    await searching.add(4, validation, function_name="other")
    reply = await searching.refused(dataset_name=None, train_dataset_name=train, val_dataset_name=validation)
    assert reply.status == 400
    assert reply.error.startswith("val_dataset_name: a search needs at least 4 datapoints")
    assert f"`{validation}` has 3 of this function (3 in all)" in reply.error


async def test_what_a_plan_says(searching: Searching, store: StoreClient) -> None:
    """Defaults are filled in, and all variants with templates are where it begins."""
    ids = await searching.add(8)
    task_id = await searching.launch(seed=None, batch_size=None, max_iterations=1, variant_prefix="mine")
    told = await searching.end(task_id)
    (row,) = store.query(
        "SELECT data FROM TzproxyOptimizationTask FINAL "
        "WHERE task_id = toUUID({id:String}) AND part = 'launch'",
        {"id": task_id},
    )
    plan = json.loads(row["data"])
    assert list(plan["bases"]) == ["plain", "bills"]
    assert sorted(plan["train"] + plan["validation"]) == sorted(ids)
    assert (plan["batch_size"], plan["max_concurrency"]) == (5, 10)
    assert plan["goals"] == {"exact": "max"}
    assert 0 <= plan["seed"] < 2**32
    assert all(name.startswith("mine-iter-0-") for name in told["variants"])


async def test_an_evaluation_of_its_own(searching: Searching) -> None:
    """The evaluators of a top-level evaluation serve as well."""
    await searching.add()
    told = await searching.search(evaluators=None, evaluation_name="quality", max_iterations=1)
    assert told["statistics"]["gepa-iter-0-bills"] == {"exact": {"mean": 1.0, "stdev": 0.0, "count": 8}}
