"""Tests of `tzproxy.providers.dummy.embeddings`: vectors by the model's name."""

from __future__ import annotations

import json

import pytest

from tzproxy.config.credentials import DynamicCredential, NoCredential
from tzproxy.providers.dummy.embeddings import DIMENSIONS, DummyEmbeddings
from tzproxy.providers.errors import ProviderError
from tzproxy.types.embedding import EmbeddingRequest
from tzproxy.types.usage import Usage


class Sleeps(list[float]):
    """Notes how long somebody would have slept."""

    async def __call__(self, seconds: float) -> None:
        """Return at once."""
        self.append(seconds)


async def test_zeros_for_every_input() -> None:
    """Usage is always the same, and so is the raw response."""
    slept = Sleeps()
    provider = DummyEmbeddings("any", NoCredential(), sleep=slept)
    response, raw_request, raw_response = await provider.embed(EmbeddingRequest(["a", "b"]), {})
    assert [json.loads(bytes(vector)) for vector in response.vectors] == [[0.0] * DIMENSIONS] * 2
    assert response.usage == Usage(10, 0)
    assert json.loads(raw_response) == {"usage": {"prompt_tokens": 10, "total_tokens": 10}}
    assert (raw_request, slept, provider.spec.api_type) == ("raw request", [0.1], "embeddings")


async def test_slow_models() -> None:
    """They take half a minute."""
    slept = Sleeps()
    await DummyEmbeddings("very_slow", NoCredential(), sleep=slept).embed(EmbeddingRequest("x"), {})
    assert slept == [30.0]


async def test_models_that_fail() -> None:
    """Their names begin with `error`."""
    with pytest.raises(ProviderError, match="Dummy embedding provider"):
        await DummyEmbeddings("error_x", NoCredential(), sleep=Sleeps()).embed(EmbeddingRequest("x"), {})


@pytest.mark.parametrize(
    ("credentials", "problem"),
    [({"k": "good_key"}, None), ({"k": "bad"}, "Invalid API key"), ({}, "Dynamic api key `k` is missing")],
)
async def test_keys(credentials: dict[str, str], problem: str | None) -> None:
    """`test_key` wants the good one."""
    provider = DummyEmbeddings("test_key", DynamicCredential("k"), sleep=Sleeps())
    if problem is None:
        assert (await provider.embed(EmbeddingRequest("x"), credentials)).response.vectors
    else:
        with pytest.raises(ProviderError, match=problem):
            await provider.embed(EmbeddingRequest("x"), credentials)
