"""Tests of `tzproxy.optimization.openai.rft`."""

from __future__ import annotations

import pytest
from openai.types.fine_tuning.job_create_params import JobCreateParams
from pydantic import TypeAdapter

from optimization.fakes import OPENAI, FakeProviders, lines_of
from optimization.samples import WEATHER, called, sample, text
from optimization.services import Services
from tzproxy.config.graders import (
    Grader,
    GraderMessage,
    MultiGrader,
    PythonGrader,
    ScoreModelGrader,
    StringCheckGrader,
    TextSimilarityGrader,
)
from tzproxy.config.optimizers import OpenAIRftConfig, RftJsonSchema, RftResponseFormat
from tzproxy.optimization.jobs import OpenAIRftHandle, PendingJob
from tzproxy.optimization.openai.jobs import TuningJobs
from tzproxy.optimization.openai.rft import OpenAIRft
from tzproxy.optimization.samples import InvalidSampleError, TrainingData

GRADER = StringCheckGrader(name="g", operation="eq", input="{{a}}", reference="{{b}}")


@pytest.fixture
def optimizer(services: Services) -> OpenAIRft:
    """The optimiser."""
    return OpenAIRft(TuningJobs(services.openai))


async def test_lines_have_references(optimizer: OpenAIRft, provider: FakeProviders) -> None:
    """The answer is no turn but a reference: its texts joined, and its calls."""
    data = TrainingData(
        training=[
            sample(system="S", output=[*text("a"), *text("b")], tools=[WEATHER]),
            sample(output=[called("weather", '{"place":"y"}')], parallel=True),
        ]
    )
    await optimizer.launch(OpenAIRftConfig(model="o4-mini", grader=GRADER), data)
    first, second = lines_of(provider.uploads[OPENAI][0])
    tool = {"name": "weather", "description": "Tells it.", "parameters": {"type": "object"}}
    assert first == {
        "messages": [{"role": "developer", "content": "S"}, {"role": "user", "content": "Hello"}],
        "reference_text": "ab",
        "reference_tools": None,
        "tools": [{"type": "function", "function": tool}],
        "parallel_tool_calls": False,
    }
    call = {"name": "weather", "arguments": '{"place":"y"}'}
    assert second == {
        "messages": [{"role": "user", "content": "Hello"}],
        "reference_text": None,
        "reference_tools": [{"id": "c9", "type": "function", "function": call}],
        "parallel_tool_calls": True,
    }


async def test_the_job_has_its_grader(optimizer: OpenAIRft, provider: FakeProviders) -> None:
    """Grader, shape of answers and parameters are part of the method; what is not set is left out."""
    shape = RftResponseFormat(json_schema=RftJsonSchema(name="n", schema={"type": "object"}))
    settings = OpenAIRftConfig(
        model="o4-mini", grader=GRADER, response_format=shape, eval_samples=3, reasoning_effort="low"
    )
    handle = await optimizer.launch(settings, TrainingData(training=[sample()]))
    assert handle.job_id == "ftjob-1"
    sent = provider.sent("/jobs")
    assert sent["method"] == {
        "type": "reinforcement",
        "reinforcement": {
            "grader": {
                "type": "string_check",
                "name": "g",
                "operation": "eq",
                "input": "{{a}}",
                "reference": "{{b}}",
            },
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"type": "object"}},
            },
            "hyperparameters": {"eval_samples": 3, "reasoning_effort": "low"},
        },
    }


async def test_graders_within_graders(optimizer: OpenAIRft, provider: FakeProviders) -> None:
    """Each is sent under its type."""
    grader = MultiGrader(
        name="m", calculate_output="a", graders={"a": PythonGrader(name="p", source="def grade(): ...")}
    )
    await optimizer.launch(OpenAIRftConfig(model="m", grader=grader), TrainingData(training=[sample()]))
    assert provider.sent("/jobs")["method"]["reinforcement"]["grader"] == {
        "type": "multi",
        "name": "m",
        "calculate_output": "a",
        "graders": {"a": {"type": "python", "name": "p", "source": "def grade(): ..."}},
    }


async def test_samples_without_an_output(optimizer: OpenAIRft, provider: FakeProviders) -> None:
    """Without a reference there is nothing to grade by."""
    with pytest.raises(InvalidSampleError, match="No output in inference"):
        await optimizer.launch(
            OpenAIRftConfig(model="m", grader=GRADER), TrainingData(training=[sample(output=None)])
        )
    assert provider.requests == []


async def test_jobs_can_be_asked_for(optimizer: OpenAIRft, provider: FakeProviders) -> None:
    """As those of the other method."""
    provider.jobs[OPENAI] = {"status": "queued", "error": None}
    handle = OpenAIRftHandle(job_id="ftjob-1", job_url="", job_api_url="")
    assert await optimizer.poll(handle) == PendingJob(message="Queued")


@pytest.mark.parametrize(
    "grader",
    [
        GRADER,
        TextSimilarityGrader(name="t", evaluation_metric="rouge_l", input="a", reference="b"),
        PythonGrader(name="p", source="def grade(): ...", image_tag="2026-01"),
        ScoreModelGrader(
            name="s", model="m", input=(GraderMessage(role="user", content="c"),), range=(0.0, 1.0)
        ),
    ],
)
async def test_the_job_is_what_openais_own_library_would_send(
    optimizer: OpenAIRft, provider: FakeProviders, grader: Grader
) -> None:
    """Its types accept every grader; those with others within them they have otherwise than the guide."""
    settings = OpenAIRftConfig(model="m", grader=grader, compute_multiplier=1.5, reasoning_effort="low")
    await optimizer.launch(settings, TrainingData(training=[sample()]))
    job = provider.sent("/jobs")
    TypeAdapter(JobCreateParams).validate_python(job)
