"""Hands a planned batch over: one variant for all of it, one provider of its model. Cold.

Nothing is written here, and nothing is tried twice: a batch that a provider took costs money.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from tzproxy.batch.errors import UnsupportedProviderError, UnsupportedVariantError
from tzproxy.batch.plan import PlannedBatch
from tzproxy.batch.turns import INPUTS_AT_ONCE, in_turns
from tzproxy.errors import TzproxyError
from tzproxy.inference.addressee import addressed, check_provider_tools
from tzproxy.inference.errors import AllProvidersFailedError, AllVariantsFailedError
from tzproxy.inference.model import Model, ModelProvider, attributed
from tzproxy.inference.plan import Inference
from tzproxy.inference.variant import ChatCompletion, Variant
from tzproxy.providers.batches import BatchApi, Jobs, SubmittedBatch
from tzproxy.types.model import ModelRequest


class Submission(Struct, frozen=True, kw_only=True):
    """A batch that was handed over. `requests` are what the model was asked, in order; `api` took it."""

    variant_name: str
    model_name: str
    provider_name: str
    requests: Sequence[ModelRequest]
    batch: SubmittedBatch
    api: BatchApi


class Submitter:
    """Hands batches over. One per gateway process."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def submit(self, planned: PlannedBatch) -> Submission:
        """Hand a batch over to the first variant that takes it.

        Raises:
            TzproxyError: the error of the one variant there is, else AllVariantsFailedError.
        """
        function = planned.function
        if planned.pinned is not None:
            return await self._with_variant(planned.pinned, planned)
        sampler = function.sampler(None)
        # One variant serves the whole batch, and one episode chooses it.
        episode = planned.inferences[0].episode
        failures: list[tuple[str, TzproxyError]] = []
        name = sampler.first(episode)
        while name is not None:
            try:
                return await self._with_variant(function.variants[name], planned)
            except TzproxyError as exc:
                if len(function.variants) == 1:
                    raise
                failures.append((name, exc))
            name = sampler.after(episode, {tried for tried, _ in failures})
        if not failures:
            raise TzproxyError(
                f"No valid variants to sample from for function `{function.name}` "
                "after filtering by allowed variants"
            )
        raise AllVariantsFailedError(failures)

    async def call_off(self, planned: PlannedBatch, submission: Submission) -> None:
        """Take a batch back from its provider, as far as that goes.

        Raises:
            ProviderError: when the provider cannot be asked, or refuses.
        """
        credentials = planned.inferences[0].request.credentials
        await submission.api.cancel(submission.batch.params, credentials=credentials, jobs=self._jobs)

    async def _with_variant(self, variant: Variant, planned: PlannedBatch) -> Submission:
        # Its kin ask a model more than once, or do something to the answer: a batch does neither.
        if type(variant) is not ChatCompletion:
            raise UnsupportedVariantError(variant.name)
        requests = await in_turns(
            lambda inference: variant.model_request(inference, variant.merged(inference), stream=False),
            planned.inferences,
        )
        (model,) = variant.models()
        failures: list[tuple[str, TzproxyError]] = []
        for entry in model.providers:
            try:
                if entry.batch is None:
                    raise UnsupportedProviderError(entry.spec)
                batch, sent = await self._with_provider(model, (entry, entry.batch), requests, planned)
            except TzproxyError as exc:
                failures.append((entry.name, attributed(exc, entry)))
                continue
            return Submission(
                variant_name=variant.name,
                model_name=model.name,
                provider_name=entry.name,
                requests=sent,
                batch=batch,
                api=entry.batch,
            )
        raise AllProvidersFailedError(failures)

    async def _with_provider(
        self,
        model: Model,
        taker: tuple[ModelProvider, BatchApi],
        requests: Sequence[ModelRequest],
        planned: PlannedBatch,
    ) -> tuple[SubmittedBatch, list[ModelRequest]]:
        entry, api = taker

        def address(one: tuple[ModelRequest, Inference]) -> ModelRequest:
            request, inference = one
            asked = addressed(request, model, entry, filtered=inference.read.filtered)
            check_provider_tools(asked, model, entry)
            return asked

        plain = await in_turns(address, zip(requests, planned.inferences, strict=True))
        whole = await _with_files(plain, planned.inferences, entry)
        batch = await api.submit(
            whole,
            batch_id=planned.batch_id,
            credentials=planned.inferences[0].request.credentials,
            jobs=self._jobs,
        )
        return batch, plain


async def _with_files(
    requests: Sequence[ModelRequest], inferences: Sequence[Inference], entry: ModelProvider
) -> list[ModelRequest]:
    """Bring the files that the provider does not fetch itself, those of several inferences at once."""
    whole = list(requests)
    waiting = [
        (index, files)
        for index, inference in enumerate(inferences)
        if (files := inference.read.keeping) is not None
    ]
    for first in range(0, len(waiting), INPUTS_AT_ONCE):
        part = waiting[first : first + INPUTS_AT_ONCE]
        brought = await asyncio.gather(
            *(files.ready(requests[index], entry.spec.forwards_url) for index, files in part)
        )
        for (index, _), request in zip(part, brought, strict=True):
            whole[index] = request
    return whole
