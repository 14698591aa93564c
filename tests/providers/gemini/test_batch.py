"""Tests of batch prediction on Vertex AI: bytes sent, lines read."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tzproxy.config.credentials import DynamicCredential
from tzproxy.config.provider_types import BatchCloudStorage
from tzproxy.config.providers import GcpVertexGeminiProviderConfig
from tzproxy.providers.batches import (
    BatchResult,
    ModelNames,
    PolledBatch,
    SubmittedBatch,
    UnusableResultsError,
)
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gemini.batch import VertexGeminiBatch, VertexPlace, object_url
from tzproxy.providers.gemini.build import build_vertex_batch
from tzproxy.providers.settings import Surroundings, resolve_plain
from tzproxy.types.content import File, Text, Unknown
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams
from tzproxy.types.usage import Usage
from tzproxy.upstream import HeaderBlock

from ..job_script import JobScript, Scripted
from ..samples import user

BATCH_ID = "019d2b67-0001-7000-8000-0000000000b1"
STORAGE = BatchCloudStorage(input_uri_prefix="gs://b/in", output_uri_prefix="gs://b/out/")
NAME = "projects/1/locations/us-central1/batchPredictionJobs/77"
JOB: dict[str, Any] = {"name": NAME, "state": "JOB_STATE_PENDING"}
PARAMS = json.dumps({"job_url_suffix": NAME})
HOST = "https://us-central1-aiplatform.googleapis.com"
TOKEN = {"token": "t"}


class Tokens:
    """Headers that need to be prepared, as those of Google's library do."""

    prepares = True

    def __init__(self, token: str) -> None:
        self._token = token
        self._ready = False

    async def prepare(self, credentials: object) -> None:
        """Fetch the token."""
        self._ready = True

    def resolve(self, credentials: object) -> HeaderBlock:
        """Return the headers."""
        assert self._ready
        return HeaderBlock.of((("content-type", "application/json"), ("authorization", self._token)))


def vertex(storage: BatchCloudStorage | None = STORAGE, **fields: Any) -> VertexGeminiBatch:
    """The API, by a configuration whose token comes with the request."""
    usual = {"model_id": "gemini-2.5-flash", "location": "us-central1", "project_id": "my-project"}
    config = GcpVertexGeminiProviderConfig(**{**usual, **fields})
    surroundings = Surroundings(setting=resolve_plain, vertex_batches=storage)
    return build_vertex_batch(config, DynamicCredential("token"), surroundings)


async def submit(api: VertexGeminiBatch, script: JobScript, *requests: ModelRequest) -> SubmittedBatch:
    """Hand requests over."""
    return await api.submit(requests, batch_id=BATCH_ID, credentials=TOKEN, jobs=script)


def asked(name: str, **fields: Any) -> ModelRequest:
    """A request."""
    return ModelRequest(inference_id=name, messages=[user(Text("Hi"))], **fields)


async def test_bytes_of_a_submission() -> None:
    """A file in the bucket, each line labelled with its inference, then a job over it."""
    script = JobScript(b"", JOB)
    done = await submit(vertex(), script, asked("i1", params=ChatParams(max_tokens=5)), asked("i2"))
    upload, order = script.requests
    assert (upload.method, upload.url) == (
        "PUT",
        f"https://storage.googleapis.com/b/in/tensorzero-batch-input-{BATCH_ID}.jsonl",
    )
    assert dict(upload.headers)["authorization"] == "Bearer t"
    lines = upload.body.split(b"\n")
    assert lines[0] == (
        b'{"request":{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],'
        b'"generationConfig":{"maxOutputTokens":5},"labels":{"tensorzero::inference_id":"i1"}}}'
    )
    assert json.loads(lines[1])["request"]["labels"] == {"tensorzero::inference_id": "i2"}
    assert (order.method, order.url) == (
        "POST",
        f"{HOST}/v1/projects/my-project/locations/us-central1/batchPredictionJobs",
    )
    assert json.loads(order.body) == {
        "displayName": f"tensorzero-batch-{BATCH_ID}",
        "model": "publishers/google/models/gemini-2.5-flash",
        "inputConfig": {
            "instancesFormat": "jsonl",
            "gcs_source": {"uris": f"gs://b/in/tensorzero-batch-input-{BATCH_ID}.jsonl"},
        },
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcs_destination": {"outputUriPrefix": f"gs://b/out/tensorzero-batch-output-{BATCH_ID}"},
        },
    }
    assert json.loads(done.params) == {"job_url_suffix": NAME}
    assert [text.encode() for text in done.raw_requests] == lines
    assert (done.raw_request, json.loads(done.raw_response)) == (order.body.decode(), JOB)


async def test_files_are_sent_and_not_kept() -> None:
    """The bytes of a file are in the upload alone."""
    script = JobScript(b"", JOB)
    image = File(data="QUJD", mime_type="image/png")
    done = await submit(vertex(), script, ModelRequest(inference_id="i", messages=[user(image)]))
    assert b"QUJD" in script.requests[0].body
    assert "QUJD" not in done.raw_requests[0]


@pytest.mark.parametrize(
    ("api", "text"),
    [
        (vertex(None), "Missing config section: `[provider_types.gcp_vertex_gemini.batch]`"),
        (
            vertex(model_id=None, endpoint_id="12"),
            "Model ID is required for batch inference (not endpoint ID)",
        ),
        (
            vertex(BatchCloudStorage(input_uri_prefix="/tmp/in", output_uri_prefix="gs://b/out")),
            "is no address of an object in Cloud Storage",
        ),
    ],
)
async def test_what_is_not_configured(api: VertexGeminiBatch, text: str) -> None:
    """Nothing is sent when it is not known where to."""
    with pytest.raises(ProviderError, match=re.escape(text)):
        await submit(api, JobScript(), asked("i"))


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (((403, b"no"),), "no"),
        ((b"", (404, b"no such model")), "no such model"),
        ((b"", b"<html>"), "Error parsing JSON response"),
    ],
)
async def test_refused_submissions(answers: tuple[Scripted, ...], text: str) -> None:
    """Each step may fail, in Google's words."""
    with pytest.raises(ProviderError, match=text):
        await submit(vertex(), JobScript(*answers), asked("i"))


def prepared() -> VertexGeminiBatch:
    """The API with tokens that are fetched, one for each host."""
    place = VertexPlace(
        host="us-central1-aiplatform.googleapis.com",
        project_id="my-project",
        location="us-central1",
        model_id="m",
    )
    return VertexGeminiBatch(place, STORAGE, headers=Tokens("vertex"), storage_headers=Tokens("storage"))


async def poll(*answers: Scripted) -> PolledBatch:
    """Ask for a job."""
    return await prepared().poll(PARAMS, names=ModelNames("m", "p"), jobs=JobScript(*answers))


async def results_of(found: PolledBatch) -> list[BatchResult]:
    """Fetch the results."""
    assert found.results is not None
    return [one async for part in found.results for one in part]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        *((s, "pending") for s in ("PENDING", "RUNNING", "QUEUED", "PAUSED", "UPDATING", "UNSPECIFIED")),
        *((s, "failed") for s in ("FAILED", "CANCELLING", "CANCELLED", "EXPIRED", "SOMETHING")),
    ],
)
async def test_states(state: str, said: str) -> None:
    """What Google calls a state is one of ours."""
    found = await poll({**JOB, "state": f"JOB_STATE_{state}"})
    assert (found.status, found.raw_request) == (said, f"{HOST}/v1/{NAME}")


def line(name: str | None, *parts: Any) -> bytes:
    """A line of results."""
    labels = {} if name is None else {"tensorzero::inference_id": name}
    response = {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2},
    }
    return json.dumps({"request": {"contents": [], "labels": labels}, "response": response}).encode()


@pytest.mark.parametrize("state", ["SUCCEEDED", "PARTIALLY_SUCCEEDED"])
async def test_results(state: str) -> None:
    """Answers are found by their labels; what has none or is no answer is left out."""
    done = {
        **JOB,
        "state": f"JOB_STATE_{state}",
        "outputInfo": {"gcsOutputDirectory": "gs://b/out/prediction-m-2026"},
    }
    lost = {"request": {"labels": {"tensorzero::inference_id": "x"}}, "response": {}, "status": "bad"}
    code = {"executableCode": {"code": "1"}}
    lines = [line("b", {"text": "two"}), line(None), json.dumps(lost).encode(), line("a", code)]
    script = JobScript(done, b"\n".join(lines) + b"\n")
    found = await prepared().poll(PARAMS, names=ModelNames("m", "p"), jobs=script)
    results = await results_of(found)
    assert [(request.method, request.url) for request in script.requests] == [
        ("GET", f"{HOST}/v1/{NAME}"),
        ("GET", "https://storage.googleapis.com/b/out/prediction-m-2026/predictions.jsonl"),
    ]
    assert [request.headers for request in script.requests] == [
        (("authorization", "vertex"),),
        (("authorization", "storage"),),
    ]
    assert [one.inference_id for one in results] == ["b", "a"]
    assert results[0].response.output == [Text("two")]
    assert results[0].response.usage == Usage(5, 2)
    (block,) = results[1].response.output
    assert isinstance(block, Unknown)
    assert (block.model_name, block.provider_name) == ("m", "p")


async def test_results_that_nobody_finds() -> None:
    """A place that is not told, a file that is not there, and a file of nothing usable."""
    done = {**JOB, "state": "JOB_STATE_SUCCEEDED"}
    with pytest.raises(ProviderError, match="Output directory is missing"):
        await poll(done)
    done["outputInfo"] = {"gcsOutputDirectory": "gs://b/out"}
    with pytest.raises(ProviderError, match="gone"):
        await results_of(await poll(done, (404, b"gone")))
    with pytest.raises(UnusableResultsError, match="All 1 rows failed to parse"):
        await results_of(await poll(done, line(None)))


async def test_a_job_is_called_off() -> None:
    """By its name, with a token for Vertex AI."""
    script = JobScript({})
    await prepared().cancel(PARAMS, credentials={}, jobs=script)
    (request,) = script.requests
    assert (request.method, request.url) == ("POST", f"{HOST}/v1/{NAME}:cancel")
    assert ("authorization", "vertex") in request.headers


async def test_a_batch_of_somebody_else() -> None:
    """What was kept of it says nothing here."""
    with pytest.raises(ProviderError, match="missing field"):
        await prepared().poll("{}", names=ModelNames("m", "p"), jobs=JobScript())


async def test_a_token_that_is_not_here_any_more() -> None:
    """Dynamic credentials come with requests, and this is none."""
    with pytest.raises(ProviderError, match="API key missing"):
        await vertex().poll(PARAMS, names=ModelNames("m", "p"), jobs=JobScript())


@pytest.mark.parametrize("uri", ["s3://b/x", "gs://b", "gs:///x", "b/x"])
def test_no_address_of_an_object(uri: str) -> None:
    """It needs a bucket and a path."""
    with pytest.raises(ProviderError):
        object_url(uri)


def test_addresses_are_escaped() -> None:
    """A path keeps its slashes and nothing else that means something in an address."""
    assert object_url("gs://b/a b/c?d") == "https://storage.googleapis.com/b/a%20b/c%3Fd"
