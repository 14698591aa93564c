"""From what is stored to a job: samples are found, rendered, divided, and handed to an optimiser. Cold."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Sequence
from contextlib import aclosing

import msgspec

from tzproxy.clickhouse.queries.datapoint_pages import PageQuery
from tzproxy.datasets.answers import Datapoint, answered
from tzproxy.datasets.datasets import Datasets
from tzproxy.errors import RequestError
from tzproxy.optimization.jobs import JobInfo, decoded_handle, encoded_handle
from tzproxy.optimization.optimizers import Optimizers
from tzproxy.optimization.render import Renderer, RenderRequest, as_sample
from tzproxy.optimization.request import LaunchRequest, WorkflowRequest
from tzproxy.optimization.samples import RenderedSample, StoredSample, TrainingData
from tzproxy.optimization.settings import read_settings
from tzproxy.reading.inferences import InferenceReader
from tzproxy.types.listing import InferenceListing
from tzproxy.types.stored_inference import StoredInference

logger = logging.getLogger(__name__)
ALL = 2**32 - 1
SAMPLES_AT_ONCE = 64


class NothingToLearnError(RequestError):
    """There are no samples to train on."""

    code = "no_training_samples"


class Optimization:
    """Launches optimisations and asks for them. One per gateway process; keeps nothing of them."""

    def __init__(
        self,
        renderer: Renderer,
        optimizers: Optimizers,
        *,
        inferences: InferenceReader,
        datasets: Datasets,
        chance: random.Random | None = None,
    ) -> None:
        """Join the parts.

        Args:
            renderer: applies templates.
            optimizers: what jobs are handed to.
            inferences: reads stored inferences.
            datasets: reads datapoints.
            chance: decides which samples are for validation.
        """
        self.renderer = renderer
        self._optimizers = optimizers
        self._inferences = inferences
        self._datasets = datasets
        self._chance = chance or random.Random()

    async def launch_workflow(self, request: WorkflowRequest) -> str:
        """Begin a job over what is stored; return its handle as text.

        Raises:
            RequestError: (or a relative) for what cannot be asked, or when there is nothing to learn from.
            StoreError: when the store does not answer or refuses.
            TzproxyError: what the optimiser fails with.
        """
        request.check()
        settings = read_settings(request.optimizer_config)
        # Before anything is read: a variant without templates would leave out every sample.
        self.renderer.prompt(request.function_name, request.template_variant_name)
        stored = await self._stored(request)
        rendered = await self.renderer.render(
            RenderRequest(
                stored_samples=stored, variants={request.function_name: request.template_variant_name}
            )
        )
        samples = [sample for sample in rendered if sample.has_output]
        data = self._divided(samples, request.val_fraction)
        if not data.training:
            raise NothingToLearnError(
                f"There are no samples to train on: of {len(stored)} found, {len(rendered)} could be "
                f"rendered, {len(samples)} have an output, and {len(data.validation or ())} of these are for "
                "validation."
            )
        return encoded_handle(await self._optimizers.launch(settings, data))

    async def launch(self, request: LaunchRequest) -> str:
        """Begin a job over samples that are rendered; return its handle as text. Raises as above."""
        settings = read_settings(request.optimization_config, "optimization_config")
        if not request.train_samples:
            raise NothingToLearnError("There are no samples to train on: `train_samples` is empty.")
        data = TrainingData(training=request.train_samples, validation=request.val_samples or None)
        return encoded_handle(await self._optimizers.launch(settings, data))

    async def poll(self, handle: str) -> JobInfo:
        """Say how far a job is.

        Raises:
            RequestError: for a handle that is none.
            TzproxyError: what asking for it fails with.
        """
        return await self._optimizers.poll(decoded_handle(handle))

    async def _stored(self, request: WorkflowRequest) -> list[StoredSample]:
        if request.dataset_name is not None:
            return await self._datapoints(request.dataset_name, request.function_name)
        return await self._found(request)

    async def _found(self, request: WorkflowRequest) -> list[StoredSample]:
        listing = InferenceListing(
            function_name=request.function_name,
            variant_name=request.query_variant_name,
            output_source=request.output_source,
            filters=request.filters,
            order_by=request.order_by,
            limit=ALL if request.limit is None else request.limit,
            offset=request.offset,
        )
        found: list[StoredSample] = []
        async with aclosing(self._inferences.page(listing)) as parts:
            async for part in parts:
                await _add(found, part)
        return found

    async def _datapoints(self, dataset_name: str, function_name: str) -> list[StoredSample]:
        store = self._datasets.opened(dataset_name)
        query = PageQuery(dataset_name=dataset_name, function_name=function_name, limit=None)
        found: list[StoredSample] = []
        async with aclosing(store.page(query)) as parts:
            async for rows in parts:
                await _add(found, answered(rows))
        return found

    def _divided(self, samples: Sequence[RenderedSample], share: float | None) -> TrainingData:
        """Set samples aside by chance; a share too small for one is none."""
        if share is None:
            return TrainingData(training=list(samples))
        mixed = list(samples)
        self._chance.shuffle(mixed)
        count = math.floor(len(mixed) * share + 0.5)
        return TrainingData(training=mixed[count:], validation=mixed[:count] or None)


async def _add(found: list[StoredSample], stored: Sequence[StoredInference | Datapoint]) -> None:
    """Add what was read, so that other requests get their turn; what makes no sample is left out."""
    for start in range(0, len(stored), SAMPLES_AT_ONCE):
        for one in stored[start : start + SAMPLES_AT_ONCE]:
            try:
                found.append(as_sample(one))
            except msgspec.DecodeError as exc:
                name = one.id if isinstance(one, Datapoint) else one.inference_id
                logger.warning("%s of function `%s` is left out: %s", name, one.function_name, exc)
        await asyncio.sleep(0)
