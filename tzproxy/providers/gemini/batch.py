"""Batch prediction of Gemini models on Vertex AI: a file in a bucket, a job over it, a file of answers. Cold.

Source: Vertex AI API reference, batchPredictionJobs; Cloud Storage XML API; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, field, structs

from tzproxy.config.provider_types import BatchCloudStorage
from tzproxy.providers.batches import (
    BatchResult,
    JobRequest,
    Jobs,
    ModelNames,
    PolledBatch,
    SubmittedBatch,
    exchanged,
    headers_without_type,
    read_results,
    written,
)
from tzproxy.providers.credentials import RequestHeaders, prepare_headers
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.files import has_data, stored_body
from tzproxy.providers.gemini.request import Bodies
from tzproxy.providers.gemini.response import parse_response
from tzproxy.providers.gemini.rules import VERTEX
from tzproxy.providers.unreadable import UNREADABLE, reason_for
from tzproxy.types.model import ModelRequest
from tzproxy.upstream import HeaderBlock

_T = TypeVar("_T")

STORAGE = "https://storage.googleapis.com"
STORAGE_HOST = "storage.googleapis.com"
LABEL = "tensorzero::inference_id"
SPEC = structs.replace(VERTEX.spec, refusal_texts={})
"""The facts, without the advice for a model that is not found: what is missing here is a job or a file."""

PENDING = frozenset({"PENDING", "RUNNING", "QUEUED", "PAUSED", "UPDATING", "UNSPECIFIED"})
DONE = frozenset({"SUCCEEDED", "PARTIALLY_SUCCEEDED"})


class Line(Struct, frozen=True):
    """A line of the file of requests."""

    request: Raw


class Uris(Struct, frozen=True):
    """Where the requests are."""

    uris: str


class InputConfig(Struct, frozen=True):
    """The file of requests."""

    gcs_source: Uris
    instances_format: str = field(default="jsonl", name="instancesFormat")


class Destination(Struct, frozen=True):
    """Where the answers go."""

    output_uri_prefix: str = field(name="outputUriPrefix")


class OutputConfig(Struct, frozen=True):
    """The file of answers."""

    gcs_destination: Destination
    predictions_format: str = field(default="jsonl", name="predictionsFormat")


class NewJob(Struct, frozen=True, rename="camel"):
    """The request for a job."""

    display_name: str
    model: str
    input_config: InputConfig
    output_config: OutputConfig


class BatchParams(Struct, frozen=True):
    """What is kept of a job."""

    job_url_suffix: str


class OutputInfoIn(Struct, rename="camel"):
    """Where the answers are."""

    gcs_output_directory: str


class JobIn(Struct, rename="camel"):
    """A job."""

    name: str
    state: str
    output_info: OutputInfoIn | None = None


class RequestIn(Struct):
    """The request of an answer, as far as it tells whose it is."""

    labels: dict[str, str] = {}


class LineIn(Struct):
    """A line of the file of answers."""

    request: RequestIn
    response: Raw


_ENCODE = msgspec.json.Encoder().encode
_JOB = msgspec.json.Decoder(JobIn).decode
_LINE = msgspec.json.Decoder(LineIn).decode
_PARAMS = msgspec.json.Decoder(BatchParams).decode


class VertexPlace(Struct, frozen=True, kw_only=True):
    """Where the jobs of one model run. `model_id` None: an endpoint, which takes no jobs."""

    host: str
    project_id: str
    location: str
    model_id: str | None

    @property
    def jobs_url(self) -> str:
        """The URL of its jobs."""
        parts = (quote(part, safe="") for part in (self.project_id, self.location))
        return "https://{}/v1/projects/{}/locations/{}/batchPredictionJobs".format(self.host, *parts)


class VertexGeminiBatch:
    """The batch API beside one configured model."""

    def __init__(
        self,
        place: VertexPlace,
        storage: BatchCloudStorage | None,
        *,
        headers: RequestHeaders,
        storage_headers: RequestHeaders,
    ) -> None:
        """Prepare.

        Args:
            place: where jobs run.
            storage: where files go; None: not configured, every batch is refused.
            headers: makes the headers for Vertex AI.
            storage_headers: makes those for Cloud Storage: a token is good for one host.
        """
        self._place = place
        self._storage = storage
        self._headers = headers
        self._storage_headers = storage_headers
        self._bodies = Bodies(VERTEX)

    async def submit(
        self, requests: Sequence[ModelRequest], *, batch_id: str, credentials: Mapping[str, str], jobs: Jobs
    ) -> SubmittedBatch:
        """Upload the requests and begin a job over them.

        Raises:
            ProviderError: when a request cannot be expressed, Google refuses, or no storage is configured.
        """
        storage, model_id = self._storage, self._place.model_id
        if storage is None:
            raise ProviderError("Missing config section: `[provider_types.gcp_vertex_gemini.batch]`")
        if model_id is None:
            raise ProviderError("Model ID is required for batch inference (not endpoint ID)")
        headers = await _resolved(self._headers, credentials)
        storage_headers = await _resolved(self._storage_headers, credentials)
        lines = await written(requests, self._line)
        source = f"{storage.input_uri_prefix.rstrip('/')}/tensorzero-batch-input-{batch_id}.jsonl"
        await exchanged(
            jobs,
            SPEC,
            JobRequest(
                method="PUT",
                url=object_url(source),
                headers=(("content-type", "application/jsonl"), *headers_without_type(storage_headers)),
                body=b"\n".join(lines),
            ),
        )
        target = f"{storage.output_uri_prefix.rstrip('/')}/tensorzero-batch-output-{batch_id}"
        order = _ENCODE(
            NewJob(
                f"tensorzero-batch-{batch_id}",
                f"publishers/google/models/{model_id}",
                InputConfig(Uris(source)),
                OutputConfig(Destination(target)),
            )
        )
        answer = await exchanged(
            jobs,
            SPEC,
            JobRequest(method="POST", url=self._place.jobs_url, headers=headers.pairs, body=order),
        )
        return SubmittedBatch(
            params=_ENCODE(BatchParams(_decoded(_JOB, answer).name)).decode(),
            raw_requests=[
                stored_body(line, request.messages) if has_data(request.messages) else line.decode()
                for request, line in zip(requests, lines, strict=True)
            ],
            raw_request=order.decode(),
            raw_response=answer.decode(errors="replace"),
        )

    async def poll(self, params: str, *, names: ModelNames, jobs: Jobs) -> PolledBatch:
        """Ask for the job, and for its file of answers when it is done.

        Raises:
            ProviderError: when Google cannot be asked, refuses, or says what nobody understands.
        """
        headers = headers_without_type(await _resolved(self._headers, {}))
        url = f"https://{self._place.host}/v1/{quote(_decoded(_PARAMS, params.encode()).job_url_suffix)}"
        answer = await exchanged(jobs, SPEC, JobRequest(method="GET", url=url, headers=headers))
        text = answer.decode(errors="replace")
        job = _decoded(_JOB, answer)
        state = job.state.removeprefix("JOB_STATE_")
        if state in PENDING:
            return PolledBatch(status="pending", raw_request=url, raw_response=text)
        if state not in DONE:
            return PolledBatch(status="failed", raw_request=url, raw_response=text)
        if job.output_info is None:
            raise server_error(SPEC.type, "Output directory is missing", raw_response=text)
        place = f"{job.output_info.gcs_output_directory}/predictions.jsonl"
        storage_headers = headers_without_type(await _resolved(self._storage_headers, {}))
        wanted = JobRequest(method="GET", url=object_url(place), headers=storage_headers)
        asked = ModelRequest(
            inference_id="", messages=[], model_name=names.model, provider_name=names.provider
        )
        results = read_results(jobs, SPEC, wanted, place, lambda line: _result(line, asked))
        return PolledBatch(status="completed", raw_request=url, raw_response=text, results=results)

    async def cancel(self, params: str, *, credentials: Mapping[str, str], jobs: Jobs) -> None:
        """Call a job off.

        Raises:
            ProviderError: when Google cannot be asked, or refuses.
        """
        headers = await _resolved(self._headers, credentials)
        job = quote(_decoded(_PARAMS, params.encode()).job_url_suffix)
        url = f"https://{self._place.host}/v1/{job}:cancel"
        await exchanged(jobs, SPEC, JobRequest(method="POST", url=url, headers=headers.pairs, body=b"{}"))

    def _line(self, request: ModelRequest) -> bytes:
        label = _ENCODE({LABEL: request.inference_id})
        body = b'%b,"labels":%b}' % (self._bodies.write(request)[:-1], label)
        return _ENCODE(Line(Raw(body)))


def object_url(uri: str) -> str:
    """Return where an object is reached.

    Raises:
        ProviderError: for what is no `gs://` address.
    """
    bucket, _, path = uri.removeprefix("gs://").partition("/")
    if not uri.startswith("gs://") or not bucket or not path:
        raise ProviderError(f"`{uri}` is no address of an object in Cloud Storage: gs://BUCKET/PATH")
    return f"{STORAGE}/{quote(bucket, safe='')}/{quote(path)}"


async def _resolved(headers: RequestHeaders, credentials: Mapping[str, str]) -> HeaderBlock:
    await prepare_headers(headers, credentials)
    return headers.resolve(credentials)


def _decoded(decode: Callable[[bytes], _T], body: bytes) -> _T:
    try:
        return decode(body)
    except UNREADABLE as exc:
        message = f"Error parsing JSON response: {reason_for(exc)}"
        raise server_error(SPEC.type, message, raw_response=body.decode("utf-8", "replace")) from exc


def _result(raw: bytes, asked: ModelRequest) -> BatchResult:
    line = _LINE(raw)
    inference_id = line.request.labels.get(LABEL)
    if inference_id is None:
        raise ValueError(f"no label `{LABEL}`")
    body = bytes(line.response)
    return BatchResult(
        inference_id=inference_id,
        response=parse_response(VERTEX, body, asked),
        raw_response=body.decode(),
    )
