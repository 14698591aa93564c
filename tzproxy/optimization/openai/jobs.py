"""OpenAI's files and fine-tuning jobs, whatever the method. Cold.

Source: OpenAI API reference, files and fine-tuning; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
from msgspec import Raw, Struct

from tzproxy.optimization.jobs import NULL, FailedJob, JobInfo, PendingJob, tuned_model
from tzproxy.optimization.multipart import FormPart
from tzproxy.optimization.service import TuningService
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.urls import encoded

MESSAGES = {"validating_files": "Validating files", "queued": "Queued", "running": "Running"}
FAILURES = {"failed": "Failed", "cancelled": "Cancelled"}
STATES = (*MESSAGES, "succeeded", *FAILURES)
JOBS = "fine_tuning/jobs"


class NewJob(Struct, frozen=True, kw_only=True):
    """The request for a job."""

    model: str
    training_file: str
    metadata: None = None
    method: object
    seed: int | None
    suffix: str | None
    validation_file: str | None


class FileIn(Struct):
    """An uploaded file."""

    id: str


class JobIn(Struct):
    """A job, as far as it is looked at."""

    id: str
    status: str
    fine_tuned_model: str | None = None
    estimated_finish: int | None = None
    trained_tokens: int | None = None
    error: Raw = NULL


FILE = msgspec.json.Decoder(FileIn).decode
JOB = msgspec.json.Decoder(JobIn).decode


class TuningJobs:
    """Begins jobs and asks for them."""

    def __init__(self, service: TuningService) -> None:
        self._service = service

    async def begin(
        self,
        model: str,
        method: object,
        files: tuple[bytes, bytes | None],
        *,
        seed: int | None,
        suffix: str | None,
    ) -> JobIn:
        """Upload training and validation data, and begin a job over them.

        Args:
            model: the model to start from.
            method: the method and its parameters.
            files: training data, and validation data if there is any.
            seed: for the provider's chances.
            suffix: of the model's name.

        Raises:
            ProviderError: when OpenAI refuses or does not answer.
        """
        training, validation = await self._uploaded(*files)
        job = NewJob(
            model=model,
            training_file=training,
            method=method,
            seed=seed,
            suffix=suffix,
            validation_file=validation,
        )
        return await self._service.post(JOBS, job, JOB)

    async def _uploaded(self, training: bytes, validation: bytes | None) -> tuple[str, str | None]:
        if validation is None:
            return await self._upload(training), None
        first, second = await asyncio.gather(self._upload(training), self._upload(validation))
        return first, second

    async def _upload(self, data: bytes) -> str:
        form = (
            FormPart(name="purpose", data=b"fine-tune"),
            FormPart(name="file", data=data, filename="data.jsonl", content_type="application/json"),
        )
        return self._service.decoded(FILE, await self._service.post_form("files", form)).id

    def page(self, job_id: str) -> str:
        """Return where people look at a job."""
        return f"https://platform.openai.com/finetune/{job_id}"

    def url(self, job_id: str) -> str:
        """Return where programs ask for a job."""
        return self._service.url(f"{JOBS}/{encoded(job_id)}")

    async def poll(self, job_id: str) -> JobInfo:
        """Ask for a job. Raises as `begin`, also for a state that nobody has heard of."""
        job = await self._service.get(f"{JOBS}/{encoded(job_id)}", JOB)
        if job.status == "succeeded":
            if job.fine_tuned_model is None:
                raise ProviderError(
                    "Error from openai optimization response: No fine-tuned model name in Succeeded response"
                )
            return tuned_model(job.fine_tuned_model, _provider(job.fine_tuned_model))
        if job.status in FAILURES:
            return FailedJob(message=FAILURES[job.status], error=job.error)
        if job.status not in MESSAGES:
            raise self._service.unknown_state(job.status, STATES)
        finish = job.estimated_finish
        return PendingJob(
            message=MESSAGES[job.status],
            estimated_finish=None if finish is None else datetime.fromtimestamp(finish, UTC),
            trained_tokens=job.trained_tokens,
            error=job.error,
        )


def _provider(model_name: str) -> dict[str, object]:
    return {
        "type": "openai",
        "model_name": model_name,
        "api_base": None,
        "api_key_location": None,
        "api_type": "chat_completions",
        "include_encrypted_reasoning": False,
        "provider_tools": [],
        "content_type_overrides": {},
    }
