"""`openai_sft`: a model of OpenAI learns to answer as the samples do. Cold."""

from __future__ import annotations

from msgspec import Raw, Struct

from tzproxy.config.optimizers import OpenAISftConfig
from tzproxy.optimization.chat_rows import ChatLines, written_lines
from tzproxy.optimization.jobs import JobInfo, OpenAISftHandle
from tzproxy.optimization.openai.jobs import TuningJobs
from tzproxy.optimization.samples import RenderedSample, TrainingData
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.chat_completions.wire import WireMessage


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a file."""

    messages: list[WireMessage]
    parallel_tool_calls: bool
    tools: Raw | None = None


class Hyperparameters(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parameters of the method; one that is left out is OpenAI's choice."""

    batch_size: int | None = None
    learning_rate_multiplier: float | None = None
    n_epochs: int | None = None


class OpenAISft:
    """The optimiser."""

    def __init__(self, jobs: TuningJobs) -> None:
        self._jobs = jobs

    async def launch(self, settings: OpenAISftConfig, data: TrainingData) -> OpenAISftHandle:
        """Begin a job.

        Raises:
            InvalidSampleError: for a sample that cannot be trained on.
            ProviderError: when OpenAI refuses or does not answer.
        """
        writer = _Writer(settings.model)
        training = await written_lines(data.training, writer.line)
        validation = None if data.validation is None else await written_lines(data.validation, writer.line)
        parameters = Hyperparameters(
            batch_size=settings.batch_size,
            learning_rate_multiplier=settings.learning_rate_multiplier,
            n_epochs=settings.n_epochs,
        )
        job = await self._jobs.begin(
            settings.model,
            {"type": "supervised", "supervised": {"hyperparameters": parameters}},
            (training, validation),
            seed=settings.seed,
            suffix=settings.suffix,
        )
        return OpenAISftHandle(
            job_id=job.id, job_url=self._jobs.page(job.id), job_api_url=self._jobs.url(job.id)
        )

    async def poll(self, handle: OpenAISftHandle) -> JobInfo:
        """Ask for a job. Raises ProviderError."""
        return await self._jobs.poll(handle.job_id)


class _Writer:
    def __init__(self, model: str) -> None:
        self._lines = ChatLines(rows.OPENAI, model)

    def line(self, sample: RenderedSample) -> Line:
        return Line(
            messages=[*self._lines.history(sample), *self._lines.target(sample)],
            parallel_tool_calls=bool(sample.parallel_tool_calls),
            tools=self._lines.tools(sample),
        )
