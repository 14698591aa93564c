"""`gcp_vertex_gemini_sft`: a Gemini model learns to answer as the samples do. Cold.

Source: Vertex AI API reference, tuningJobs; Cloud Storage XML API; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from tzproxy._speedups.ids import new_uuid7
from tzproxy.config.optimizers import GcpVertexGeminiSftConfig
from tzproxy.config.provider_types import GcpVertexGeminiSftSettings
from tzproxy.errors import RequestError
from tzproxy.optimization.chat_rows import as_made, needed_output, written_lines
from tzproxy.optimization.jobs import NULL, FailedJob, JobInfo, PendingJob, VertexSftHandle, tuned_model
from tzproxy.optimization.samples import InvalidSampleError, RenderedSample, TrainingData
from tzproxy.optimization.service import TuningService
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gemini.request import build_contents
from tzproxy.providers.gemini.rules import VERTEX
from tzproxy.providers.gemini.schema import cleaned
from tzproxy.providers.gemini.wire import Content, Part
from tzproxy.types.content import Message
from tzproxy.types.tools import FunctionTool

STATE = "JOB_STATE_"
PENDING = ("UNSPECIFIED", "QUEUED", "PENDING", "RUNNING", "PAUSED", "UPDATING")
FAILED = ("FAILED", "CANCELLING", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")
SUCCEEDED = "SUCCEEDED"
TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
JOB_NAME = re.compile(r"projects/[\w.:-]+/locations/[\w-]+/tuningJobs/[\w-]+")
"""The name of a job. Whatever else a handle holds, it is not asked for."""


class Declaration(Struct, frozen=True):
    """A function that the model may call."""

    name: str
    description: str
    parameters: object


class Tool(Struct, frozen=True, rename="camel"):
    """A tool: here one function each."""

    function_declarations: list[Declaration]


class Line(Struct, frozen=True, kw_only=True, rename="camel"):
    """A line of a file."""

    contents: list[Content]
    system_instruction: Content | None
    tools: list[Tool] | UnsetType = UNSET


class Hyperparameters(Struct, frozen=True, kw_only=True, rename="camel"):
    """Parameters; null is Google's choice."""

    epoch_count: int | None
    adapter_size: int | None
    learning_rate_multiplier: float | None


class Spec(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is learnt from, and how."""

    training_dataset_uri: str
    validation_dataset_uri: str | None
    hyper_parameters: Hyperparameters
    last_checkpoint_only: bool | None = field(name="export_last_checkpoint_only")


class EncryptionSpec(Struct, frozen=True, rename="camel"):
    """The key that the tuned model is encrypted with."""

    kms_key_name: str


class NewJob(Struct, frozen=True, kw_only=True, rename="camel"):
    """The request for a job."""

    base_model: str
    supervised_tuning_spec: Spec
    tuned_model_display_name: str | None
    service_account: str | None
    encryption_spec: EncryptionSpec | None


class NameIn(Struct):
    """A job that was begun."""

    name: str


class TunedModelIn(Struct):
    """A model that was made."""

    endpoint: str | None = None


class StatsIn(Struct, rename="camel"):
    """Figures of the data."""

    total_billable_token_count: int | str | None = None


class DataStatsIn(Struct, rename="camel"):
    """Figures by kind of tuning."""

    supervised_tuning_data_stats: StatsIn | None = None


class JobIn(Struct, rename="camel"):
    """A job."""

    state: str
    tuned_model: TunedModelIn | None = None
    tuning_data_stats: DataStatsIn | None = None
    error: Raw = NULL


NAME = msgspec.json.Decoder(NameIn).decode
JOB = msgspec.json.Decoder(JobIn).decode


class VertexServices(NamedTuple):
    """Where jobs run, and where their files are."""

    jobs: TuningService
    storage: TuningService


class VertexSft:
    """The optimiser."""

    def __init__(
        self, settings: GcpVertexGeminiSftSettings | None, opening: Callable[[], VertexServices]
    ) -> None:
        """Prepare.

        Args:
            settings: project, region and bucket; None: not configured, every job is refused.
            opening: makes what calls Google; used when the first job needs it.
        """
        self._settings = settings
        self._opening = opening
        self._services: VertexServices | None = None

    async def launch(self, settings: GcpVertexGeminiSftConfig, data: TrainingData) -> VertexSftHandle:
        """Upload files to the bucket, and begin a job over them.

        Raises:
            RequestError: when no bucket is configured, or for a sample that cannot be trained on.
            ProviderError: when Google refuses or does not answer.
            ConfigError: when the service account cannot be used.
        """
        place, services = self._opened()
        training = await written_lines(data.training, line)
        validation = None if data.validation is None else await written_lines(data.validation, line)
        uris = await asyncio.gather(
            self._upload("train", training),
            *(self._upload("val", part) for part in (validation,) if part is not None),
        )
        key = place.kms_key_name
        job = NewJob(
            base_model=settings.model,
            supervised_tuning_spec=Spec(
                training_dataset_uri=uris[0],
                validation_dataset_uri=uris[1] if len(uris) > 1 else None,
                hyper_parameters=Hyperparameters(
                    epoch_count=settings.n_epochs,
                    adapter_size=settings.adapter_size,
                    learning_rate_multiplier=settings.learning_rate_multiplier,
                ),
                last_checkpoint_only=settings.export_last_checkpoint_only,
            ),
            tuned_model_display_name=settings.tuned_model_display_name,
            service_account=place.service_account,
            encryption_spec=None if key is None else EncryptionSpec(key),
        )
        project, region = (quote(part, safe="") for part in (place.project_id, place.region))
        path = f"v1/projects/{project}/locations/{region}/tuningJobs"
        begun = await services.jobs.post(path, job, NAME)
        number = begun.name.rpartition("/")[2]
        return VertexSftHandle(
            job_url=f"https://console.cloud.google.com/vertex-ai/tuning/locations/{region}/tuningJob/"
            f"{number}/monitor?project={project}",
            job_name=begun.name,
        )

    def _opened(self) -> tuple[GcpVertexGeminiSftSettings, VertexServices]:
        if self._settings is None:
            raise RequestError("Missing config section: `[provider_types.gcp_vertex_gemini.sft]`")
        if self._services is None:
            self._services = self._opening()
        return self._settings, self._services

    async def _upload(self, kind: str, data: bytes) -> str:
        place, services = self._opened()
        folder = (place.bucket_path_prefix or "").strip("/")
        key = "/".join(part for part in (folder, f"{kind}_{new_uuid7()}.jsonl") if part)
        path = f"{quote(place.bucket_name, safe='')}/{quote(key)}"
        await services.storage.put(path, data, "application/jsonl")
        return f"gs://{place.bucket_name}/{key}"

    async def poll(self, handle: VertexSftHandle) -> JobInfo:
        """Ask for a job. Raises as `launch`."""
        place, services = self._opened()
        if JOB_NAME.fullmatch(handle.job_name) is None:
            raise RequestError(f"`{handle.job_name}` is no tuning job")
        job = await services.jobs.get(f"v1/{handle.job_name}", JOB)
        state = job.state.removeprefix(STATE)
        if state in PENDING:
            return PendingJob(message=job.state, trained_tokens=_tokens(job), error=job.error)
        if state in FAILED:
            return FailedJob(message=job.state, error=job.error)
        if state != SUCCEEDED:
            known = [f"{STATE}{name}" for name in (*PENDING, SUCCEEDED, *FAILED)]
            raise services.jobs.unknown_state(job.state, known)
        endpoint = None if job.tuned_model is None else job.tuned_model.endpoint
        if endpoint is None:
            missing = "tuned_model" if job.tuned_model is None else "endpoint"
            raise ProviderError(
                f"Error from gcp_vertex_gemini optimization response: No {missing} in Succeeded response"
            )
        return tuned_model(
            endpoint,
            {
                "type": "gcp_vertex_gemini",
                "model_id": None,
                "endpoint_id": endpoint.rpartition("/")[2],
                "location": place.region,
                "project_id": place.project_id,
                "credential_location": None,
            },
        )


def _tokens(job: JobIn) -> int | None:
    stats = None if job.tuning_data_stats is None else job.tuning_data_stats.supervised_tuning_data_stats
    count = None if stats is None else stats.total_billable_token_count
    # Google writes large numbers as texts.
    return int(count) if isinstance(count, int) or (count is not None and count.isdigit()) else None


def line(sample: RenderedSample) -> Line:
    """Write a sample.

    Raises:
        InvalidSampleError: when there is nothing to learn from it.
        ProviderError: when Gemini's protocol cannot express it.
    """
    target = Message("assistant", [as_made(block) for block in needed_output(sample)])
    answer = build_contents(VERTEX, [target])
    if not answer:
        raise InvalidSampleError("Nothing in the output can be trained on")
    tools = [
        Tool([Declaration(tool.name, tool.description, _schema(tool))]) for tool in sample.brought_functions()
    ]
    system = sample.input.system
    return Line(
        contents=[*build_contents(VERTEX, sample.input.messages), *answer],
        # SPEC: the role that tuning files have; in requests it is another.
        system_instruction=None if system is None else Content("system", [Part(text=system)]),
        tools=tools or UNSET,
    )


def _schema(tool: FunctionTool) -> object:
    """Return a tool's schema as tuning files have it: types in capitals, unlike in requests."""
    return _capital(msgspec.json.decode(cleaned(tool.parameters)))


def _capital(value: object) -> object:
    if isinstance(value, list):
        return [_capital(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: entry.upper() if key == "type" and entry in TYPES else _capital(entry)
        for key, entry in value.items()
    }
