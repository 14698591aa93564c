"""Tests of `tzproxy.optimization.fireworks`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from optimization.fakes import FIREWORKS, FakeProviders, form_of, lines_of
from optimization.samples import WEATHER, sample
from optimization.services import Services
from tzproxy.config.optimizers import FireworksSftConfig
from tzproxy.errors import RequestError
from tzproxy.optimization.fireworks import FireworksSft, checked_path
from tzproxy.optimization.jobs import CompletedJob, FailedJob, FireworksSftHandle, PendingJob
from tzproxy.optimization.samples import InvalidSampleError, TrainingData
from tzproxy.providers.errors import ProviderError

JOB = "accounts/acct/supervisedFineTuningJobs/job-1"
MODEL = "accounts/acct/models/tuned"
HANDLE = FireworksSftHandle(job_url="", job_path=JOB)
DEPLOYING = FireworksSftHandle(job_url="", job_path=JOB, deploy_after_training=True)
DATA = TrainingData(training=[sample()])


@pytest.fixture
def optimizer(services: Services) -> FireworksSft:
    """The optimiser."""
    return FireworksSft(services.fireworks, "acct", pause_s=0)


async def test_datasets_and_a_job(optimizer: FireworksSft, provider: FakeProviders) -> None:
    """Each file becomes a dataset that is waited for; the job names them."""
    provider.dataset_states = ["UPLOADING", "READY"]
    settings = FireworksSftConfig(model="accounts/fireworks/models/x", epochs=2, mtp_enabled=False)
    data = TrainingData(training=[sample("a", system="S"), sample("b", tools=[WEATHER])])
    handle = await optimizer.launch(settings, data)
    assert handle == FireworksSftHandle(
        job_url="https://app.fireworks.ai/dashboard/fine-tuning/supervised/job-1", job_path=JOB
    )
    made = provider.sent("/datasets")
    name = made["datasetId"]
    assert made == {
        "datasetId": name,
        "dataset": {"displayName": name, "format": "CHAT", "exampleCount": 2},
    }
    place = "api.fireworks.ai/v1/accounts/acct"
    assert provider.asked == [
        f"POST {place}/datasets",
        f"POST {place}/datasets/{name}:upload",
        f"GET {place}/datasets/{name}",
        f"GET {place}/datasets/{name}",
        f"POST {place}/supervisedFineTuningJobs",
    ]
    form = form_of(provider.requests[1])
    assert list(form) == ["file"]
    assert form["file"][0] == {"filename": "dataset.jsonl", "type": "application/jsonl"}
    first, second = lines_of(provider.uploads[FIREWORKS][0])
    assert first == {
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "Hi"},
        ]
    }
    tool = {"name": "weather", "description": "Tells it.", "parameters": {"type": "object"}}
    assert second["tools"] == [{"type": "function", "function": tool}]
    unset = ("earlyStop", "learningRate", "maxContextLength", "loraRank", "batchSize", "displayName")
    more = ("outputModel", "warmStartFrom", "isTurbo", "evalAutoCarveout", "nodes", "mtpNumDraftTokens")
    assert provider.sent("/supervisedFineTuningJobs") == {
        "baseModel": "accounts/fireworks/models/x",
        "dataset": f"accounts/acct/datasets/{name}",
        "evaluationDataset": None,
        "epochs": 2,
        "mtpEnabled": False,
        "mtpFreezeBaseModel": None,
        **dict.fromkeys((*unset, *more)),
    }
    assert provider.keys() == {"Bearer key-of-fireworks"}


async def test_validation_data_is_a_dataset(optimizer: FireworksSft, provider: FakeProviders) -> None:
    """The job names both, each in its place."""
    data = TrainingData(training=[sample("a")], validation=[sample("b"), sample("c")])
    await optimizer.launch(FireworksSftConfig(model="m", deploy_after_training=True), data)
    sent = provider.sent("/supervisedFineTuningJobs")
    names = [sent["dataset"], sent["evaluationDataset"]]
    counts = {
        f"accounts/acct/datasets/{body['datasetId']}": body["dataset"]["exampleCount"]
        for one in provider.requests
        if one.method == "POST" and one.url.endswith("/datasets")
        for body in [msgspec.json.decode(one.body)]
    }
    assert [counts[name] for name in names] == [1, 2]


async def test_what_cannot_be_launched(services: Services, provider: FakeProviders) -> None:
    """Without an account, or with calls that Fireworks cannot learn: nothing is sent."""
    settings = FireworksSftConfig(model="m")
    with pytest.raises(RequestError, match=r"\[provider_types\.fireworks\.sft\]"):
        await FireworksSft(services.fireworks, None).launch(settings, DATA)
    with pytest.raises(InvalidSampleError, match="Parallel tool calls are not supported for Fireworks"):
        await FireworksSft(services.fireworks, "acct").launch(
            settings, TrainingData(training=[sample(parallel=True)])
        )
    assert provider.requests == []


async def test_a_dataset_that_is_never_ready(
    optimizer: FireworksSft, provider: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up in the end."""
    monkeypatch.setattr("tzproxy.optimization.fireworks.READY_WITHIN", 3)
    provider.dataset_states = ["UPLOADING"]
    with pytest.raises(ProviderError, match="is not ready: UPLOADING"):
        await optimizer.launch(FireworksSftConfig(model="m"), DATA)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"state": "JOB_STATE_RUNNING"}, PendingJob(message="JOB_STATE_RUNNING")),
        ({"state": "JOB_STATE_POLICY_UPDATE"}, PendingJob(message="JOB_STATE_POLICY_UPDATE")),
        (
            {"state": "JOB_STATE_FAILED", "status": {"code": "INTERNAL", "message": "boom"}},
            FailedJob(message="JOB_STATE_FAILED", error=msgspec.Raw(b'"boom"')),
        ),
        ({"state": "JOB_STATE_DELETING"}, FailedJob(message="JOB_STATE_DELETING")),
    ],
)
async def test_states(
    optimizer: FireworksSft, provider: FakeProviders, state: dict[str, Any], expected: object
) -> None:
    """What Fireworks says of a job is told as it is."""
    provider.jobs[FIREWORKS] = state
    assert await optimizer.poll(HANDLE) == expected
    assert provider.asked == [f"GET api.fireworks.ai/v1/{JOB}"]


async def test_a_trained_model(optimizer: FireworksSft, provider: FakeProviders) -> None:
    """It is described as it is where nobody wanted it deployed."""
    provider.jobs[FIREWORKS] = {"state": "JOB_STATE_COMPLETED"}
    info = await optimizer.poll(HANDLE)
    assert isinstance(info, CompletedJob)
    assert info.output.content["routing"] == [MODEL]
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("deployed", "state", "expected"),
    [
        ([], "DEPLOYING", "DEPLOYING"),
        ([], "DEPLOYED", None),
        ([{"state": "DEPLOYED", "default": False}], "DEPLOYING", "DEPLOYING"),
        ([{"state": "UPDATING", "default": True}], "", "UPDATING"),
        ([{"state": "DEPLOYED", "default": True}], "", None),
    ],
)
async def test_a_model_that_is_to_be_deployed(
    optimizer: FireworksSft,
    provider: FakeProviders,
    deployed: list[dict[str, Any]],
    state: str,
    expected: str | None,
) -> None:
    """It is deployed once, and the job is done when that is."""
    provider.jobs[FIREWORKS] = {"state": "JOB_STATE_COMPLETED"}
    provider.deployed, provider.deployment = deployed, state
    info = await optimizer.poll(DEPLOYING)
    if expected is None:
        assert isinstance(info, CompletedJob)
    else:
        assert info == PendingJob(message=expected)
    if state:
        assert provider.sent("/deployedModels") == {
            "model": MODEL,
            "default": True,
            "serverless": True,
            "public": False,
        }
    else:
        assert provider.asked[-1] == f"GET api.fireworks.ai/v1/{MODEL}"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"state": "JOB_STATE_MELTED"}, "unknown variant `JOB_STATE_MELTED`"),
        ({"state": "JOB_STATE_COMPLETED", "outputModel": None}, "No model path in Fireworks"),
    ],
)
async def test_what_nobody_understands_is_an_error(
    optimizer: FireworksSft, provider: FakeProviders, state: dict[str, Any], reason: str
) -> None:
    """It is the provider's fault."""
    provider.jobs[FIREWORKS] = state
    with pytest.raises(ProviderError, match=reason):
        await optimizer.poll(HANDLE)


async def test_a_deployment_that_nobody_understands(optimizer: FireworksSft, provider: FakeProviders) -> None:
    """Its state is told."""
    provider.jobs[FIREWORKS] = {"state": "JOB_STATE_COMPLETED"}
    provider.deployed = [{"state": "MELTED", "default": True}]
    with pytest.raises(ProviderError, match="unknown variant `MELTED`"):
        await optimizer.poll(DEPLOYING)


@pytest.mark.parametrize(
    "path", ["", "accounts/a/apiKeys/x", "../x", "accounts/a/models/x/../../y", "https://e/"]
)
def test_forged_handles(path: str) -> None:
    """The key is not sent to wherever a handle says."""
    with pytest.raises(RequestError, match="is no job and no model of Fireworks"):
        checked_path(path)
