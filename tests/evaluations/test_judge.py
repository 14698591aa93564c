"""Tests of `tzproxy.evaluations.judge`, in a whole gateway over a real store."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from evaluations.samples import CONFIG, FILES, GOOD, Evaluating, point
from in_process import StartGateway, completion
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.queries.evaluations import EvaluationStore

QUALITY = "tensorzero::evaluation_name::quality::evaluator_name::"


async def test_judges_are_inferences_of_their_own(evaluating: Evaluating) -> None:
    """Each is recorded under the run's tags, and its id is on the feedback that it led to."""
    await evaluating.add(point())
    start, success, _ = await evaluating.run()
    assert success["evaluations"] == {"same": True, "good": True, "score": 1.0}
    tags = {
        "tensorzero::evaluation_run_id": start["evaluation_run_id"],
        "tensorzero::evaluation_name": "quality",
        "tensorzero::internal": "true",
    }
    judges = {row["function_name"]: row for row in evaluating.gateway.json_rows}
    assert set(judges) == {"tensorzero::llm_judge::quality::good", "tensorzero::llm_judge::quality::score"}
    assert all(row["tags"] == tags for row in judges.values())
    told = {row["metric_name"]: row["tags"] for row in evaluating.feedback()}
    key = "tensorzero::evaluator_inference_id"
    for name in ("good", "score"):
        assert told[f"{QUALITY}{name}"][key] == judges[f"tensorzero::llm_judge::quality::{name}"]["id"]
    assert key not in told[f"{QUALITY}same"]


async def test_what_goes_wrong_with_a_judge(evaluating: Evaluating) -> None:
    """A judge that fails or gives no score takes nothing from the others, and leaves no feedback."""
    await evaluating.add(point())
    names = ["asked", "silly", "away", "same"]
    _, success, complete = await evaluating.run(function_name="talk", evaluator_names=names)
    assert success["evaluations"] == {"asked": False, "same": True}
    assert set(success["evaluator_errors"]) == {"silly", "away"}
    assert "`parsed`" in success["evaluator_errors"]["silly"]
    assert "Error sending request to Dummy provider" in success["evaluator_errors"]["away"]
    assert complete["usage"]["success_count"] == 1
    assert len(evaluating.feedback()) == 2


async def test_a_person_overrules_the_judge(evaluating: Evaluating, store: StoreClient) -> None:
    """Their score of the same answer to the same datapoint is taken over; the judge is not asked."""
    (datapoint_id,) = await evaluating.add(point())
    judged, inference_id = str(UUID(new_uuid7())), new_uuid7()
    row = {
        "metric_name": f"{QUALITY}good",
        "datapoint_id": datapoint_id,
        "output": json.dumps([{"type": "text", "text": GOOD}], separators=(",", ":")),
        "value": "false",
        "feedback_id": judged,
        "evaluator_inference_id": inference_id,
    }
    store.insert_json("StaticEvaluationHumanFeedback", json.dumps(row).encode())
    _, success, _ = await evaluating.run()
    assert success["evaluations"] == {"same": True, "good": False, "score": 1.0}
    functions = [entry["function_name"] for entry in evaluating.gateway.json_rows]
    assert functions == ["tensorzero::llm_judge::quality::score"]
    (told,) = [entry for entry in evaluating.feedback() if entry["metric_name"] == f"{QUALITY}good"]
    assert told["value"] is False
    assert told["tags"]["tensorzero::evaluator_inference_id"] == inference_id
    assert told["tags"]["tensorzero::derived_from_human_feedback"] == "true"


async def test_the_store_is_not_asked_in_vain(
    evaluating: Evaluating, store: StoreClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people said is looked up for datapoints of which they said anything."""
    asked: list[tuple[str, str]] = []
    find = EvaluationStore.find_human_score

    async def noted(self: EvaluationStore, metric: str, datapoint_id: str, output: str) -> Any:
        asked.append((metric, datapoint_id))
        return await find(self, metric, datapoint_id, output)

    monkeypatch.setattr(EvaluationStore, "find_human_score", noted)
    first, _ = await evaluating.add(point(), point())
    await evaluating.run()
    assert asked == []
    row = {"metric_name": f"{QUALITY}good", "datapoint_id": first, "output": "another", "value": "false"}
    ids = {"feedback_id": new_uuid7(), "evaluator_inference_id": new_uuid7()}
    store.insert_json("StaticEvaluationHumanFeedback", json.dumps({**row, **ids}).encode())
    events = await evaluating.run()
    assert asked == [(f"{QUALITY}good", first)]
    assert [event["evaluations"]["good"] for event in events[1:-1]] == [True, True]


async def test_a_judge_is_told_what_the_original_tells_it(
    start: StartGateway, store_url: str, evaluating: Evaluating
) -> None:
    """To the byte, so that what judges said and what is kept of it stay comparable after a move."""
    await evaluating.add(point("one"))
    toml = CONFIG.replace('model = "dummy::llm_judge::one"', 'model = "m"')
    files = {**FILES, "judge.txt": "Judge it.\n"}
    gateway = await start(toml, [completion('{"score":1}')], files=files, store_url=store_url)
    await Evaluating(gateway, evaluating.dataset).run()
    (sent,) = gateway.sent
    assert [message["content"] for message in sent["messages"]] == [
        "Judge it.\n",
        '# Input\n\n{"messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}]}\n\n'
        f'# Generated Output\n\n[{{"type":"text","text":"{GOOD}"}}]'
        '# Reference Output\n\n[{"type":"text","text":"one"}]',
    ]
