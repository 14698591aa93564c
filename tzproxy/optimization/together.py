"""`together_sft`: a model of Together learns to answer as the samples do. Cold.

Source: Together API reference, files and fine-tuning; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.config.optimizers import TogetherSftConfig
from tzproxy.config.provider_types import TogetherSftSettings
from tzproxy.config.secret import Secret
from tzproxy.optimization.chat_rows import ChatLines, check_single_calls, written_lines
from tzproxy.optimization.jobs import FailedJob, JobInfo, PendingJob, TogetherSftHandle, tuned_model
from tzproxy.optimization.multipart import FormPart
from tzproxy.optimization.samples import RenderedSample, TrainingData
from tzproxy.optimization.service import TuningService
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.chat_completions.wire import WireMessage
from tzproxy.providers.urls import encoded

PENDING = ("pending", "queued", "running", "compressing", "uploading")
FAILED = ("cancel_requested", "cancelled", "user_error", "error")
COMPLETED = "completed"
JOBS = "fine-tunes"
FILE_NAME = b"dataset.jsonl"


class NewJob(Struct, frozen=True, kw_only=True):
    """The request for a job. Unset fields are left out."""

    training_file: str
    validation_file: str | UnsetType
    model: str
    n_epochs: int
    n_checkpoints: int
    n_evals: int
    warmup_ratio: float
    max_grad_norm: float
    weight_decay: float
    suffix: str | UnsetType
    batch_size: int | str
    lr_scheduler: object
    learning_rate: float
    training_method: object
    training_type: object
    wandb_api_key: str | UnsetType
    wandb_base_url: str | UnsetType
    wandb_project_name: str | UnsetType
    wandb_name: str | UnsetType
    from_checkpoint: str | UnsetType
    from_hf_model: str | UnsetType
    hf_model_revision: str | UnsetType
    hf_api_token: str | UnsetType
    hf_output_repo_name: str | UnsetType


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a file."""

    messages: list[WireMessage]
    tools: Raw | None = None


class FileIn(Struct):
    """An uploaded file."""

    id: str


class JobIn(Struct):
    """A job."""

    id: str
    status: str
    token_count: int | None = None
    model_output_name: str | None = None


FILE = msgspec.json.Decoder(FileIn).decode
JOB = msgspec.json.Decoder(JobIn).decode


class TogetherSft:
    """The optimiser."""

    def __init__(self, service: TuningService, further: TogetherSftSettings) -> None:
        """Prepare. `further`: what the configuration says of other services that Together may use."""
        self._service = service
        self._further = further

    async def launch(self, settings: TogetherSftConfig, data: TrainingData) -> TogetherSftHandle:
        """Begin a job.

        Raises:
            InvalidSampleError: for a sample that cannot be trained on.
            ProviderError: when Together refuses or does not answer.
        """
        lines = ChatLines(rows.TOGETHER, settings.model, strict_tools=True)

        def line(sample: RenderedSample) -> Line:
            check_single_calls(sample, rows.TOGETHER.spec.display)
            return Line(messages=[*lines.history(sample), *lines.target(sample)], tools=lines.tools(sample))

        files = [(await written_lines(data.training, line), b"fine-tune")]
        if data.validation is not None:
            files.append((await written_lines(data.validation, line), b"eval"))
        ids = await asyncio.gather(*(self._upload(*one) for one in files))
        job = await self._service.post(JOBS, self._job(settings, ids), JOB)
        return TogetherSftHandle(job_id=job.id, job_url=f"https://api.together.ai/fine-tuning/{job.id}")

    async def _upload(self, data: bytes, purpose: bytes) -> str:
        form = (
            FormPart(
                name="file",
                data=data,
                filename=FILE_NAME.decode(),
                content_type="application/jsonl",
            ),
            FormPart(name="purpose", data=purpose),
            FormPart(name="file_name", data=FILE_NAME),
        )
        answer = await self._service.post_form("files/upload", form)
        return self._service.decoded(FILE, answer).id

    def _job(self, settings: TogetherSftConfig, files: list[str]) -> NewJob:
        validation = files[1] if len(files) > 1 else UNSET
        evaluations = 0 if validation is UNSET else 1
        further = self._further
        return NewJob(
            training_file=files[0],
            validation_file=validation,
            model=settings.model,
            n_epochs=settings.n_epochs,
            n_checkpoints=settings.n_checkpoints,
            # SPEC: without validation data there is nothing to evaluate on, whatever is set.
            n_evals=settings.n_evals if evaluations and settings.n_evals is not None else evaluations,
            warmup_ratio=settings.warmup_ratio,
            max_grad_norm=settings.max_grad_norm,
            weight_decay=settings.weight_decay,
            suffix=_given(settings.suffix),
            batch_size=settings.batch_size,
            lr_scheduler=settings.lr_scheduler,
            learning_rate=settings.learning_rate,
            training_method=settings.training_method,
            training_type=settings.training_type,
            wandb_api_key=_given(further.wandb_api_key),
            wandb_base_url=_given(further.wandb_base_url),
            wandb_project_name=_given(further.wandb_project_name),
            wandb_name=_given(settings.wandb_name),
            from_checkpoint=_given(settings.from_checkpoint),
            from_hf_model=_given(settings.from_hf_model),
            hf_model_revision=_given(settings.hf_model_revision),
            hf_api_token=_given(further.hf_api_token),
            hf_output_repo_name=_given(settings.hf_output_repo_name),
        )

    async def poll(self, handle: TogetherSftHandle) -> JobInfo:
        """Ask for a job. Raises ProviderError, also for a state that nobody has heard of."""
        job = await self._service.get(f"{JOBS}/{encoded(handle.job_id)}", JOB)
        if job.status in PENDING:
            return PendingJob(message=job.status, trained_tokens=job.token_count)
        if job.status in FAILED:
            return FailedJob(message=job.status)
        if job.status != COMPLETED:
            raise self._service.unknown_state(job.status, (*PENDING, *FAILED, COMPLETED))
        name = job.model_output_name
        if name is None:
            raise self._service.failure("Missing model_output_name in Together job response")
        return tuned_model(
            name,
            {"type": "together", "model_name": name, "api_key_location": None, "parse_think_blocks": None},
        )


def _given(value: str | Secret | None) -> str | UnsetType:
    if value is None:
        return UNSET
    return value.reveal() if isinstance(value, Secret) else value
