"""Tests of `tzproxy.optimization.gepa.trial`."""

from __future__ import annotations

import pytest
from msgspec import UNSET, Raw

from optimization.gepa.provider import Mail
from optimization.gepa.samples import Searching
from tzproxy.datasets.answers import AnsweredInput, JsonDatapoint
from tzproxy.errors import TzproxyError
from tzproxy.evaluations.events import Success
from tzproxy.optimization.gepa.candidate import BaseVariant, Candidate
from tzproxy.optimization.gepa.plan import Plan
from tzproxy.optimization.gepa.trial import Answered, Trials, read_success
from tzproxy.types.content import JsonOutput
from tzproxy.types.response import JsonResponse, ResponseUsage

USAGE = ResponseUsage(input_tokens=1, output_tokens=1, cost=None)


def plan(**goals: str) -> Plan:
    """Write a plan for evaluators."""
    base = BaseVariant(
        table={"type": "chat_completion", "model": "sorter"}, templates={"system": "s"}, wrappers=[]
    )
    return Plan(
        function_name="sort",
        analysis_model="analyst",
        mutation_model="editor",
        max_iterations=1,
        evaluation_name=None,
        goals=goals,  # type: ignore[arg-type]
        bases={"b": base},
        train=[],
        validation=[],
        variant_prefix="p",
        batch_size=1,
        seed=1,
        include_inference_for_mutation=True,
        max_concurrency=1,
        api_key_id=None,
    )


def trials(searching: Searching, **goals: str) -> Trials:
    """Make trials in a gateway."""
    return Trials(searching.gateway.gateway._services.evaluations, plan(**goals))


def candidate(system: str) -> Candidate:
    """Write a candidate."""
    return Candidate(name="c", base="b", templates={"system": system})


async def test_a_trial(searching: Searching) -> None:
    """Scores and answers come in the order of the datapoints, with what models are shown later."""
    ids = await searching.add(4)
    wanted = [ids[3], ids[0]]
    trial = await trials(searching, exact="max", short="max").run(
        candidate("Sort. Known kinds: bill "), wanted, 2, keeps_answers=True
    )
    assert trial.scores == {ids[3]: {"exact": 0.0, "short": 1.0}, ids[0]: {"exact": 1.0, "short": 1.0}}
    assert trial.problem is None
    assert [one.datapoint_id for one in trial.answered] == wanted
    assert trial.answered[1] == Answered(
        datapoint_id=ids[0],
        input='{"messages":[{"role":"user","content":[{"type":"text","text":"Mail 0: a bill"}]}]}',
        reference='[{"type":"text","text":"bill"}]',
        output='[{"type":"text","text":"bill"}]',
        values={"exact": True, "short": True},
        errors={},
    )


async def test_what_cannot_be_scored(searching: Searching) -> None:
    """An evaluator that fails leaves no score, and the first reason is told."""
    ids = await searching.add(2)
    trial = await trials(searching, exact="max", program="max").run(candidate("x"), ids, 1)
    assert trial.scores == {one: {"exact": 0.0} for one in ids}
    assert trial.problem == "Evaluators in TypeScript are not supported"


async def test_what_cannot_be_answered(searching: Searching, mail: Mail) -> None:
    """A datapoint whose inference fails has neither scores nor an answer."""
    ids = await searching.add(2)
    trial = await trials(searching, exact="max").run(candidate("{{ f() }}"), ids, 1)
    assert (trial.scores, trial.answered) == ({}, [])
    assert trial.problem is not None
    assert trial.problem.startswith("Error inferring for datapoint ")
    assert mail.asked == []


async def test_a_run_that_cannot_begin(searching: Searching) -> None:
    """The reason is raised as it is."""
    with pytest.raises(TzproxyError, match="not found on function `sort`"):
        await trials(searching, ghost="max").run(candidate("x"), ["0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"], 1)


def test_answers_in_json() -> None:
    """The output of a JSON function is shown in both forms; a missing reference is none."""
    datapoint = JsonDatapoint(
        dataset_name="d",
        function_name="f",
        id="a",
        episode_id=None,
        input=AnsweredInput(UNSET, []),
        output=UNSET,
        output_schema=Raw(b"{}"),
        tags={},
        is_deleted=False,
        is_custom=True,
        source_inference_id=UNSET,
        staled_at=UNSET,
        updated_at="",
        name=UNSET,
    )
    response = JsonResponse(
        inference_id="i",
        episode_id="e",
        variant_name="v",
        output=JsonOutput('{ "a": 1 }', Raw(b'{"a":1}')),
        usage=USAGE,
    )
    event = Success(
        evaluation_run_id="r",
        datapoint=datapoint,
        response=response,
        evaluations={},
        evaluator_errors={},
        processing_time_ms=1.0,
    )
    answered = read_success(event)
    assert (answered.input, answered.reference) == ('{"messages":[]}', None)
    assert answered.output == '{"raw":"{ \\"a\\": 1 }","parsed":{"a":1}}'
