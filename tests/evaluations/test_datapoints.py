"""Tests of `tzproxy.evaluations.datapoints`, in a whole gateway over a real store."""

from __future__ import annotations

from typing import Any

import pytest

from evaluations.samples import Evaluating, point, said
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.datapoints import Datapoints

SAME = {"function_name": "talk", "evaluator_names": ["same"]}
STARTED = "Evaluation run error: Failed to start evaluation run: "


async def test_a_dataset(evaluating: Evaluating) -> None:
    """All datapoints of the function are taken, without the limit of a page, or as many as are wanted."""
    other = {"type": "json", "function_name": "extract", "input": said()}
    ids = await evaluating.add(*(point() for _ in range(25)), other)
    events = await evaluating.run(**SAME)
    assert events[0]["num_datapoints"] == 25
    assert {event["datapoint"]["id"] for event in events[1:-1]} == set(ids[:25])
    assert len(await evaluating.run(**SAME, max_datapoints=3)) == 5
    assert len(await evaluating.run(**SAME, max_datapoints=0)) == 2
    assert (await evaluating.run(**SAME, dataset_name="nowhere"))[0]["num_datapoints"] == 0


async def test_a_dataset_is_read_in_parts(evaluating: Evaluating, monkeypatch: pytest.MonkeyPatch) -> None:
    """Datapoints are read as they are needed, in order; those deleted meanwhile are evaluated too."""
    monkeypatch.setattr("tzproxy.evaluations.datapoints.AT_ONCE", 2)
    ids = await evaluating.add(*(point() for _ in range(5)))
    read: list[int] = []
    rows = Datapoints.rows

    async def noted(self: Datapoints, keys: Any, name: str, **options: Any) -> Any:
        read.append(len(evaluating.gateway.chat_rows))
        found = await rows(self, keys, name, **options)
        if len(read) == 1:
            path = f"/v1/datasets/{evaluating.dataset}"
            assert (await evaluating.gateway.begin("DELETE", path).finish()).status == 200
        return found

    monkeypatch.setattr(Datapoints, "rows", noted)
    events = await evaluating.run(**SAME, concurrency=1)
    assert [event["datapoint"]["id"] for event in events[1:-1]] == ids[::-1]
    assert read == [0, 2, 4]


async def test_ids(evaluating: Evaluating) -> None:
    """Each is taken once, deleted ones too; unknown ones are passed over. Their dataset is on the tags."""
    first, second = await evaluating.add(point(), point("other"))
    path = f"/v1/datasets/{evaluating.dataset}/datapoints"
    await evaluating.gateway.begin("DELETE", path, {"ids": [second]}).finish()
    ids = [first, second.upper(), first, new_uuid7()]
    events = await evaluating.run(**SAME, datapoint_ids=ids, concurrency=1)
    assert "dataset_name" not in events[0]
    assert [event["datapoint"]["id"] for event in events[1:-1]] == [first, second]
    assert {row["tags"]["tensorzero::dataset_name"] for row in evaluating.gateway.chat_rows} == {
        evaluating.dataset
    }


async def test_ids_of_two_datasets(evaluating: Evaluating) -> None:
    """A run is over one dataset; both are named."""
    first = (await evaluating.add(point()))[0]
    beside = Evaluating(evaluating.gateway, evaluating.dataset + " 2")
    second = (await beside.add(point()))[0]
    assert await evaluating.refusal(**SAME, datapoint_ids=[first, second]) == (
        500,
        f"{STARTED}All datapoints must belong to the same dataset when using `datapoint_ids`, "
        f"but found datapoints from both `{evaluating.dataset}` and `{beside.dataset}`",
    )


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        (
            {"dataset_name": "d", "datapoint_ids": []},
            500,
            f"{STARTED}Cannot provide both `dataset_name` and `datapoint_ids`. "
            "Please specify one or the other.",
        ),
        ({"dataset_name": None}, 500, f"{STARTED}Must provide either `dataset_name` or `datapoint_ids`."),
        (
            {"datapoint_ids": [], "max_datapoints": 1},
            500,
            f"{STARTED}Cannot provide both `datapoint_ids` and `max_datapoints`. "
            "`max_datapoints` can only be used with `dataset_name`.",
        ),
        ({"datapoint_ids": []}, 500, f"{STARTED}No datapoints found for the provided `datapoint_ids`"),
        (
            {"dataset_name": "builder"},
            500,
            f'{STARTED}Invalid dataset name: builder. Datasets cannot be named "builder" or begin with '
            '"tensorzero::"',
        ),
    ],
)
async def test_refusals(evaluating: Evaluating, fields: dict[str, Any], status: int, message: str) -> None:
    """A run that has no datapoints to take does not begin."""
    assert await evaluating.refusal(**SAME, **fields) == (status, message)


async def test_an_id_that_is_none(evaluating: Evaluating) -> None:
    """It is named."""
    status, message = await evaluating.refusal(**SAME, datapoint_ids=["x"])
    assert status == 400
    assert message.startswith("datapoint_ids[0]: ")


async def test_what_a_datapoint_brings_along(evaluating: Evaluating) -> None:
    """Its tools are offered again, and its own output schema counts."""
    tool = {"name": "t", "description": "d", "parameters": {"type": "object"}}
    await evaluating.add(point(additional_tools=[tool], tool_choice="required", parallel_tool_calls=True))
    await evaluating.run(**SAME)
    (row,) = evaluating.gateway.chat_rows
    assert '"name":"t"' in row["dynamic_tools"][0]
    assert (row["tool_choice"], row["parallel_tool_calls"]) == ("required", True)
    strict = {"type": "object", "required": ["nothing"]}
    new = {"type": "json", "function_name": "extract", "input": said(), "output_schema": strict}
    beside = Evaluating(evaluating.gateway, evaluating.dataset + " 2")
    await beside.add(new, {**new, "output_schema": {"type": "object"}})
    events = await beside.run(function_name="extract", evaluator_names=[], concurrency=1)
    parsed = {
        event["datapoint"]["output_schema"].get("required") is None: event["response"]["output"]["parsed"]
        for event in events[1:-1]
    }
    assert parsed == {True: {"answer": "Hello"}, False: None}


async def test_a_datapoint_of_another_kind(evaluating: Evaluating) -> None:
    """It is an error of its own; the others are evaluated."""
    first, second = await evaluating.add(
        point(), {"type": "json", "function_name": "extract", "input": said()}
    )
    events = await evaluating.run(**SAME, datapoint_ids=[second, first], concurrency=1)
    assert [event["type"] for event in events] == ["start", "error", "success", "complete"]
    assert events[1]["datapoint_id"] == second
    assert events[1]["message"] == (
        f"Error inferring for datapoint {second}: Chat function does not support output schema"
    )
