"""Tests of `tzproxy.optimization.vertex`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from optimization.fakes import STORAGE, VERTEX, FakeProviders, lines_of
from optimization.samples import CONVERSATION, WEATHER, sample
from optimization.services import Services
from tzproxy.config.optimizers import GcpVertexGeminiSftConfig
from tzproxy.config.provider_types import GcpVertexGeminiSftSettings
from tzproxy.errors import RequestError
from tzproxy.optimization.jobs import CompletedJob, FailedJob, PendingJob, VertexSftHandle
from tzproxy.optimization.samples import InvalidSampleError, TrainingData
from tzproxy.optimization.vertex import VertexServices, VertexSft
from tzproxy.providers.errors import ProviderError

NAME = "projects/p/locations/us-central1/tuningJobs/7"
HANDLE = VertexSftHandle(job_url="", job_name=NAME)
PLACE = GcpVertexGeminiSftSettings(project_id="p", region="us-central1", bucket_name="b")
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"type": {"type": "string"}, "n": {"type": ["integer", "null"]}},
    "additionalProperties": False,
}
DATA = TrainingData(training=[sample()])


def made(services: Services, place: GcpVertexGeminiSftSettings | None = PLACE) -> VertexSft:
    """Make the optimiser for a place."""
    return VertexSft(place, lambda: VertexServices(services.vertex, services.storage))


async def test_files_in_a_bucket_and_a_job(services: Services, provider: FakeProviders) -> None:
    """Both files lie where the job says; each host gets its own key."""
    place = msgspec.structs.replace(
        PLACE, bucket_path_prefix="/pre/fix/", service_account="sa@x", kms_key_name="kms"
    )
    settings = GcpVertexGeminiSftConfig(
        model="gemini-2.0", n_epochs=2, adapter_size=8, seed=4, tuned_model_display_name="n"
    )
    data = TrainingData(training=[sample("a"), sample("b")], validation=[sample("c")])
    handle = await made(services, place).launch(settings, data)
    assert handle == VertexSftHandle(
        job_url="https://console.cloud.google.com/vertex-ai/tuning/locations/us-central1/tuningJob/7/monitor"
        "?project=p",
        job_name=NAME,
    )
    sent = provider.sent("/tuningJobs")
    spec = sent["supervisedTuningSpec"]
    uris = [spec.pop("trainingDatasetUri"), spec.pop("validationDatasetUri")]
    assert uris[0].startswith("gs://b/pre/fix/train_")
    assert uris[1].startswith("gs://b/pre/fix/val_")
    assert sorted(provider.asked[:2]) == [
        f"PUT storage.googleapis.com/{uri.removeprefix('gs://')}" for uri in uris
    ]
    assert sent == {
        "baseModel": "gemini-2.0",
        "supervisedTuningSpec": {
            "hyperParameters": {"epochCount": 2, "adapterSize": 8, "learningRateMultiplier": None},
            "export_last_checkpoint_only": None,
        },
        "tunedModelDisplayName": "n",
        "serviceAccount": "sa@x",
        "encryptionSpec": {"kmsKeyName": "kms"},
    }
    assert sorted(map(len, map(lines_of, provider.uploads[STORAGE]))) == [1, 2]
    assert provider.keys() == {"Bearer key-of-vertex", "Bearer key-of-storage"}


async def test_lines_are_contents(services: Services, provider: FakeProviders) -> None:
    """A conversation with its answer, as Gemini writes them; calls are checked in requests alone."""
    one = sample(
        system="S",
        messages=CONVERSATION,
        tools=[WEATHER, {**WEATHER, "name": "more", "parameters": SCHEMA}],
        parallel=True,
    )
    data = TrainingData(training=[one, sample()])
    await made(services).launch(GcpVertexGeminiSftConfig(model="m"), data)
    first, second = lines_of(provider.uploads[STORAGE][0])
    assert first["systemInstruction"] == {"role": "system", "parts": [{"text": "S"}]}
    assert [turn["role"] for turn in first["contents"]] == ["user", "model", "user", "model"]
    assert first["contents"][1]["parts"][0]["function_call"] == {"name": "weather", "args": {"place": "x"}}
    assert first["contents"][3] == {"role": "model", "parts": [{"text": "Hi"}]}
    names = [tool["functionDeclarations"][0]["name"] for tool in first["tools"]]
    assert names == ["weather", "more"]
    assert first["tools"][1]["functionDeclarations"][0]["parameters"] == {
        "type": "OBJECT",
        "properties": {"type": {"type": "STRING"}, "n": {"type": ["integer", "null"]}},
    }
    assert second == {
        "contents": [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {"role": "model", "parts": [{"text": "Hi"}]},
        ],
        "systemInstruction": None,
    }
    sent = provider.sent("/tuningJobs")
    assert (sent["serviceAccount"], sent["encryptionSpec"]) == (None, None)
    assert sent["supervisedTuningSpec"]["validationDatasetUri"] is None


async def test_what_cannot_be_launched(services: Services, provider: FakeProviders) -> None:
    """Without a bucket, or without an answer: nothing is sent."""
    settings = GcpVertexGeminiSftConfig(model="m")
    with pytest.raises(RequestError, match=r"\[provider_types\.gcp_vertex_gemini\.sft\]"):
        await made(services, None).launch(settings, DATA)
    with pytest.raises(InvalidSampleError, match="No output in inference"):
        await made(services).launch(settings, TrainingData(training=[sample(output=None)]))
    assert provider.requests == []


async def test_a_bucket_that_refuses(services: Services, provider: FakeProviders) -> None:
    """No job is begun over a file that is not there."""
    provider.refusals["PUT"] = (403, b"<Error>no</Error>")
    with pytest.raises(ProviderError, match="<Error>no</Error>"):
        await made(services).launch(GcpVertexGeminiSftConfig(model="m"), DATA)
    assert all(asked.startswith("PUT") for asked in provider.asked)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            {
                "state": "JOB_STATE_RUNNING",
                "tuningDataStats": {"supervisedTuningDataStats": {"totalBillableTokenCount": "99"}},
            },
            PendingJob(message="JOB_STATE_RUNNING", trained_tokens=99),
        ),
        ({"state": "JOB_STATE_PAUSED"}, PendingJob(message="JOB_STATE_PAUSED")),
        (
            {"state": "JOB_STATE_FAILED", "error": {"code": 3}},
            FailedJob(message="JOB_STATE_FAILED", error=msgspec.Raw(b'{"code": 3}')),
        ),
        (
            {"state": "JOB_STATE_PARTIALLY_SUCCEEDED"},
            FailedJob(message="JOB_STATE_PARTIALLY_SUCCEEDED"),
        ),
    ],
)
async def test_states(
    services: Services, provider: FakeProviders, state: dict[str, Any], expected: object
) -> None:
    """What Google says of a job is told as it is."""
    provider.jobs[VERTEX] = state
    assert await made(services).poll(HANDLE) == expected
    assert provider.asked == [f"GET {VERTEX}/v1/{NAME}"]


async def test_a_tuned_model(services: Services, provider: FakeProviders) -> None:
    """It is an endpoint, and named by its whole path."""
    endpoint = "projects/p/locations/us-central1/endpoints/123"
    provider.jobs[VERTEX] = {"state": "JOB_STATE_SUCCEEDED", "tunedModel": {"endpoint": endpoint}}
    info = await made(services).poll(HANDLE)
    assert isinstance(info, CompletedJob)
    model = info.output.content["providers"][endpoint]  # type: ignore[index]
    assert (model["endpoint_id"], model["location"], model["project_id"], model["model_id"]) == (
        "123",
        "us-central1",
        "p",
        None,
    )


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"state": "JOB_STATE_MELTED"}, "unknown variant `JOB_STATE_MELTED`"),
        ({"state": "JOB_STATE_SUCCEEDED"}, "No tuned_model in Succeeded response"),
        ({"state": "JOB_STATE_SUCCEEDED", "tunedModel": {}}, "No endpoint in Succeeded response"),
    ],
)
async def test_what_nobody_understands_is_an_error(
    services: Services, provider: FakeProviders, state: dict[str, Any], reason: str
) -> None:
    """It is the provider's fault."""
    provider.jobs[VERTEX] = state
    with pytest.raises(ProviderError, match=reason):
        await made(services).poll(HANDLE)


@pytest.mark.parametrize("name", ["", "../x", f"{NAME}/../../x", "https://evil.test/x"])
async def test_forged_handles(services: Services, provider: FakeProviders, name: str) -> None:
    """The key is not sent to wherever a handle says."""
    with pytest.raises(RequestError, match="is no tuning job"):
        await made(services).poll(VertexSftHandle(job_url="", job_name=name))
    assert provider.requests == []
