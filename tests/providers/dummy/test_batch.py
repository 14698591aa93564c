"""Tests of the dummy's batch API."""

from __future__ import annotations

import json

import pytest

from tzproxy.providers.batches import ModelNames
from tzproxy.providers.dummy.batch import DummyBatch
from tzproxy.providers.errors import ProviderError

from ..job_script import JobScript
from ..samples import ask


async def test_it_takes_batches_and_keeps_them() -> None:
    """A batch can be begun, and never asked for."""
    api = DummyBatch("good")
    done = await api.submit([ask(), ask()], batch_id="b", credentials={}, jobs=JobScript())
    assert set(json.loads(done.params)) == {"file_id", "batch_id"}
    assert (done.raw_requests, done.raw_request, done.raw_response) == (
        ["raw_request", "raw_request"],
        "raw request",
        "raw response",
    )
    with pytest.raises(ProviderError, match="^Unsupported model provider for batch inference: Dummy$"):
        await api.poll(done.params, names=ModelNames("m", "p"), jobs=JobScript())
    await api.cancel(done.params, credentials={}, jobs=JobScript())


async def test_models_that_fail() -> None:
    """A name that begins with `error` fails here, too."""
    with pytest.raises(ProviderError, match="Error sending request to Dummy provider for model 'error'"):
        await DummyBatch("error").submit([ask()], batch_id="b", credentials={}, jobs=JobScript())
