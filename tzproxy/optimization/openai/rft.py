"""`openai_rft`: a model of OpenAI tries, and a grader says how good it was. Cold.

The samples' outputs are references that graders may look at.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from tzproxy.config.optimizers import OpenAIRftConfig
from tzproxy.optimization.chat_rows import ChatLines, as_made, needed_output, written_lines
from tzproxy.optimization.jobs import JobInfo, OpenAIRftHandle
from tzproxy.optimization.openai.jobs import TuningJobs
from tzproxy.optimization.samples import RenderedSample, TrainingData
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.chat_completions.wire import CallPart, FunctionCall, WireMessage
from tzproxy.types.content import Text, ToolCall


class DeveloperMessage(Struct, tag="developer", tag_field="role", frozen=True):
    """The system text, as models that reason want it."""

    content: str


class Line(Struct, frozen=True, kw_only=True):
    """A line of a file."""

    messages: list[DeveloperMessage | WireMessage]
    reference_text: str | None
    reference_tools: list[CallPart] | None
    tools: Raw | msgspec.UnsetType = msgspec.UNSET
    parallel_tool_calls: bool


class Hyperparameters(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parameters of the method; one that is left out is OpenAI's choice."""

    batch_size: int | None = None
    compute_multiplier: float | None = None
    eval_interval: int | None = None
    eval_samples: int | None = None
    learning_rate_multiplier: float | None = None
    n_epochs: int | None = None
    reasoning_effort: str | None = None


class OpenAIRft:
    """The optimiser."""

    def __init__(self, jobs: TuningJobs) -> None:
        self._jobs = jobs

    async def launch(self, settings: OpenAIRftConfig, data: TrainingData) -> OpenAIRftHandle:
        """Begin a job.

        Raises:
            InvalidSampleError: for a sample that cannot be trained on.
            ProviderError: when OpenAI refuses or does not answer.
        """
        writer = _Writer(settings.model)
        training = await written_lines(data.training, writer.line)
        validation = None if data.validation is None else await written_lines(data.validation, writer.line)
        job = await self._jobs.begin(
            settings.model,
            {"type": "reinforcement", "reinforcement": _reinforcement(settings)},
            (training, validation),
            seed=settings.seed,
            suffix=settings.suffix,
        )
        return OpenAIRftHandle(
            job_id=job.id, job_url=self._jobs.page(job.id), job_api_url=self._jobs.url(job.id)
        )

    async def poll(self, handle: OpenAIRftHandle) -> JobInfo:
        """Ask for a job. Raises ProviderError."""
        return await self._jobs.poll(handle.job_id)


def _reinforcement(settings: OpenAIRftConfig) -> dict[str, object]:
    names = Hyperparameters.__struct_fields__
    method: dict[str, object] = {"grader": _without_nulls(msgspec.to_builtins(settings.grader))}
    if settings.response_format is not None:
        method["response_format"] = _without_nulls(msgspec.to_builtins(settings.response_format))
    method["hyperparameters"] = Hyperparameters(**{name: getattr(settings, name) for name in names})
    return method


def _without_nulls(value: object) -> object:
    """Leave out what was not set."""
    if isinstance(value, dict):
        return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(entry) for entry in value]
    return value


class _Writer:
    def __init__(self, model: str) -> None:
        self._lines = ChatLines(rows.OPENAI, model)

    def line(self, sample: RenderedSample) -> Line:
        messages: list[DeveloperMessage | WireMessage] = [*self._lines.history(sample, system=False)]
        if sample.input.system is not None:
            messages.insert(0, DeveloperMessage(sample.input.system))
        blocks = [as_made(block) for block in needed_output(sample)]
        texts = [block.text for block in blocks if isinstance(block, Text)]
        calls = [
            CallPart(block.id, "function", FunctionCall(block.name, block.arguments))
            for block in blocks
            if isinstance(block, ToolCall)
        ]
        tools = self._lines.tools(sample)
        return Line(
            messages=messages,
            reference_text="".join(texts) if texts else None,
            reference_tools=calls or None,
            tools=msgspec.UNSET if tools is None else tools,
            parallel_tool_calls=bool(sample.parallel_tool_calls),
        )
