"""The dummy's batch API, as far as the original has it: it takes batches and never gives them back. Cold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import uuid4

import msgspec

from tzproxy.providers.batches import Jobs, ModelNames, PolledBatch, SubmittedBatch
from tzproxy.providers.dummy.answers import RAW_REQUEST
from tzproxy.providers.errors import ProviderError, client_error
from tzproxy.types.model import ModelRequest

_ENCODE = msgspec.json.Encoder().encode


class DummyBatch:
    """The batch API of one dummy model."""

    def __init__(self, model_name: str) -> None:
        self._name = model_name

    async def submit(
        self, requests: Sequence[ModelRequest], *, batch_id: str, credentials: Mapping[str, str], jobs: Jobs
    ) -> SubmittedBatch:
        """Take a batch.

        Raises:
            ProviderError: for a model whose name begins with `error`.
        """
        if self._name.startswith("error"):
            raise client_error("dummy", f"Error sending request to Dummy provider for model '{self._name}'.")
        params = {"file_id": str(uuid4()), "batch_id": str(uuid4())}
        return SubmittedBatch(
            params=_ENCODE(params).decode(),
            raw_requests=["raw_request"] * len(requests),
            raw_request=RAW_REQUEST,
            raw_response="raw response",
        )

    async def poll(self, params: str, *, names: ModelNames, jobs: Jobs) -> PolledBatch:
        """Refuse.

        Raises:
            ProviderError: always.
        """
        raise ProviderError("Unsupported model provider for batch inference: Dummy")

    async def cancel(self, params: str, *, credentials: Mapping[str, str], jobs: Jobs) -> None:
        """There is nothing to call off."""
