"""The search as an optimiser of the older workflow: over samples, and in one request. Deprecated there. Cold.

A search needs datapoints: the samples become two datasets, which are deleted in the end.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from tzproxy._speedups.ids import new_uuid7
from tzproxy.config.optimizers import GepaConfig
from tzproxy.datasets.datasets import Datasets
from tzproxy.datasets.requests import CreateRequest
from tzproxy.errors import RequestError, StoreError, TzproxyError
from tzproxy.optimization.gepa.errors import GepaDisabledError, SearchError
from tzproxy.optimization.gepa.plan import Plan
from tzproxy.optimization.gepa.request import LaunchRequest
from tzproxy.optimization.gepa.search import Search, SearchParts, SearchState
from tzproxy.optimization.gepa.status import Progress
from tzproxy.optimization.gepa.tasks import GepaParts
from tzproxy.optimization.jobs import CompletedJob, FailedJob, GepaHandle, JobInfo, VariantsOutput
from tzproxy.optimization.samples import RenderedSample, TrainingData
from tzproxy.types.content import StoredFile

logger = logging.getLogger(__name__)
ENCODER = msgspec.json.Encoder()
CREATE = msgspec.json.Decoder(CreateRequest)
ALL = 2**32 - 1


class GepaOptimizer:
    """Searches at once, and keeps nothing: what was found is in the handle."""

    def __init__(self, parts: GepaParts, datasets: Datasets) -> None:
        self._parts = parts
        self._datasets = datasets

    async def launch(self, settings: GepaConfig, data: TrainingData) -> GepaHandle:
        """Search to the end. A search that comes to nothing is a handle, too.

        Raises:
            GepaDisabledError: when there is no store.
            RequestError: when settings or samples are at fault.
            StoreError: when the store does not answer or refuses.
        """
        if self._parts.planner is None:
            raise GepaDisabledError
        if not data.validation:
            raise RequestError("GEPA needs samples for validation: set `val_fraction`, or give `val_samples`")
        stem = f"{settings.function_name}_gepa_{new_uuid7()}"
        train, validation = f"{stem}_train", f"{stem}_val"
        try:
            await self._fill(train, data.training, "train_samples")
            await self._fill(validation, data.validation, "val_samples")
            plan = await self._parts.planner.settle(launch_of(settings, train, validation), None)
            plan = msgspec.structs.replace(plan, reflection=reflection_of(settings))
            return await self._search(plan)
        finally:
            for name in (train, validation):
                await self._clear(name)

    async def poll(self, handle: GepaHandle) -> JobInfo:
        """Say what was found.

        Raises:
            RequestError: for a handle that says nothing of it.
        """
        found, problem = handle.result.get("Ok"), handle.result.get("Err")
        if isinstance(found, dict) and all(isinstance(variant, dict) for variant in found.values()):
            return CompletedJob(
                VariantsOutput(
                    {name: {"type": "chat_completion", **variant} for name, variant in found.items()}
                )
            )
        if not isinstance(problem, str):
            raise RequestError("Failed to deserialize job handle: `result` has neither `Ok` nor `Err`")
        return FailedJob(message=problem, error=Raw(ENCODER.encode(problem)))

    async def _search(self, plan: Plan) -> GepaHandle:
        parts = SearchParts(
            loaded=self._parts.loaded,
            engine=self._parts.engine,
            evaluations=self._parts.evaluations,
            report=_forget_step,
            keep=_forget_state,
        )
        try:
            completed = await Search(new_uuid7(), plan, parts).run()
        except SearchError as exc:
            return GepaHandle(result={"Err": exc.message})
        return GepaHandle(result={"Ok": completed.variants})

    async def _fill(self, name: str, samples: Sequence[RenderedSample], where: str) -> None:
        datapoints = [datapoint_of(sample) for sample in samples if not has_files(sample)]
        if not datapoints:
            raise RequestError(f"{where}: there is no sample without files")
        try:
            request = CREATE.decode(ENCODER.encode({"datapoints": datapoints}))
            await self._datasets.create(name, request)
        except (msgspec.ValidationError, RequestError) as exc:
            raise RequestError(f"{where}: {exc}") from exc

    async def _clear(self, name: str) -> None:
        try:
            await self._datasets.delete_dataset(name)
        except StoreError as exc:
            logger.warning("the dataset %s of a search was not deleted: %s", name, exc.message)
        except TzproxyError as exc:
            # It was never filled.
            logger.debug("the dataset %s of a search was not there: %s", name, exc.message)


def _forget_step(step: Progress) -> None:
    """Nobody can ask before the end."""


async def _forget_state(state: SearchState) -> None:
    """Nobody goes on with it."""


def launch_of(settings: GepaConfig, train: str, validation: str) -> LaunchRequest:
    """Write settings as a launch.

    Raises:
        RequestError: for evaluators that are named twice or not at all, and for numbers that are none.
    """
    if (settings.evaluator_names is None) is (settings.evaluation_name is None):
        raise RequestError("Provide exactly one of `evaluation_name` and `evaluator_names`")
    known: dict[str, Any] = {
        name: getattr(settings, name)
        for name in LaunchRequest.__struct_fields__
        if name in GepaConfig.__struct_fields__
    }
    known |= {
        "evaluators": settings.evaluator_names,
        "train_dataset_name": train,
        "val_dataset_name": validation,
        "max_datapoints": ALL,
    }
    try:
        return msgspec.convert(known, LaunchRequest)
    except msgspec.ValidationError as exc:
        reason, _, path = str(exc).partition(" - at `$.")
        raise RequestError(f"{path.removesuffix('`')}: {reason}") from exc


def reflection_of(settings: GepaConfig) -> dict[str, Any]:
    """Return what settings say of the inferences that reflect, as a variant says it."""
    options: dict[str, Any] = {
        "timeouts": {"non_streaming": {"total_ms": settings.timeout * 1000}},
        "retries": msgspec.to_builtins(settings.retries),
    }
    if settings.max_tokens is not None:
        options["max_tokens"] = settings.max_tokens
    return options


def has_files(sample: RenderedSample) -> bool:
    """Tell whether a sample's input has files, which models that reflect cannot be shown."""
    return any(
        isinstance(block, StoredFile) for message in sample.stored_input.messages for block in message.content
    )


def datapoint_of(sample: RenderedSample) -> dict[str, Any]:
    """Write a sample as a datapoint that is to be made."""
    common = {
        "type": sample.function_type,
        "function_name": sample.function_name,
        "input": sample.stored_input,
        "output": sample.stored_output,
        "episode_id": sample.episode_id,
        "tags": sample.tags,
    }
    if sample.function_type == "json":
        return {**common, "output_schema": sample.output_schema}
    tools = msgspec.structs.asdict(sample.tool_params)
    return {**common, **{name: value for name, value in tools.items() if value is not UNSET}}
