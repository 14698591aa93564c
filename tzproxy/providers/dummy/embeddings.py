"""The dummy embedding provider: the same vector for everything, without a wire. Not hot; for tests only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from msgspec import Raw, structs

from tzproxy.config.credentials import Credential, DynamicCredential
from tzproxy.providers.dummy.provider import SPEC
from tzproxy.providers.errors import client_error, missing_key_error
from tzproxy.types.embedding import EmbeddingRequest, EmbeddingResponse, count_inputs
from tzproxy.types.usage import Usage

DIMENSIONS = 1536
VECTOR = Raw(b"[" + b",".join([b"0.0"] * DIMENSIONS) + b"]")
RAW_REQUEST = "raw request"
RAW_USAGE = Raw(b'{"prompt_tokens": 10, "total_tokens": 10}')
RAW_RESPONSE = f'{{"usage": {bytes(RAW_USAGE).decode()}}}'


class LocalEmbedding(NamedTuple):
    """A complete answer of a provider without a wire."""

    response: EmbeddingResponse
    raw_request: str
    raw_response: str


class DummyEmbeddings:
    """One configured dummy embedding model."""

    def __init__(
        self,
        model_name: str,
        credential: Credential,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.spec = structs.replace(SPEC, api_type="embeddings")
        self._name = model_name
        self._credential = credential
        self._sleep = sleep

    async def embed(self, request: EmbeddingRequest, credentials: Mapping[str, str]) -> LocalEmbedding:
        """Answer a request.

        Raises:
            ProviderError: as the model's name demands.
        """
        name = self._name
        await self._sleep(30.0 if "slow" in name else 0.1)
        if name.startswith("error"):
            raise client_error(
                "dummy",
                f"Error sending request to Dummy embedding provider for model '{name}'.",
                raw_request=RAW_REQUEST,
            )
        if name == "test_key":
            self._check_key(credentials)
        vectors = [VECTOR] * count_inputs(request.input)
        response = EmbeddingResponse(vectors=vectors, usage=Usage(10, 0), raw_usage=RAW_USAGE)
        return LocalEmbedding(response, RAW_REQUEST, RAW_RESPONSE)

    def _check_key(self, credentials: Mapping[str, str]) -> None:
        key = None
        if isinstance(self._credential, DynamicCredential):
            key = credentials.get(self._credential.name)
            if key is None:
                raise missing_key_error("Dummy", f"Dynamic api key `{self._credential.name}` is missing")
        if key != "good_key":
            raise client_error("dummy", "Invalid API key for Dummy provider", raw_request=RAW_REQUEST)
