"""Tests of `tzproxy.optimization.openai.jobs`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from optimization.fakes import OPENAI, FakeProviders
from optimization.services import Services
from tzproxy.optimization.jobs import CompletedJob, FailedJob, PendingJob
from tzproxy.optimization.openai.jobs import TuningJobs
from tzproxy.providers.errors import ProviderError


@pytest.fixture
def jobs(services: Services) -> TuningJobs:
    """Jobs at OpenAI."""
    return TuningJobs(services.openai)


async def test_validation_data_is_a_file_of_its_own(jobs: TuningJobs, provider: FakeProviders) -> None:
    """Both files are uploaded, and the job names them."""
    await jobs.begin("m", {"type": "x"}, (b"1\n", b"2\n"), seed=None, suffix=None)
    assert sorted(provider.uploads[OPENAI]) == ["1\n", "2\n"]
    sent = provider.sent("/jobs")
    assert {sent["training_file"], sent["validation_file"]} == {"file-1", "file-2"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status": "validating_files"}, PendingJob(message="Validating files", error=msgspec.Raw(b"{}"))),
        (
            {"status": "running", "estimated_finish": 1700000000, "trained_tokens": 12, "error": None},
            PendingJob(
                message="Running",
                estimated_finish=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
                trained_tokens=12,
            ),
        ),
        ({"status": "cancelled", "error": None}, FailedJob(message="Cancelled")),
        (
            {"status": "failed", "error": {"code": "c"}},
            FailedJob(message="Failed", error=msgspec.Raw(b'{"code": "c"}')),
        ),
    ],
)
async def test_states(
    jobs: TuningJobs, provider: FakeProviders, state: dict[str, Any], expected: object
) -> None:
    """What OpenAI says of a job is told in its words."""
    provider.jobs[OPENAI] = state
    assert await jobs.poll("ftjob-1") == expected
    assert provider.asked == ["GET api.openai.com/v1/fine_tuning/jobs/ftjob-1"]


async def test_a_trained_model_is_described(jobs: TuningJobs, provider: FakeProviders) -> None:
    """It can be written into a configuration as it is."""
    provider.jobs[OPENAI] = {"status": "succeeded", "fine_tuned_model": "ft:gpt:x"}
    info = await jobs.poll("ftjob-1")
    assert isinstance(info, CompletedJob)
    content = info.output.content
    assert content["routing"] == ["ft:gpt:x"]
    (model,) = content["providers"].values()  # type: ignore[attr-defined]
    assert (model["type"], model["model_name"]) == ("openai", "ft:gpt:x")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"status": "succeeded"}, "No fine-tuned model name in Succeeded response"),
        ({"status": "melted"}, "unknown variant `melted`, expected one of `validating_files`"),
        ({"status": None}, "Error parsing JSON response"),
    ],
)
async def test_what_nobody_understands_is_an_error(
    jobs: TuningJobs, provider: FakeProviders, state: dict[str, Any], reason: str
) -> None:
    """It is the provider's fault, and says what was wrong."""
    provider.jobs[OPENAI] = state
    with pytest.raises(ProviderError, match=reason):
        await jobs.poll("ftjob-1")


async def test_ids_stay_within_the_path(jobs: TuningJobs, provider: FakeProviders) -> None:
    """An id of a forged handle leads nowhere else."""
    assert jobs.url("../files").endswith("/v1/fine_tuning/jobs/..%2Ffiles")
    assert jobs.page("ftjob-1") == "https://platform.openai.com/finetune/ftjob-1"
