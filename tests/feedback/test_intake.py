"""Tests of `tzproxy.feedback.intake`: the order of the checks, and the rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.errors import NotFoundError, RequestError, StoreUnavailableError, TzproxyError
from tzproxy.inference.plan import Inference
from tzproxy.recording.sink import MemorySink, Row
from tzproxy.recording.tables import Table

OLD = "01900000-0000-7000-8000-000000000001"
V4 = "8c09d8d1-a3fe-47fb-8f5e-b3a082aaf54c"
DATAPOINT, HUMAN = "tensorzero::datapoint_id", "tensorzero::human_feedback"
EVALUATOR = "tensorzero::evaluator_inference_id"
Open = Callable[..., Any]


def lines(desk: Any, table: Table) -> list[Any]:
    """The rows of a table."""
    return [json.loads(line) for line in desk.sink.lines(table)]


async def refusal(desk: Any, metric_name: str, value: object, **fields: Any) -> TzproxyError:
    """Give feedback that is refused; nothing may be recorded."""
    with pytest.raises(TzproxyError) as caught:
        await desk.take(metric_name, value, **fields)
    assert desk.sink.rows == []
    return caught.value


# Each case is also wrong in the way of the case behind it: the first check speaks.
ORDER: list[tuple[dict[str, Any], int, str]] = [
    (
        {"metric_name": "nope", "inference_id": "x", "tags": {"tensorzero::a": ""}},
        400,
        "inference_id: UUID parsing failed",
    ),
    (
        {"metric_name": "nope", "inference_id": OLD, "episode_id": OLD, "tags": {"tensorzero::a": ""}},
        400,
        "Tag name cannot start with 'tensorzero::': tensorzero::a",
    ),
    (
        {
            "metric_name": "nope",
            "inference_id": OLD,
            "episode_id": OLD,
            "internal": True,
            "tags": {DATAPOINT: "x", HUMAN: "true"},
        },
        400,
        f"{EVALUATOR} is required when {DATAPOINT} and {HUMAN} are provided",
    ),
    (
        {"metric_name": "nope", "inference_id": OLD, "episode_id": OLD},
        400,
        "Both episode_id and inference_id cannot be provided",
    ),
    ({"metric_name": "nope"}, 404, "Unknown metric: nope"),
    ({"metric_name": "comment"}, 400, "Exactly one of inference_id or episode_id must be provided"),
    (
        {"metric_name": "solved", "episode_id": V4},
        400,
        'Correct ID was not provided for feedback level "inference".',
    ),
    ({"metric_name": "solved"}, 400, 'Correct ID was not provided for feedback level "inference".'),
    (
        {"metric_name": "episode_solved", "inference_id": V4},
        400,
        'Correct ID was not provided for feedback level "episode".',
    ),
    (
        {"metric_name": "demonstration", "episode_id": V4},
        400,
        'Correct ID was not provided for feedback level "inference".',
    ),
    ({"metric_name": "solved", "inference_id": V4}, 400, f"Failed to parse UUID as v7: {V4}"),
    ({"metric_name": "solved", "inference_id": OLD}, 400, f"Inference ID: {OLD} does not exist"),
    ({"metric_name": "episode_solved", "episode_id": OLD}, 400, f"Episode ID: {OLD} does not exist"),
    ({"metric_name": "comment", "episode_id": OLD}, 400, f"Episode ID: {OLD} does not exist"),
    ({"metric_name": "demonstration", "inference_id": OLD}, 400, f"Inference ID: {OLD} does not exist"),
]


@pytest.mark.parametrize(("fields", "status", "message"), ORDER)
async def test_order_of_checks(open_desk: Open, fields: dict[str, Any], status: int, message: str) -> None:
    """Of several faults the one that the original names is named; the value comes last."""
    rest = {key: value for key, value in fields.items() if key != "metric_name"}
    error = await refusal(open_desk(), fields["metric_name"], None, **rest)
    assert error.message.startswith(message)
    assert error.status == status
    assert isinstance(error, NotFoundError) is (status == 404)


async def test_nothing_is_recorded(open_desk: Open) -> None:
    """Where nothing is recorded, feedback is refused right after the checks of its tags."""
    desk = open_desk(enabled=False)
    error = await refusal(desk, "nope", 1)
    assert error.message == (
        "Feedback requires observability to be enabled (`gateway.observability.enabled` must not be `false`)."
    )
    assert error.status == 400
    assert "Tag name" in (await refusal(desk, "nope", 1, tags={"tensorzero::a": ""})).message


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("solved", [1, "true", None, []], "Feedback value for metric `solved` must be a boolean"),
        ("rating", [True, "1", None, {}], "Feedback value for metric `rating` must be a number"),
        ("comment", [1, True, None, ["x"]], "Feedback value for a comment must be a string"),
    ],
)
async def test_wrong_values(open_desk: Open, name: str, values: Sequence[object], message: str) -> None:
    """A value of another type is refused, once the target is found."""
    desk = open_desk()
    target = new_uuid7()
    desk.store.hold(target, "chat")
    for value in values:
        error = await refusal(desk, name, value, inference_id=target)
        assert (error.message, error.status) == (message, 400)
    assert desk.store.asked == len(values)


async def test_number_out_of_range(open_desk: Open) -> None:
    """A whole number that no float can hold is refused."""
    desk = open_desk(validate_targets=False)
    error = await refusal(desk, "rating", 10**400, inference_id=OLD)
    assert (error.message, error.status) == ("value: number out of range", 400)


async def test_rows_of_metrics(open_desk: Open) -> None:
    """Each type goes into its table, with tags and the configuration's hash."""
    desk = open_desk()
    target, episode = new_uuid7(), new_uuid7()
    desk.store.hold(target, "chat")
    desk.store.episodes.add(episode)
    snapshot_hash = str(desk.catalog.snapshot_hash)
    solved = await desk.take("solved", False, inference_id=target.upper(), tags={"by": "me"})
    rated = await desk.take("rating", 3, inference_id=target, tags={"x": "y"}, internal=True)
    whole = await desk.take("episode_solved", True, episode_id=episode)
    assert lines(desk, Table.BOOLEAN_METRIC_FEEDBACK) == [
        {
            "id": solved,
            "target_id": target,
            "metric_name": "solved",
            "value": False,
            "tags": {"by": "me"},
            "snapshot_hash": snapshot_hash,
        },
        {
            "id": whole,
            "target_id": episode,
            "metric_name": "episode_solved",
            "value": True,
            "tags": {},
            "snapshot_hash": snapshot_hash,
        },
    ]
    assert lines(desk, Table.FLOAT_METRIC_FEEDBACK) == [
        {
            "id": rated,
            "target_id": target,
            "metric_name": "rating",
            "value": 3,
            "tags": {"x": "y", "tensorzero::internal": "true"},
            "snapshot_hash": snapshot_hash,
        }
    ]
    assert len(desk.sink.rows) == 3


@pytest.mark.parametrize("level", ["inference", "episode"])
async def test_row_of_a_comment(open_desk: Open, level: str) -> None:
    """A comment takes either id and says which."""
    desk = open_desk(validate_targets=False)
    feedback_id = await desk.take("comment", 'så "gut"', **{f"{level}_id": OLD})
    (row,) = lines(desk, Table.COMMENT_FEEDBACK)
    assert row == {
        "id": feedback_id,
        "target_id": OLD,
        "target_type": level,
        "value": 'så "gut"',
        "tags": {},
        "snapshot_hash": str(desk.catalog.snapshot_hash),
    }
    assert desk.store.asked == 0


async def test_dry_run(open_desk: Open) -> None:
    """A dry run is checked to the end, and neither recorded nor counted."""
    desk = open_desk()
    target = new_uuid7()
    desk.store.hold(target, "chat")
    for name, value in (("solved", True), ("comment", "x"), ("demonstration", "x")):
        assert await desk.take(name, value, inference_id=target, dryrun=True)
        await refusal(desk, name, 5, inference_id=target, dryrun=True)
    assert desk.sink.rows == []
    assert counted(desk) == {}


async def test_what_is_counted(open_desk: Open) -> None:
    """Feedback counts once its metric and ids fit each other, found target or not."""
    desk = open_desk()
    await refusal(desk, "solved", True)
    await refusal(desk, "nope", True, inference_id=OLD)
    await refusal(desk, "solved", True, inference_id=OLD)
    await refusal(desk, "comment", 5, episode_id=OLD)
    assert counted(desk) == {"solved": 1, "comment": 1}


def counted(desk: Any) -> dict[str, float]:
    """The request counter by metric."""
    return {
        sample.labels["metric_name"]: sample.value
        for family in desk.counters.collect()
        for sample in family.samples
        if sample.name == "tensorzero_requests_total"
        if sample.labels["endpoint"] == "feedback"
    }


# ---- human feedback on evaluations


def human_tags(datapoint: str = OLD, evaluator: str = OLD) -> dict[str, str]:
    """The tags that tie feedback to an evaluation."""
    return {DATAPOINT: datapoint, HUMAN: "true", EVALUATOR: evaluator}


@pytest.mark.parametrize(("name", "value", "text"), [("solved", True, "true"), ("rating", 0.5, "0.5")])
async def test_human_feedback(open_desk: Open, name: str, value: object, text: str) -> None:
    """A person's score of an evaluated inference leaves a second row, with the output byte for byte."""
    desk = open_desk()
    target = new_uuid7()
    desk.store.hold(target, "chat")
    desk.store.output = '[{"type":"text","text":"\\u00e9 \\/"}]'
    feedback_id = await desk.take(name, value, inference_id=target, tags=human_tags(), internal=True)
    (row,) = lines(desk, Table.STATIC_EVALUATION_HUMAN_FEEDBACK)
    assert row == {
        "metric_name": name,
        "datapoint_id": OLD,
        "output": desk.store.output,
        "value": text,
        "feedback_id": feedback_id,
        "evaluator_inference_id": OLD,
    }
    assert len(desk.sink.rows) == 2


async def test_human_feedback_elsewhere(open_desk: Open) -> None:
    """Comments and episodes leave no second row, nor does an incomplete set of tags."""
    desk = open_desk()
    target, episode = new_uuid7(), new_uuid7()
    desk.store.hold(target, "chat")
    desk.store.episodes.add(episode)
    await desk.take("comment", "x", inference_id=target, tags=human_tags(), internal=True)
    await desk.take("episode_solved", True, episode_id=episode, tags=human_tags(), internal=True)
    await desk.take("solved", True, inference_id=target, tags={EVALUATOR: "zz"}, internal=True)
    assert lines(desk, Table.STATIC_EVALUATION_HUMAN_FEEDBACK) == []
    assert len(desk.sink.rows) == 3


@pytest.mark.parametrize(
    ("tags", "kind"), [(human_tags(datapoint="y"), "datapoint"), (human_tags(evaluator="y"), "evaluator")]
)
async def test_human_feedback_with_bad_ids(open_desk: Open, tags: dict[str, str], kind: str) -> None:
    """An id in the tags that is none is the client's error, and nothing is recorded."""
    desk = open_desk()
    target = new_uuid7()
    desk.store.hold(target, "chat")
    error = await refusal(desk, "solved", True, inference_id=target, tags=tags, internal=True)
    assert error.message.startswith(f"Invalid {kind}")
    assert error.status == 400


# ---- demonstrations


def recorded(desk: Any, function_name: str, **fields: object) -> str:
    """Let the process have recorded an inference; return its id."""
    function = desk.catalog.functions[function_name]
    usual = {"tools": function.tools.prepared, "output_schema": function.output_schema}
    ids = {"inference_id": new_uuid7(), "episode_id": new_uuid7()}
    desk.recent.add(cast(Inference, SimpleNamespace(function=function, **ids, **{**usual, **fields})))
    return ids["inference_id"]


CALL = {"type": "tool_call", "id": "c", "name": "weather", "arguments": {"place": "Quito"}}
CALL_STORED = {
    "type": "tool_call",
    "id": "c",
    "raw_name": "weather",
    "raw_arguments": '{"place":"Quito"}',
    "name": "weather",
    "arguments": {"place": "Quito"},
}


@pytest.mark.parametrize(
    ("function_name", "value", "stored"),
    [
        ("chat", "Hi", [{"type": "text", "text": "Hi"}]),
        ("tools", [CALL], [CALL_STORED]),
        ("json", {"answer": "é"}, {"raw": '{"answer":"é"}', "parsed": {"answer": "é"}}),
    ],
)
@pytest.mark.parametrize("is_recent", [True, False])
async def test_demonstrations(
    open_desk: Open, function_name: str, value: object, stored: object, is_recent: bool
) -> None:
    """A demonstration is stored as the function's output would be, whether its inference is new or old."""
    desk = open_desk()
    if is_recent:
        target = recorded(desk, function_name)
    else:
        target = new_uuid7()
        desk.store.hold(target, function_name, "json" if function_name == "json" else "chat")
        desk.store.tools = stored_tools()
    feedback_id = await desk.take("demonstration", value, inference_id=target, tags={"a": "b"})
    (row,) = lines(desk, Table.DEMONSTRATION_FEEDBACK)
    assert json.loads(row.pop("value")) == stored
    assert row == {
        "id": feedback_id,
        "inference_id": target,
        "tags": {"a": "b"},
        "snapshot_hash": str(desk.catalog.snapshot_hash),
    }
    assert (desk.store.asked == 0) is is_recent
    wrong = {"answer": 5} if function_name == "json" else [{**CALL, "name": "zz"}]
    with pytest.raises(RequestError):
        await desk.take("demonstration", wrong, inference_id=target)


def stored_tools(*dynamic: str) -> Any:
    """The tool columns of an inference of the function with a tool."""
    from_row = {
        "tool_params": "",
        "dynamic_tools": list(dynamic),
        "allowed_tools": '{"tools":["weather"],"choice":"function_default"}',
        "tool_choice": "auto",
    }
    return SimpleNamespace(**from_row)


async def test_tools_of_the_request(open_desk: Open) -> None:
    """A recent inference with tools of its own is checked against those, which the store has."""
    desk = open_desk()
    target = recorded(desk, "tools", tools=object())
    desk.store.hold(target, "tools")
    desk.store.tools = stored_tools('{"type":"function","description":"d","parameters":{},"name":"own"}')
    call = {**CALL, "name": "own", "arguments": {}}
    assert await desk.take("demonstration", [call], inference_id=target)
    assert desk.store.asked == 1


async def test_function_that_is_gone(open_desk: Open) -> None:
    """A function that is configured no more takes no demonstration; the default function is always there."""
    desk = open_desk()
    gone, plain = new_uuid7(), new_uuid7()
    desk.store.hold(gone, "gone")
    desk.store.hold(plain, "tensorzero::default")
    error = await refusal(desk, "demonstration", "x", inference_id=gone)
    assert (error.message, error.status) == ("Unknown function: gone", 404)
    assert await desk.take("demonstration", "x", inference_id=plain)


async def test_target_validation_cannot_be_left_out_for_demonstrations(open_desk: Open) -> None:
    """Without validation of targets metrics and comments pass unseen, demonstrations do not."""
    desk = open_desk(validate_targets=False)
    assert await desk.take("solved", True, inference_id=V4)
    assert desk.store.asked == 0
    desk.sink.rows.clear()
    await refusal(desk, "demonstration", "x", inference_id=OLD)


# ---- recording


class FullSink(MemorySink):
    """A ring without room."""

    def accept(self, rows: Sequence[Row]) -> int:
        """Refuse the rows."""
        return -1


async def test_full_buffer(open_desk: Open) -> None:
    """Feedback that cannot be recorded is not answered as if it were."""
    desk = open_desk(sink=FullSink(), validate_targets=False)
    with pytest.raises(StoreUnavailableError, match="not recorded"):
        await desk.take("solved", True, inference_id=OLD)


class WaitingSink(MemorySink):
    """Notes what was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[int] = []

    async def wait_stored(self, position: int) -> None:
        """Note it."""
        self.waited.append(position)


@pytest.mark.parametrize("synchronous", [True, False])
async def test_synchronous(open_desk: Open, synchronous: bool) -> None:
    """Only in synchronous mode the answer waits for the store."""
    sink = WaitingSink()
    desk = open_desk(sink=sink, validate_targets=False, synchronous=synchronous)
    await desk.take("solved", True, inference_id=OLD)
    assert sink.waited == ([1] if synchronous else [])
