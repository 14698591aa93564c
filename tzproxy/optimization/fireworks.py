"""`fireworks_sft`: a model of Fireworks learns to answer as the samples do, and may be deployed. Cold.

Source: Fireworks API reference, datasets, supervised fine-tuning jobs and deployed models; the wire of
TensorZero 2026.6.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from tzproxy._speedups.ids import new_uuid7
from tzproxy.config.optimizers import FireworksSftConfig
from tzproxy.errors import RequestError
from tzproxy.optimization.chat_rows import ChatLines, check_single_calls, written_lines
from tzproxy.optimization.jobs import (
    NULL,
    CompletedJob,
    FailedJob,
    FireworksSftHandle,
    JobInfo,
    PendingJob,
    tuned_model,
)
from tzproxy.optimization.multipart import FormPart
from tzproxy.optimization.samples import RenderedSample, TrainingData
from tzproxy.optimization.service import TuningService
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.chat_completions.wire import WireMessage
from tzproxy.providers.urls import encoded

PENDING = (
    "JOB_STATE_UNSPECIFIED",
    "JOB_STATE_CREATING",
    "JOB_STATE_PENDING",
    "JOB_STATE_RUNNING",
    "JOB_STATE_WRITING_RESULTS",
    "JOB_STATE_VALIDATING",
    "JOB_STATE_ROLLOUT",
    "JOB_STATE_EVALUATION",
    "JOB_STATE_POLICY_UPDATE",
)
FAILED = (
    "JOB_STATE_FAILED",
    "JOB_STATE_FAILED_CLEANING_UP",
    "JOB_STATE_CANCELLED",
    "JOB_STATE_DELETING",
    "JOB_STATE_DELETING_CLEANING_UP",
)
COMPLETED = "JOB_STATE_COMPLETED"
DEPLOYED = "DEPLOYED"
DEPLOYING = ("STATE_UNSPECIFIED", "DEPLOYING", "UNDEPLOYING", "UPDATING")
PATH = re.compile(r"accounts/[\w.-]+/(?:supervisedFineTuningJobs|models)/[\w.-]+")
"""Names of jobs and models. Whatever else a handle holds, it is not asked for."""

PAUSE_S = 1.0
READY_WITHIN = 600
"""How often a dataset is looked at before it counts as lost."""


class NewDataset(Struct, frozen=True, rename="camel"):
    """What a dataset is."""

    display_name: str
    format: str
    example_count: int


class DatasetRequest(Struct, frozen=True, rename="camel"):
    """The request for a dataset."""

    dataset_id: str
    dataset: NewDataset


class NewJob(Struct, frozen=True, kw_only=True, rename="camel"):
    """The request for a job."""

    base_model: str
    dataset: str
    evaluation_dataset: str | None
    early_stop: bool | None
    epochs: int | None
    learning_rate: float | None
    max_context_length: int | None
    lora_rank: int | None
    batch_size: int | None
    display_name: str | None
    output_model: str | None
    warm_start_from: str | None
    is_turbo: bool | None
    eval_auto_carveout: bool | None
    nodes: int | None
    mtp_enabled: bool | None
    mtp_num_draft_tokens: int | None
    mtp_freeze_base_model: bool | None


class Deployment(Struct, frozen=True, kw_only=True):
    """The request that serves a model."""

    model: str
    default: bool = True
    serverless: bool = True
    public: bool = False


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a dataset."""

    messages: list[WireMessage]
    tools: Raw | None = None


class StateIn(Struct):
    """Anything that has a state."""

    state: str


class NameIn(Struct):
    """A job that was begun."""

    name: str


class StatusIn(Struct):
    """What Fireworks says beside a state."""

    message: str | None = None


class JobIn(Struct, rename="camel"):
    """A job."""

    state: str
    output_model: str | None = None
    status: StatusIn | None = None


class RefIn(Struct):
    """A deployment of a model."""

    state: str
    default: bool = False


class ModelIn(Struct):
    """A model."""

    refs: list[RefIn] = field(default_factory=list, name="deployedModelRefs")


STATE = msgspec.json.Decoder(StateIn).decode
NAME = msgspec.json.Decoder(NameIn).decode
JOB = msgspec.json.Decoder(JobIn).decode
MODEL = msgspec.json.Decoder(ModelIn).decode
ENCODE = msgspec.json.Encoder().encode


class FireworksSft:
    """The optimiser."""

    def __init__(self, service: TuningService, account_id: str | None, *, pause_s: float = PAUSE_S) -> None:
        """Prepare.

        Args:
            service: Fireworks.
            account_id: whose datasets and jobs they are; None: not configured, every job is refused.
            pause_s: between two looks at a dataset that is being read.
        """
        self._service = service
        self._account_id = account_id
        self._pause_s = pause_s

    async def launch(self, settings: FireworksSftConfig, data: TrainingData) -> FireworksSftHandle:
        """Make datasets, wait until they are ready, and begin a job over them.

        Raises:
            RequestError: when no account is configured, or for a sample that cannot be trained on.
            ProviderError: when Fireworks refuses or does not answer.
        """
        account = self._account()
        lines = ChatLines(rows.FIREWORKS, settings.model)

        def line(sample: RenderedSample) -> Line:
            check_single_calls(sample, rows.FIREWORKS.spec.display)
            return Line(messages=[*lines.history(sample), *lines.target(sample)], tools=lines.tools(sample))

        parts = [data.training] if data.validation is None else [data.training, data.validation]
        files = [(len(part), await written_lines(part, line)) for part in parts]
        datasets = await asyncio.gather(*(self._dataset(account, *one) for one in files))
        given: dict[str, Any] = {name: getattr(settings, name, None) for name in NewJob.__struct_fields__}
        given["base_model"] = settings.model
        given["dataset"] = datasets[0]
        given["evaluation_dataset"] = datasets[1] if len(datasets) > 1 else None
        path = f"v1/{account}/supervisedFineTuningJobs"
        job = await self._service.post(path, NewJob(**given), NAME)
        return FireworksSftHandle(
            job_url=f"https://app.fireworks.ai/dashboard/fine-tuning/supervised/{job.name.rpartition('/')[2]}",
            job_path=job.name,
            deploy_after_training=settings.deploy_after_training,
        )

    def _account(self) -> str:
        if self._account_id is None:
            raise RequestError("Missing config section: `[provider_types.fireworks.sft]`")
        return f"accounts/{encoded(self._account_id)}"

    async def _dataset(self, account: str, count: int, lines: bytes) -> str:
        name = f"t0-{new_uuid7()}"
        place = f"v1/{account}/datasets"
        await self._service.post(place, DatasetRequest(name, NewDataset(name, "CHAT", count)), bytes)
        file = FormPart(name="file", data=lines, filename="dataset.jsonl", content_type="application/jsonl")
        await self._service.post_form(f"{place}/{name}:upload", [file])
        for _ in range(READY_WITHIN):
            found = await self._service.get(f"{place}/{name}", STATE)
            if found.state == "READY":
                return f"{account}/datasets/{name}"
            await asyncio.sleep(self._pause_s)
        raise self._service.failure(f"Dataset {name} is not ready: {found.state}")

    async def poll(self, handle: FireworksSftHandle) -> JobInfo:
        """Ask for a job, and deploy its model when that was wanted. Raises as `launch`."""
        job = await self._service.get(f"v1/{checked_path(handle.job_path)}", JOB)
        if job.state in PENDING:
            return PendingJob(message=job.state)
        if job.state in FAILED:
            told = None if job.status is None else job.status.message
            return FailedJob(message=job.state, error=NULL if not told else Raw(ENCODE(told)))
        if job.state != COMPLETED:
            raise self._service.unknown_state(job.state, (*PENDING, COMPLETED, *FAILED))
        if job.output_model is None:
            raise self._service.failure("No model path in Fireworks JobStateCompleted response")
        if handle.deploy_after_training:
            state = await self._deployment(job.output_model)
            if state in DEPLOYING:
                return PendingJob(message=state)
            if state != DEPLOYED:
                raise self._service.unknown_state(state, (*DEPLOYING, DEPLOYED))
        return _described(job.output_model)

    async def _deployment(self, model: str) -> str:
        """Return how far the model's deployment is; begin it when there is none."""
        found = await self._service.get(f"v1/{checked_path(model)}", MODEL)
        own = default_state(found.refs)
        if own is not None:
            return own
        path = f"v1/{self._account()}/deployedModels"
        return (await self._service.post(path, Deployment(model=model), STATE)).state


def default_state(refs: Sequence[RefIn]) -> str | None:
    """Return the state of a model's default deployment; None when it has none."""
    return next((ref.state for ref in refs if ref.default), None)


def checked_path(path: str) -> str:
    """Return the name of a job or a model.

    Raises:
        RequestError: for any other path.
    """
    if PATH.fullmatch(path) is None:
        raise RequestError(f"`{path}` is no job and no model of Fireworks")
    return path


def _described(model: str) -> CompletedJob:
    return tuned_model(
        model,
        {"type": "fireworks", "model_name": model, "api_key_location": None, "parse_think_blocks": None},
    )
