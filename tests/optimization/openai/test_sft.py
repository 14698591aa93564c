"""Tests of `tzproxy.optimization.openai.sft`."""

from __future__ import annotations

import pytest
from openai.types.fine_tuning.job_create_params import JobCreateParams
from pydantic import TypeAdapter

from optimization.fakes import OPENAI, FakeProviders, form_of, lines_of
from optimization.samples import CONVERSATION, CUSTOM, WEATHER, sample
from optimization.services import Services
from tzproxy.config.optimizers import OpenAISftConfig
from tzproxy.optimization.jobs import OpenAISftHandle, PendingJob
from tzproxy.optimization.openai.jobs import TuningJobs
from tzproxy.optimization.openai.sft import OpenAISft
from tzproxy.optimization.samples import InvalidSampleError, TrainingData


@pytest.fixture
def optimizer(services: Services) -> OpenAISft:
    """The optimiser."""
    return OpenAISft(TuningJobs(services.openai))


async def test_a_job_over_a_file(optimizer: OpenAISft, provider: FakeProviders) -> None:
    """The file is uploaded as a form, and the job is asked for as OpenAI documents it."""
    settings = OpenAISftConfig(
        model="gpt-4o", batch_size=2, learning_rate_multiplier=0.1, n_epochs=3, seed=5, suffix="s"
    )
    handle = await optimizer.launch(settings, TrainingData(training=[sample(system="Be brief.")]))
    assert handle == OpenAISftHandle(
        job_id="ftjob-1",
        job_url="https://platform.openai.com/finetune/ftjob-1",
        job_api_url="https://api.openai.com/v1/fine_tuning/jobs/ftjob-1",
    )
    assert provider.asked == ["POST api.openai.com/v1/files", "POST api.openai.com/v1/fine_tuning/jobs"]
    assert provider.keys() == {"Bearer key-of-openai"}
    form = form_of(provider.requests[0])
    assert form["purpose"] == ({}, "fine-tune")
    assert form["file"][0] == {"filename": "data.jsonl", "type": "application/json"}
    assert form["file"][1] == (
        '{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"},'
        '{"role":"assistant","content":"Hi"}],"parallel_tool_calls":false}\n'
    )
    assert provider.sent("/jobs") == {
        "model": "gpt-4o",
        "training_file": "file-1",
        "metadata": None,
        "method": {
            "type": "supervised",
            "supervised": {
                "hyperparameters": {"batch_size": 2, "learning_rate_multiplier": 0.1, "n_epochs": 3}
            },
        },
        "seed": 5,
        "suffix": "s",
        "validation_file": None,
    }


async def test_what_is_not_set_is_left_to_the_provider(optimizer: OpenAISft, provider: FakeProviders) -> None:
    """Parameters that are not set are not sent."""
    await optimizer.launch(OpenAISftConfig(model="m"), TrainingData(training=[sample()]))
    assert provider.sent("/jobs")["method"]["supervised"] == {"hyperparameters": {}}


async def test_conversations_with_tools(optimizer: OpenAISft, provider: FakeProviders) -> None:
    """Calls, results and thoughts keep their places; tools are those of the request that OpenAI knows."""
    one = sample(messages=CONVERSATION, tools=[WEATHER, CUSTOM], parallel=True)
    await optimizer.launch(OpenAISftConfig(model="m"), TrainingData(training=[one], validation=[sample()]))
    call = {"name": "weather", "arguments": '{"place":"x"}'}
    (line,), _ = sorted(map(lines_of, provider.uploads[OPENAI]), key=lambda lines: -len(str(lines)))
    assert line["messages"] == [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c1", "type": "function", "function": call}],
            "reasoning_content": "hm",
        },
        {"role": "tool", "content": "sun", "tool_call_id": "c1"},
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": "Hi"},
    ]
    assert line["parallel_tool_calls"] is True
    assert line["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "description": "Tells it.", "parameters": {"type": "object"}},
        }
    ]
    assert provider.sent("/jobs")["validation_file"] in ("file-1", "file-2")


@pytest.mark.parametrize("output", [None, []])
async def test_samples_without_an_output(
    optimizer: OpenAISft, provider: FakeProviders, output: object
) -> None:
    """They are refused before anything is uploaded."""
    with pytest.raises(InvalidSampleError, match="No output in inference") as caught:
        await optimizer.launch(OpenAISftConfig(model="m"), TrainingData(training=[sample(output=output)]))
    assert caught.value.status == 400
    assert provider.requests == []


async def test_jobs_are_asked_for_by_their_id(optimizer: OpenAISft, provider: FakeProviders) -> None:
    """An address in a handle is not called: whoever made it would get the key."""
    handle = OpenAISftHandle(job_id="ftjob-1", job_url="", job_api_url="http://evil.test/")
    provider.jobs[OPENAI] = {"status": "queued", "error": None}
    assert await optimizer.poll(handle) == PendingJob(message="Queued")
    assert provider.asked == ["GET api.openai.com/v1/fine_tuning/jobs/ftjob-1"]


async def test_the_job_is_what_openais_own_library_would_send(
    optimizer: OpenAISft, provider: FakeProviders
) -> None:
    """Its types accept every field; null stands for what may be left out."""
    settings = OpenAISftConfig(model="m", batch_size=2, learning_rate_multiplier=0.1, seed=5, suffix="s")
    await optimizer.launch(settings, TrainingData(training=[sample()], validation=[sample()]))
    job = provider.sent("/jobs")
    TypeAdapter(JobCreateParams).validate_python(job)
    assert set(job) <= set(JobCreateParams.__annotations__)
