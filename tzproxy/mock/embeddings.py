"""Deterministic embedding vectors: a text's checksum seeds its vector, of length one. Pure, not hot."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from typing import Any

import msgspec
from msgspec import Struct

DEFAULT_DIMENSIONS = 64
_MAX_DIMENSIONS = 8192
_JSON = msgspec.json.Encoder()


class EmbeddingsRequest(Struct, frozen=True):
    """The parts of an embeddings request that the mock looks at."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str | None = None


def embed(text: str | list[int], dimensions: int) -> list[float]:
    """Return the vector of a text (or of a list of tokens): same text, same vector, length one."""
    seed = text.encode() if isinstance(text, str) else _JSON.encode(text)
    raw = hashlib.shake_128(seed).digest(2 * dimensions)
    values = [word / 32768 - 1 for word in struct.unpack(f"<{dimensions}H", raw)]
    norm = math.sqrt(sum(value * value for value in values)) or 1.0
    return [round(value / norm, 7) for value in values]


def render_embeddings(request: EmbeddingsRequest) -> bytes:
    """Render the JSON body that answers a request.

    Raises: ValueError with a message for the client when the request asks for the impossible.
    """
    dimensions = DEFAULT_DIMENSIONS if request.dimensions is None else request.dimensions
    if not 0 < dimensions <= _MAX_DIMENSIONS:
        raise ValueError(f"dimensions must be between 1 and {_MAX_DIMENSIONS}")
    inputs = _split_inputs(request.input)
    tokens = sum(len(entry.split()) if isinstance(entry, str) else len(entry) for entry in inputs)
    data: list[dict[str, Any]] = []
    for index, entry in enumerate(inputs):
        vector: Any = embed(entry, dimensions)
        if request.encoding_format == "base64":
            vector = base64.b64encode(struct.pack(f"<{dimensions}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return _JSON.encode({"object": "list", "data": data, "model": request.model, "usage": usage})


def _split_inputs(given: str | list[str | int | list[int]]) -> list[str | list[int]]:
    """One text, one list of tokens, or a list of either."""
    if isinstance(given, str):
        return [given]
    if not given:
        raise ValueError("input must not be empty")
    numbers = [entry for entry in given if isinstance(entry, int)]
    if numbers:
        if len(numbers) != len(given):
            raise ValueError("input mixes tokens with texts")
        return [numbers]
    return [entry for entry in given if not isinstance(entry, int)]
