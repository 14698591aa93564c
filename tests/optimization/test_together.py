"""Tests of `tzproxy.optimization.together`."""

from __future__ import annotations

from typing import Any

import pytest

from optimization.fakes import TOGETHER, FakeProviders, form_of, lines_of
from optimization.samples import WEATHER, sample
from optimization.services import make_services
from tzproxy.config.optimizers import CosineSchedulerConfig, FullTrainingConfig, TogetherSftConfig
from tzproxy.config.provider_types import TogetherSftSettings
from tzproxy.config.secret import Secret
from tzproxy.optimization.jobs import CompletedJob, FailedJob, PendingJob, TogetherSftHandle
from tzproxy.optimization.samples import InvalidSampleError, TrainingData
from tzproxy.optimization.together import TogetherSft
from tzproxy.providers.errors import ProviderError

FURTHER = TogetherSftSettings(
    wandb_api_key=Secret("wandb-secret"), wandb_project_name="p", hf_api_token=Secret("hf-secret")
)
HANDLE = TogetherSftHandle(job_id="ft-1", job_url="")
DATA = TrainingData(training=[sample()])


@pytest.fixture
def optimizer(provider: FakeProviders) -> TogetherSft:
    """The optimiser."""
    return TogetherSft(make_services(provider).together, TogetherSftSettings())


async def test_a_job_over_a_file(optimizer: TogetherSft, provider: FakeProviders) -> None:
    """The file goes up as a form, and the job has Together's defaults spelt out."""
    data = TrainingData(training=[sample("a", system="S", tools=[WEATHER])])
    handle = await optimizer.launch(TogetherSftConfig(model="m"), data)
    assert handle == TogetherSftHandle(job_id="ft-1", job_url="https://api.together.ai/fine-tuning/ft-1")
    place = "api.together.xyz/v1"
    assert provider.asked == [f"POST {place}/files/upload", f"POST {place}/fine-tunes"]
    form = form_of(provider.requests[0])
    assert list(form) == ["file", "purpose", "file_name"]
    assert form["file"][0] == {"filename": "dataset.jsonl", "type": "application/jsonl"}
    assert (form["purpose"][1], form["file_name"][1]) == ("fine-tune", "dataset.jsonl")
    (line,) = lines_of(form["file"][1])
    assert line["messages"][0] == {"role": "system", "content": "S"}
    assert [tool["strict"] for tool in line["tools"]] == [True]
    assert provider.sent("/fine-tunes") == {
        "training_file": "file-1",
        "model": "m",
        "n_epochs": 1,
        "n_checkpoints": 1,
        "n_evals": 0,
        "warmup_ratio": 0.0,
        "max_grad_norm": 1.0,
        "weight_decay": 0.0,
        "batch_size": "max",
        "lr_scheduler": {"lr_scheduler_type": "linear", "min_lr_ratio": 0.0},
        "learning_rate": 1e-05,
        "training_method": {"method": "sft", "train_on_inputs": "auto"},
        "training_type": {
            "type": "Lora",
            "lora_r": 8,
            "lora_alpha": 16,
            "lora_dropout": 0.0,
            "lora_trainable_modules": "all-linear",
        },
    }
    assert provider.keys() == {"Bearer key-of-together"}


async def test_everything_that_can_be_said(provider: FakeProviders) -> None:
    """Keys of other services come from the configuration; validation data has a purpose of its own."""
    optimizer = TogetherSft(make_services(provider).together, FURTHER)
    settings = TogetherSftConfig(
        model="m",
        n_evals=4,
        batch_size=5,
        suffix="s",
        lr_scheduler=CosineSchedulerConfig(min_lr_ratio=0.1, num_cycles=0.5),
        training_type=FullTrainingConfig(),
        wandb_name="w",
        from_checkpoint="c",
    )
    await optimizer.launch(settings, TrainingData(training=[sample("a")], validation=[sample("b")]))
    forms = [form_of(one) for one in provider.requests[:2]]
    by_purpose = {form["purpose"][1]: lines_of(form["file"][1])[0]["messages"][0] for form in forms}
    assert by_purpose == {
        "fine-tune": {"role": "user", "content": "a"},
        "eval": {"role": "user", "content": "b"},
    }
    sent = provider.sent("/fine-tunes")
    assert {sent["training_file"], sent["validation_file"]} == {"file-1", "file-2"}
    assert (sent["n_evals"], sent["batch_size"], sent["suffix"]) == (4, 5, "s")
    assert sent["lr_scheduler"] == {
        "lr_scheduler_type": "cosine",
        "min_lr_ratio": 0.1,
        "num_cycles": 0.5,
    }
    assert sent["training_type"] == {"type": "Full"}
    assert (sent["wandb_api_key"], sent["hf_api_token"]) == ("wandb-secret", "hf-secret")
    assert (sent["wandb_project_name"], sent["wandb_name"]) == ("p", "w")
    assert (sent["from_checkpoint"], "wandb_base_url" in sent) == ("c", False)


async def test_parallel_calls(optimizer: TogetherSft, provider: FakeProviders) -> None:
    """Together cannot learn them: nothing is sent."""
    data = TrainingData(training=[sample(parallel=True)])
    with pytest.raises(InvalidSampleError, match="Parallel tool calls are not supported for Together"):
        await optimizer.launch(TogetherSftConfig(model="m"), data)
    assert provider.requests == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status": "running", "token_count": 7}, PendingJob(message="running", trained_tokens=7)),
        ({"status": "uploading"}, PendingJob(message="uploading", trained_tokens=0)),
        ({"status": "user_error"}, FailedJob(message="user_error")),
        ({"status": "cancel_requested"}, FailedJob(message="cancel_requested")),
    ],
)
async def test_states(
    optimizer: TogetherSft, provider: FakeProviders, state: dict[str, Any], expected: object
) -> None:
    """What Together says of a job is told as it is."""
    provider.jobs[TOGETHER] = state
    assert await optimizer.poll(HANDLE) == expected
    assert provider.asked == ["GET api.together.xyz/v1/fine-tunes/ft-1"]


async def test_a_trained_model(optimizer: TogetherSft, provider: FakeProviders) -> None:
    """It goes by the name that Together gave it."""
    provider.jobs[TOGETHER] = {"status": "completed"}
    info = await optimizer.poll(HANDLE)
    assert isinstance(info, CompletedJob)
    assert info.output.content["routing"] == ["me/tuned"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"status": "melted"}, "unknown variant `melted`"),
        ({"status": "completed", "model_output_name": None}, "Missing model_output_name"),
    ],
)
async def test_what_nobody_understands_is_an_error(
    optimizer: TogetherSft, provider: FakeProviders, state: dict[str, Any], reason: str
) -> None:
    """It is the provider's fault."""
    provider.jobs[TOGETHER] = state
    with pytest.raises(ProviderError, match=reason):
        await optimizer.poll(HANDLE)


async def test_ids_stay_within_the_path(optimizer: TogetherSft, provider: FakeProviders) -> None:
    """An id of a forged handle leads nowhere else."""
    await optimizer.poll(TogetherSftHandle(job_id="../x", job_url=""))
    assert provider.asked == ["GET api.together.xyz/v1/fine-tunes/..%2Fx"]
